"""The measures of `dcgan-tf evaluate` by name, each in the same form: what it needs, the real images' row, a score."""

import functools
from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.data.source import ImageSource
from dcgan_tf.metrics import copies, distances, diversity, msssim, swd, tones
from dcgan_tf.metrics.features import FeatureSpace


@dataclass(frozen=True)
class RealImages:
    """The real images that generated ones are measured against, and how.

    reals       a source of the generator's shape
    data        the value of --data that opened it, for messages
    held_out    a source of images that the generator was not trained on, or None
    features    the feature space to compare in, or None
    classifier  the net whose outputs are a logit for each class, or None
    images      a measure takes at most so many generated images, and so many of each set of real ones; None: its own number
    seed        chooses the images that are compared
    """

    reals: ImageSource
    data: str
    held_out: ImageSource | None
    features: FeatureSpace | None
    classifier: FeatureSpace | None
    images: int | None
    seed: int

    def limited(self, own: int) -> int:
        return own if self.images is None else min(own, self.images)


class Measure:
    """One measure against one set of real images; nothing is read before `real` or `score`.

    Attributes:
        images: generated ones that a score takes.
        protocol: what has to be the same for numbers to compare, as plain values for JSON.
    """

    name: str
    own_images: int
    least: int  # generated images
    real_share = 1  # sets of as many real images: 2 where one is scored against the other for the floor

    def __init__(self, against: RealImages):
        """Raises UserError: too few images."""
        self.against = against
        wanted = against.limited(self.own_images)
        if wanted < self.least:
            raise UserError(f"--images {wanted}: {self.name} needs at least {self.least}")
        needed = self.least * self.real_share
        if len(against.reals) < needed:
            half = ", half of them for its floor" if self.real_share == 2 else ""
            raise UserError(
                f"--data {printable(against.data)}: {self.name} needs at least {needed} real images{half}, "
                f"not {len(against.reals)}: give more, or leave {self.name} out of --metrics"
            )
        self.images = wanted if self.real_share == 1 else min(wanted, len(against.reals) // 2)
        self.protocol = {"images": self.images, "seed": against.seed, "data": against.reals.fingerprint}

    def real(self) -> dict[str, float | None]:
        """The numbers of real images, got in the same way: what a perfect generator would have."""
        raise NotImplementedError

    def score(self, samples) -> dict[str, float | None]:
        """The numbers of generated images, a source with at least `images`."""
        raise NotImplementedError


def halves(against: RealImages, images: int, measure: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The indices of two sets of so many real images, in order, without one in common. measure: its own choice."""
    order = np.random.default_rng([against.seed, *measure]).permutation(len(against.reals))
    return np.sort(order[:images]), np.sort(order[-images:])


class SlicedWasserstein(Measure):
    name, own_images, least, real_share = "swd", swd.PUBLISHED_IMAGES, swd.MIN_IMAGES, 2

    def __init__(self, against: RealImages):
        super().__init__(against)
        self._swd = swd.SWD(against.reals, self.images, against.seed)
        self.protocol |= {"patches": swd.PATCHES_PER_IMAGE, "directions": swd.DIRECTIONS}

    def real(self):
        return self._by_level(self._swd.floor())

    def score(self, samples):
        return self._by_level(self._swd.score(samples))

    @staticmethod
    def _by_level(scores: dict[int, float]) -> dict[str, float]:
        return {str(height): score for height, score in scores.items()} | {"mean": swd.mean(scores)}


class Halved(Measure):
    """One half of the real images is what is compared with; the other is scored as generated ones are, for the floor."""

    real_share = 2

    def __init__(self, against: RealImages):
        super().__init__(against)
        self._a, self._b = halves(against, self.images, self.name.encode())

    def real(self):
        return self.numbers(self.against.reals, self._b)

    def score(self, samples):
        return self.numbers(samples, np.arange(self.images))

    def numbers(self, source, indices: np.ndarray) -> dict[str, float | None]:
        """The numbers of the images chosen against half A."""
        raise NotImplementedError


class Tones(Halved):
    """The values of all pixels together."""

    name, own_images, least = "tones", 10_000, tones.MIN_IMAGES

    def numbers(self, source, indices):
        shares = tones.histograms(source, indices)
        return {"distance": tones.distance(self._real, shares), "clipped": tones.clipped(shares)}

    @functools.cached_property
    def _real(self) -> np.ndarray:
        return tones.histograms(self.against.reals, self._a)


class Similarity(Measure):
    name, own_images, least = "msssim", 2 * msssim.PUBLISHED_PAIRS, msssim.MIN_IMAGES

    def real(self):
        return self.score(self.against.reals)

    def score(self, samples):
        return {"mean": msssim.ms_ssim_diversity(samples, self.images // 2, self.against.seed)}


class FeatureSets:
    """Features of two halves of the real images, and of the generated ones, each made once for all that need them."""

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
    """A distance of two sets of features. All share one `FeatureSets`."""

    # Published with 50,000, which Inception takes an hour for on a small machine.
    own_images, real_share = 10_000, 2

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
    name, least = "fid", distances.MIN_IMAGES["fid"]

    def compare(self, real, other):
        return {"fid": distances.frechet(real, other)}


class KID(InFeatures):
    name, least = "kid", distances.MIN_IMAGES["kid"]

    def compare(self, real, other):
        value, error = distances.kernel_distance(real, other)
        return {"kid": value, "standard_error": error}


class PrecisionRecall(InFeatures):
    name, least = "precision-recall", distances.MIN_IMAGES["precision-recall"]

    def compare(self, real, other):
        precision, recall = distances.precision_recall(real, other)
        return {"precision": precision, "recall": recall}


class Copies(Measure):
    """The nearest training image of each sample. `found` is what the last score found, to draw from."""

    name, own_images, least = "copies", 1_000, copies.MIN_UNSEEN_IMAGES
    found: copies.Copies

    def __init__(self, against: RealImages):
        super().__init__(against)
        self.protocol |= {
            "held_out": against.held_out and against.held_out.fingerprint,
            "features": against.features and against.features.fingerprint,
        }

    def real(self):
        # By definition: half of the held-out images are nearer than the middle one, and 1% than all but 1%.
        middle = {"share_nearer": 0.5, "share_copied": 0.01}
        return middle | (
            {f"{key}_in_features": value for key, value in middle.items()} if self.against.features else {}
        )

    def score(self, samples):
        against = self.against
        self.found = copies.find_copies(
            samples, against.reals, against.held_out, against.features, against.seed, self.images
        )
        shares = {"share_nearer": self.found.share_nearer, "share_copied": self.found.share_copied}
        if of := self.found.in_features:
            shares |= {"share_nearer_in_features": of.share_nearer, "share_copied_in_features": of.share_copied}
        return shares


class Diversity(Measure):
    """The mean distance of two images."""

    name, own_images, least = "diversity", 1_000, 2

    def real(self):
        return self.score(self.against.reals)

    def score(self, samples):
        return {"distance": diversity.mean_pairwise_distance(samples, self.images, self.against.seed)}


class Modes(Halved):
    """The classes that images fall in, as a classifier says: how many of those of the real images, and how evenly."""

    name, own_images, least = "modes", 10_000, 100

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


BY_NAME = {
    kind.name: kind
    for kind in (SlicedWasserstein, Tones, Similarity, FID, KID, PrecisionRecall, Copies, Diversity, Modes)
}  # in the order of the table


def open_measures(names, against: RealImages) -> list[Measure]:
    """The measures called `names`, in the order of the table; nothing is read yet.

    Raises:
        UserError: fewer images than one of them needs.
    """
    measures = [kind(against) for name, kind in BY_NAME.items() if name in names]
    in_features = [measure for measure in measures if isinstance(measure, InFeatures)]
    for measure in in_features[1:]:
        measure.sets = in_features[0].sets
    return measures
