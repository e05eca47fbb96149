"""The fast arithmetic of a step: the numbers of Keras's layers, computed sooner."""
