"""Two halves of the real images: generated ones are compared with A, and what B scores against A is the floor."""

import numpy as np


def halves(count: int, images: int, seed: int, measure: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The indices, ascending, of two sets of `images` of `count` real images, with none in common.

    measure: a name that varies the choice.
    """
    order = np.random.default_rng([seed, *measure]).permutation(count)
    return np.sort(order[:images]), np.sort(order[-images:])
