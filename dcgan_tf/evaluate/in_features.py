"""The measures that compare what a net makes of images: its features, or the classes it tells."""

import functools

import numpy as np

from dcgan_tf.config.commands import IMAGENET
from dcgan_tf.evaluate.against import Halved, Measure, RealImages
from dcgan_tf.evaluate.columns import JUMBLED
from dcgan_tf.metrics import distances, diversity, feature_sets
from dcgan_tf.metrics.feature_sets import FeatureSets


class InFeatures(Measure):
    """A measure of two sets of features. All such measures share one `FeatureSets`."""

    # Papers use 50,000 images, for which Inception needs an hour on a small machine.
    default_images, real_sets = 10_000, 2

    def __init__(self, against: RealImages):
        super().__init__(against)
        self.sets = FeatureSets(against.features, against.reals, self.images, against.seed)
        self.protocol |= {"features": against.features.fingerprint}

    def real(self):
        return self.compare(self.sets.a, self.sets.b)

    def score(self, samples):
        return self.compare(self.sets.a, self.sets.of(samples))

    @staticmethod
    def compare(real: np.ndarray, other: np.ndarray) -> dict[str, float]:
        """The numbers of two sets of features."""
        raise NotImplementedError


class FID(InFeatures):
    name, min_images = "fid", distances.MIN_IMAGES["fid"]
    compare = staticmethod(feature_sets.fid)


class KID(InFeatures):
    name, min_images = "kid", distances.MIN_IMAGES["kid"]
    compare = staticmethod(feature_sets.kid)

    def real(self):
        if self.against.features.name != IMAGENET:
            return super().real()
        return super().real() | {JUMBLED: self.compare(self.sets.a, self.sets.jumbled)["kid"]}


class PrecisionRecall(InFeatures):
    name, min_images = "precision-recall", distances.MIN_IMAGES["precision-recall"]
    compare = staticmethod(feature_sets.precision_recall)


class Modes(Halved):
    """How many of the classes of the real images the generated ones cover, and how evenly, as a classifier says."""

    name, default_images, min_images = "modes", 10_000, 100

    def __init__(self, against: RealImages):
        super().__init__(against)
        self.protocol |= {"features": against.classifier.fingerprint}

    def numbers(self, source, indices):
        covered, divergence = diversity.modes(self._classes(source, indices), len(self._real), self._real)
        return {"covered": covered, "divergence": divergence if np.isfinite(divergence) else None}

    @functools.cached_property
    def _real(self) -> np.ndarray:
        """How many real images of half A are of each class."""
        classes = self._classes(self.against.reals, self._a)
        return np.bincount(classes, minlength=self.against.classifier.dimension)

    def _classes(self, source, indices: np.ndarray) -> np.ndarray:
        return self.against.classifier.extract(source, indices).argmax(axis=1)
