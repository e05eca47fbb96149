"""`dcgan-tf evaluate` and `train-features`: a finished run is judged."""
