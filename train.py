"""Train a GAN on your own images: `python train.py --data paints200.npy`. `--help` lists the flags."""

import sys

from dcgan_tf.cli import train_main

if __name__ == "__main__":
    sys.exit(train_main())
