"""How far generated images of a class are from real ones of it: SWD, and KID where there are features.

Numbers over all classes hide a class that is drawn badly, or that shows another one. There are many classes, and each has
few real images: so each is measured by few images, in few directions. The scatter of a class is that of its size, so
that numbers of two classes compare only beside those of their real images. Memory: as SWD by all these images together.
"""

import numpy as np

from dcgan_tf.metrics import distances, feature_sets, swd
from dcgan_tf.metrics.feature_sets import FeatureSets
from dcgan_tf.metrics.features import FeatureSpace

MAX_IMAGES_OF_ALL = 5_120  # of all classes together, of generated ones and of each half of the real ones
MAX_IMAGES, DIRECTIONS = 512, 64  # Of each class; so few still tell apart what is good (docs/findings.md).
MAX_KID_IMAGES = 128  # of each class; features take most of the time
MIN_REAL_IMAGES = 2 * swd.MIN_IMAGES  # of a class


def images_of_each(classes: int) -> int:
    """By how many images each of so many classes is measured, if it has twice as many real ones."""
    return int(np.clip(MAX_IMAGES_OF_ALL // max(classes, 1), swd.MIN_IMAGES, MAX_IMAGES))


class OfClass:
    """Measures images of one class against half A of its real ones; half B gives the floor.

    images: the number of images of each set: min(images, half of the real ones).
    """

    def __init__(self, reals, images: int, seed: int, space: FeatureSpace | None = None):
        """reals: a source of the real images of the class, at least `MIN_REAL_IMAGES`. space: None: no KID is taken, nor
        where there are fewer images than it needs."""
        self._swd = swd.SWD(reals, images, seed, DIRECTIONS)
        self.images = self._swd.images
        kid_images = min(self.images, MAX_KID_IMAGES)
        is_enough = space is not None and kid_images >= distances.MIN_IMAGES["kid"]
        self._sets = FeatureSets(space, reals, kid_images, seed) if is_enough else None

    def real(self) -> dict[str, float]:
        """The numbers of other real images of the class."""
        kid = feature_sets.kid(self._sets.a, self._sets.b) if self._sets else {}
        return {"swd": swd.mean(self._swd.floor())} | kid

    def score(self, samples) -> dict[str, float]:
        """swd, the mean over its levels, and where it is taken kid with its standard_error, of a source of `images`."""
        kid = feature_sets.kid(self._sets.a, self._sets.of(samples)) if self._sets else {}
        return {"swd": swd.mean(self._swd.score(samples))} | kid
