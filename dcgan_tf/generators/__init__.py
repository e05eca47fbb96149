"""A trained generator: find it, load it, draw with it."""
