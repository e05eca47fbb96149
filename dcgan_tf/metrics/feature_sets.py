"""Features of two halves of the real images and of generated ones, and everything that is measured between them."""

import functools

import numpy as np

from dcgan_tf.metrics import distances, imagenet
from dcgan_tf.metrics.features import FeatureSpace
from dcgan_tf.metrics.halves import halves
from dcgan_tf.metrics.jumbled import Jumbled

MIN_IMAGES = max(distances.MIN_IMAGES.values())  # of each set, so that every measure here has enough


def imagenet_suits(reals) -> bool:
    """Whether generated images are compared with a source in the features of ImageNet where nobody says otherwise: the net
    is installed, and the images are not tiny and not too few."""
    is_enough = imagenet.is_large_enough(reals.image_shape) and len(reals) >= 2 * MIN_IMAGES
    return is_enough and imagenet.is_installed()


def fid(real: np.ndarray, other: np.ndarray) -> dict[str, float]:
    return {"fid": distances.frechet(real, other)}


def kid(real: np.ndarray, other: np.ndarray) -> dict[str, float]:
    value, error = distances.kernel_distance(real, other)
    return {"kid": value, "standard_error": error}


def precision_recall(real: np.ndarray, other: np.ndarray) -> dict[str, float]:
    precision, recall = distances.precision_recall(real, other)
    return {"precision": precision, "recall": recall}


class FeatureSets:
    """Features of halves A and B of the real images and of generated ones, each computed once for all measures.

    images: the number of images of each set: min(images, half of the real ones).
    """

    def __init__(self, space: FeatureSpace, reals, images: int, seed: int = 0):
        """reals: a source; nothing is read yet. seed: draws the halves."""
        self.images = min(images, len(reals) // 2)
        self._space, self._reals = space, reals
        self._a, self._b = halves(len(reals), self.images, seed, b"features")
        self._scored = (None, None)

    @functools.cached_property
    def a(self) -> np.ndarray:
        """float32 [images, d]"""
        return self._space.extract(self._reals, self._a)

    @functools.cached_property
    def b(self) -> np.ndarray:
        """float32 [images, d]"""
        return self._space.extract(self._reals, self._b)

    @functools.cached_property
    def jumbled(self) -> np.ndarray:
        """Of B with the parts of each image jumbled, float32 [images, d]."""
        return self._space.extract(Jumbled(self._reals, self._space.fitted), self._b)

    def of(self, samples) -> np.ndarray:
        """Of the first `images` of a source, float32 [images, d]; those of the newest source are kept."""
        if self._scored[0] is not samples:
            self._scored = samples, self._space.extract(samples, np.arange(self.images))
        return self._scored[1]
