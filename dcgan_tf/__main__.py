"""`python -m dcgan_tf train ...`: the `dcgan-tf` command where it is not on the path."""

import sys

from dcgan_tf.cli import main

if __name__ == "__main__":
    sys.exit(main())
