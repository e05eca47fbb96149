"""The folder of a run: every name in it, its settings, its state and its log."""
