"""A generator of three classes that is no net: what it draws shows the latents and the class."""

import numpy as np

from dcgan_tf.generators.generator import Generator

NAMES = ("cat", "dog", "old cat")


def zoo(names=NAMES, mixes=True, labels=(0, 1, 2), shape=(4, 6, 1), seen=None) -> Generator:
    """Makes images whose upper half is the first latent, times 4, and whose lower half is 60 times the class; between
    classes, as much of each as they weigh.

    seen: a list that gets the weights of each call between classes.
    """

    def draw(latents, level):
        levels = np.stack([4 * latents[:, 0], 60 * level], axis=1).repeat(shape[0] // 2, axis=1) % 256
        return np.broadcast_to(np.rint(levels).astype(np.uint8)[:, :, None, None], [len(latents), *shape])

    def mixed(latents, weights):
        if seen is not None:
            seen.append(weights)
        return draw(latents, weights @ np.arange(3))

    return Generator(
        "zoo", 2, shape, "uniform", draw, "epoch 7", 3, labels, class_names=names, _run_mixed=mixed if mixes else None
    )  # fmt: skip


def image(first, level, shape=(4, 6, 1)) -> np.ndarray:
    """What the zoo draws of a first latent and a class."""
    half = shape[0] // 2
    column = np.array([4 * first] * half + [60 * level] * half, np.float64)
    return np.broadcast_to(np.rint(column).astype(np.uint8)[:, None, None], shape)
