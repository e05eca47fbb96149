"""The sizes of the stored images, for people: how long their shorter sides are, and how far they are from squares."""

from typing import NamedTuple

import numpy as np

from dcgan_tf.common.text import table
from dcgan_tf.data.sizes import MIN_OBLONG_RATIO

# The sides that images are commonly trained on, and twice as long ones; each bin begins at one of these.
BIN_STARTS_PIXELS = (1, 32, 64, 96, 128, 192, 256, 512, 1024, 2048)


class Sizes(NamedTuple):
    """What sizes images have.

    bins          of the shorter sides in pixels, ascending: (first, last, images), without empty ones at both ends;
                  the last of the bins may have None for `last`
    smallest      (H, W) of the image with the shortest shorter side, and its index
    largest       ... with the longest
    median_ratio  of width to height
    wide_share    of images that are 1.25 times as wide as high or more, 0..1
    tall_share    ... as high as wide
    """

    bins: list[tuple[int, int | None, int]]
    smallest: tuple[tuple[int, int], int]
    largest: tuple[tuple[int, int], int]
    median_ratio: float
    wide_share: float
    tall_share: float


def sizes_of(looks: np.ndarray) -> Sizes:
    """What sizes at least one image has. looks: LOOK [N]."""
    sizes = looks["size"].astype(np.int64)
    shorter = sizes.min(axis=1)
    counts = np.bincount(
        np.searchsorted(BIN_STARTS_PIXELS, shorter, side="right") - 1, minlength=len(BIN_STARTS_PIXELS)
    )
    lasts = [start - 1 for start in BIN_STARTS_PIXELS[1:]] + [None]
    bins = list(zip(BIN_STARTS_PIXELS, lasts, counts.tolist()))
    filled = np.flatnonzero(counts)
    smallest, largest = int(shorter.argmin()), int(shorter.argmax())
    ratio = sizes[:, 1] / sizes[:, 0]
    return Sizes(
        bins=bins[filled[0] : filled[-1] + 1],
        smallest=(tuple(sizes[smallest].tolist()), smallest),
        largest=(tuple(sizes[largest].tolist()), largest),
        median_ratio=float(np.median(ratio)),
        wide_share=float(np.mean(ratio >= MIN_OBLONG_RATIO)),
        tall_share=float(np.mean(ratio <= 1 / MIN_OBLONG_RATIO)),
    )


def histogram_text(sizes: Sizes, bar_columns: int = 30) -> str:
    """The bins as lines of text: the sides in pixels, how many images, and a bar; the longest bar has `bar_columns`."""
    most = max(images for _, _, images in sizes.bins)
    rows = [
        (f"{first} and more" if last is None else f"{first} to {last}", f"{images:,}", _bar(images, most, bar_columns))
        for first, last, images in sizes.bins
    ]
    return table(rows, "<><")


def _bar(images, most, columns) -> str:
    """At least one sign where there are images."""
    return "#" * (max(1, round(images / most * columns)) if images else 0)
