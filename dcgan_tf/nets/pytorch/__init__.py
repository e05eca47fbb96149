"""Tensors in files of PyTorch and of safetensors, read without running any code, and the nets that are made of them."""
