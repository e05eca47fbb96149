"""Images in: any source becomes uint8 images by index, and batches by step."""
