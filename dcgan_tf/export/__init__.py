"""A generator for other software: SavedModel, ONNX and LiteRT, checked, with what a server needs."""
