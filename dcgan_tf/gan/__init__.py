"""One update of both nets: losses, views of the discriminator, averages, optimizers, random numbers."""
