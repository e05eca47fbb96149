"""`dcgan-tf train`: from flags to the loop, and what watches and saves a run."""
