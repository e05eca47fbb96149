"""Classes that come as often as their shares say: as evenly as can be, and without random numbers."""

from collections.abc import Sequence

import numpy as np

GOLDEN_RATIO = (5**0.5 - 1) / 2


def classes_at(places, shares: Sequence[float]) -> np.ndarray:
    """The classes [n], int64, 0 to len(shares) - 1, at places [n] of an endless row in which each class has its share.

    shares: a number for each class, with a sum of 1.
    """
    # Multiples of the golden ratio fill 0..1 evenly, however many are taken, from whichever on.
    ends = np.cumsum(shares)[:-1]
    return np.searchsorted(ends, np.asarray(places, np.int64) * GOLDEN_RATIO % 1, side="right")
