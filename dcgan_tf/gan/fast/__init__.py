"""The arithmetic of a step, the same numbers sooner than by Keras's layers."""
