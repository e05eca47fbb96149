"""Images that a net learns little from, or wrongly: flat, nearly black or white, blurry, or grey among coloured ones.

All functions take looks, LOOK [N] (see `dcgan_tf.inspection.looks`).
"""

import numpy as np

# The palest of 10,600 paintings, faces and emoji has a contrast of 5.8, and shows something.
MAX_FLAT_CONTRAST_LEVELS = 5.0

# A brain scan is as dark by its mean, but has a contrast of 20 and more.
MAX_BLACK_BRIGHTNESS_LEVEL, MIN_WHITE_BRIGHTNESS_LEVEL = 25.0, 245.0
MAX_DIM_CONTRAST_LEVELS = 16.0

# Blurred by a Gaussian of 1.5 pixels, 98% of the images of five sets have 0.69 and more; as they are, 6 of 14,000 have 0.70.
MIN_BLUR = 0.7
MIN_BLUR_ABOVE_MEDIAN = 0.1


def is_flat(looks: np.ndarray) -> np.ndarray:
    """Which images show one colour, but for noise: bool [N]."""
    return looks["contrast"] < MAX_FLAT_CONTRAST_LEVELS


def is_nearly_black(looks: np.ndarray) -> np.ndarray:
    """Which images show little, as they are black or nearly so; flat ones, too: bool [N]."""
    return (looks["brightness"] <= MAX_BLACK_BRIGHTNESS_LEVEL) & (looks["contrast"] <= MAX_DIM_CONTRAST_LEVELS)


def is_nearly_white(looks: np.ndarray) -> np.ndarray:
    """Which images show little, as they are white or nearly so; flat ones, too: bool [N]."""
    return (looks["brightness"] >= MIN_WHITE_BRIGHTNESS_LEVEL) & (looks["contrast"] <= MAX_DIM_CONTRAST_LEVELS)


def is_blurry(looks: np.ndarray) -> np.ndarray:
    """Which images are blurry, both by themselves and against the median of the set: bool [N].

    So a set that is soft all over has none, and neither has a sharp one whose images differ a little.
    """
    limit = max(MIN_BLUR, np.median(looks["blur"]) + MIN_BLUR_ABOVE_MEDIAN) if len(looks) else MIN_BLUR
    return (looks["blur"] >= limit) & ~is_flat(looks)


def is_soft_all_over(looks: np.ndarray) -> bool:
    """Whether half of the images or more are blurry by themselves: most likely they were enlarged."""
    return bool(len(looks)) and bool(np.median(looks["blur"]) >= MIN_BLUR)


def other_coloured(looks: np.ndarray) -> np.ndarray:
    """The images that are grey where most have colour, or have colour where most are grey: int64 [n], ascending.

    Where there are as many of both, these are the grey ones.
    """
    grey = looks["is_grey"]
    return np.flatnonzero(grey if 2 * np.count_nonzero(grey) <= len(grey) else ~grey)
