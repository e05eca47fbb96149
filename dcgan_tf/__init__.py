"""dcgan_tf: train a deep convolutional GAN on your own images and ship the result."""

__version__ = "0.1.0"
