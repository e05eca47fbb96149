"""A run as plain data: flags, presets, recipes, and what is refused of them. No TensorFlow, no reading of images."""
