"""What every room uses: errors, files, TensorFlow itself, pixels, versions."""
