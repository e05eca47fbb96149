"""Accuracy by class: how often what is told of an image is what it was asked to be. NumPy alone."""

import numpy as np


def shares_right(right, classes, class_count: int) -> np.ndarray:
    """The share of each class that is right, float64 [class_count]; NaN where there is no image of it.

    Args:
        right: bool [n], whether an image was told rightly.
        classes: int [n], 0 to class_count - 1: the true class of each, or the one that was asked for.
    """
    counts = np.bincount(classes, minlength=class_count)
    with np.errstate(invalid="ignore"):
        return np.bincount(classes, right, class_count) / counts
