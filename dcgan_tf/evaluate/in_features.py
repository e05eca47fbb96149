"""The measures that compare what a net makes of images: its features, or the classes it tells."""

import functools

import numpy as np

from dcgan_tf.evaluate.against import Halved, Measure, RealImages, halves
from dcgan_tf.metrics import distances, diversity


class FeatureSets:
    """Features of two halves of the real images and of the generated ones, each computed once for all measures."""

    def __init__(self, against: RealImages, images: int):
        self._against, self._images = against, images
        self._a, self._b = halves(against, images, b"features")
        self._scored = (None, None)

    @functools.cached_property
    def a(self) -> np.ndarray:
        return self._against.features.extract(self._against.reals, self._a)

    @functools.cached_property
    def b(self) -> np.ndarray:
        return self._against.features.extract(self._against.reals, self._b)

    def of(self, samples) -> np.ndarray:
        if self._scored[0] is not samples:
            self._scored = samples, self._against.features.extract(samples, np.arange(self._images))
        return self._scored[1]


class InFeatures(Measure):
    """A measure of two sets of features. All such measures share one `FeatureSets`."""

    # Papers use 50,000 images, for which Inception needs an hour on a small machine.
    default_images, real_sets = 10_000, 2

    def __init__(self, against: RealImages):
        super().__init__(against)
        self.sets = FeatureSets(against, self.images)
        self.protocol |= {"features": against.features.fingerprint}

    def real(self):
        return self.compare(self.sets.a, self.sets.b)

    def score(self, samples):
        return self.compare(self.sets.a, self.sets.of(samples))

    def compare(self, real: np.ndarray, other: np.ndarray) -> dict[str, float]:
        raise NotImplementedError


class FID(InFeatures):
    name, min_images = "fid", distances.MIN_IMAGES["fid"]

    def compare(self, real, other):
        return {"fid": distances.frechet(real, other)}


class KID(InFeatures):
    name, min_images = "kid", distances.MIN_IMAGES["kid"]

    def compare(self, real, other):
        value, error = distances.kernel_distance(real, other)
        return {"kid": value, "standard_error": error}


class PrecisionRecall(InFeatures):
    name, min_images = "precision-recall", distances.MIN_IMAGES["precision-recall"]

    def compare(self, real, other):
        precision, recall = distances.precision_recall(real, other)
        return {"precision": precision, "recall": recall}


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
