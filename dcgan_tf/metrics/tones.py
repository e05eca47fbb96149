"""Tones: how bright, how strong in contrast and how coloured images are, all pixels taken together.

Measures of structure do not see tones: SWD normalizes each channel over each set, and the batch normalization of a
discriminator does the same.
"""

import numpy as np

from dcgan_tf.common.errors import UserError

LEVELS = 256
CLIPPED_LEVELS = 5  # Values so near to black or white count as clipped.
BATCH_BYTES = 2**25  # Images may be large: only so many bytes of them are in memory at a time.
MIN_IMAGES = 1


def histograms(source, indices) -> np.ndarray:
    """The share of each level 0 to 255 among the pixels of the images at `indices`, by channel: float64 [C, 256].

    Raises:
        UserError: no image at all.
    """
    if len(indices) < MIN_IMAGES:
        raise UserError("tones: needs at least 1 image, and has none")
    size = max(1, BATCH_BYTES // int(np.prod(source.image_shape)))
    counts = 0
    for start in range(0, len(indices), size):
        values = source.read(indices[start : start + size])
        channels = np.moveaxis(values, -1, 0).reshape(values.shape[-1], -1)
        counts = counts + np.stack([np.bincount(channel, minlength=LEVELS) for channel in channels])
    return counts / counts.sum(axis=1, keepdims=True)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """How far apart the values of two sets are, in levels, 0 to 255: the mean over channels of the Wasserstein distance.

    For two sets that differ in brightness alone, it is the difference in brightness.

    Args:
        a, b: float64 [C, 256], made by `histograms`.
    """
    return float(np.abs(np.cumsum(a - b, axis=1)).sum(axis=1).mean())


def clipped(shares: np.ndarray) -> float:
    """The share of values within 5 levels of black or of white, 0 to 1. shares: as made by `histograms`."""
    return float(
        shares[:, : CLIPPED_LEVELS + 1].sum(axis=1).mean() + shares[:, -CLIPPED_LEVELS - 1 :].sum(axis=1).mean()
    )
