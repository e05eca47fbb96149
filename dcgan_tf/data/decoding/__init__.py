"""How one image file is decoded: what Pillow reads, what pydicom reads, frames, and other values than 8 bits."""
