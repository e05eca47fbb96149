"""Keras nets: built from rows of layers, changed to fit, and read from files of any origin."""
