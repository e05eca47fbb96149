"""Export a trained generator: `python export.py checkpoints/paints200 --out serving/paints200`. `--help` lists flags."""

import sys

from dcgan_tf.cli import export_main

if __name__ == "__main__":
    sys.exit(export_main())
