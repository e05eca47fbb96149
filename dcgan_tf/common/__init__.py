"""What every other package uses: errors, files, TensorFlow itself, pixels, words and versions."""
