"""Small images made large enough to be looked at."""

import numpy as np

READABLE_PIXELS = 512  # The longer side of a sheet that a person can look at without a magnifying glass.


def whole_factor(height: int, width: int, at_least: int = READABLE_PIXELS) -> int:
    """The least whole number that makes the longer side `at_least` pixels long; 1 where it is already."""
    return max(1, -(-at_least // max(height, width)))


def enlarged(images: np.ndarray, factor: int) -> np.ndarray:
    """uint8 [..., h, w, C] to [..., h * factor, w * factor, C], every pixel a sharp square of factor x factor."""
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)
