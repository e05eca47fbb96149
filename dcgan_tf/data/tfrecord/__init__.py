"""Images in TFRecord files, here or in a cloud, each of them one seek and one read away."""
