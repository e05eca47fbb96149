"""Ships a generator to other software: SavedModel, ONNX and LiteRT, each verified, with what a server needs."""
