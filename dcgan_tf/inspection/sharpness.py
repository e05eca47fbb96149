"""How blurry an image is, by itself and among the others of its set."""

import numpy as np
from PIL import Image

MEASURED_SIDE_PIXELS = 128  # Larger images are shrunk: blur that this takes away, training would not see either.
BLUR_TAPS = 5


def blur_of(image: np.ndarray) -> float:
    """Returns how little an image loses by blurring, 0 (sharp, or flat) to 1 (blurred before).

    It is the share of the differences of neighbouring pixels that a mean over 5 pixels leaves, along the rows or the
    columns, whichever is more (Crete et al. 2007, "The blur effect"). It asks how steep the edges are that are there, so
    neither flat areas nor a low contrast count as blur.

    image: uint8 [H, W], grey.
    """
    grey = Image.fromarray(image)
    scale = MEASURED_SIDE_PIXELS / min(grey.size)
    if scale < 1:
        grey = grey.resize([max(1, round(side * scale)) for side in grey.size], Image.Resampling.BOX)
    levels = np.asarray(grey, np.float32)
    kept = []
    for axis in (0, 1):
        before, after = (np.abs(np.diff(values, axis=axis)) for values in (levels, _mean_of_neighbours(levels, axis)))
        kept.append(np.minimum(before, after).sum() / before.sum() if before.any() else 0.0)
    return float(max(kept))


def _mean_of_neighbours(levels, axis) -> np.ndarray:
    """The mean of each pixel and two on either side of it; the outermost pixels are repeated."""
    lines = np.pad(levels.swapaxes(0, axis), ((BLUR_TAPS // 2, BLUR_TAPS // 2), (0, 0)), mode="edge")
    count = levels.shape[axis]
    return (sum(lines[k : k + count] for k in range(BLUR_TAPS)) / BLUR_TAPS).swapaxes(0, axis)
