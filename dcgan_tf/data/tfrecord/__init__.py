"""Images in TFRecord files, on this machine or in a cloud; each image is one seek and one read."""
