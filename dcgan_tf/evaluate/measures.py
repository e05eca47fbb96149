"""The measures of `dcgan-tf evaluate` by name. Each says what it needs, and measures real and generated images."""

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
    images      a measure takes at most so many images of each set; None: its own number
    seed        chooses the images that are compared
    """

    reals: ImageSource
    data: str
    held_out: ImageSource | None
    features: FeatureSpace | None
    classifier: FeatureSpace | None
    images: int | None
    seed: int

    def limited(self, default_images: int) -> int:
        return default_images if self.images is None else min(default_images, self.images)


class Measure:
    """One measure against one set of real images; nothing is read before `real` or `score`.

    Attributes:
        images: the number of generated images that a score takes.
        protocol: the facts that have to be equal for two numbers to compare, as plain values for JSON.
    """

    name: str
    default_images: int
    min_images: int  # of generated ones, and of each set of real ones
    real_sets = 1  # 2 where one set of real images is scored against another for the floor.

    def __init__(self, against: RealImages):
        """Raises UserError: too few images."""
        self.against = against
        wanted = against.limited(self.default_images)
        if wanted < self.min_images:
            raise UserError(f"--images {wanted}: {self.name} needs at least {self.min_images}")
        needed = self.min_images * self.real_sets
        if len(against.reals) < needed:
            half = ", half of them for its floor" if self.real_sets == 2 else ""
            raise UserError(
                f"--data {printable(against.data)}: {self.name} needs at least {needed} real images{half}, "
                f"not {len(against.reals)}: give more, or leave {self.name} out of --metrics"
            )
        self.images = wanted if self.real_sets == 1 else min(wanted, len(against.reals) // 2)
        self.protocol = {"images": self.images, "seed": against.seed, "data": against.reals.fingerprint}

    def real(self) -> dict[str, float | None]:
        """The numbers of real images, measured in the same way: a perfect generator would have them."""
        raise NotImplementedError

    def score(self, samples) -> dict[str, float | None]:
        """The numbers of generated images. samples: a source of at least `images`."""
        raise NotImplementedError


def halves(against: RealImages, images: int, measure: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The indices, ascending, of two sets of so many real images, with none in common.

    measure: a name that varies the choice.
    """
    order = np.random.default_rng([against.seed, *measure]).permutation(len(against.reals))
    return np.sort(order[:images]), np.sort(order[-images:])


class SlicedWasserstein(Measure):
    name, default_images, min_images, real_sets = "swd", swd.PUBLISHED_IMAGES, swd.MIN_IMAGES, 2

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
    """Compares with half A of the real images; half B is scored like generated images, which gives the floor."""

    real_sets = 2

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

    name, default_images, min_images = "tones", 10_000, tones.MIN_IMAGES

    def numbers(self, source, indices):
        shares = tones.histograms(source, indices)
        return {"distance": tones.distance(self._real, shares), "clipped": tones.clipped(shares)}

    @functools.cached_property
    def _real(self) -> np.ndarray:
        return tones.histograms(self.against.reals, self._a)


class Similarity(Measure):
    name, default_images, min_images = "msssim", 2 * msssim.PUBLISHED_PAIRS, msssim.MIN_IMAGES

    def real(self):
        return self.score(self.against.reals)

    def score(self, samples):
        return {"mean": msssim.ms_ssim_diversity(samples, self.images // 2, self.against.seed)}


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


class Copies(Measure):
    """The nearest training image of each sample. `found` holds the result of the last score."""

    name, default_images, min_images = "copies", 1_000, copies.MIN_UNSEEN_IMAGES
    found: copies.Copies

    def __init__(self, against: RealImages):
        super().__init__(against)
        self.protocol |= {
            "held_out": against.held_out and against.held_out.fingerprint,
            "features": against.features and against.features.fingerprint,
        }

    def real(self):
        # By definition, half of the held-out images are nearer than the median, and 1% are below the first percentile.
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

    name, default_images, min_images = "diversity", 1_000, 2

    def real(self):
        return self.score(self.against.reals)

    def score(self, samples):
        return {"distance": diversity.mean_pairwise_distance(samples, self.images, self.against.seed)}


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


BY_NAME = {
    kind.name: kind
    for kind in (SlicedWasserstein, Tones, Similarity, FID, KID, PrecisionRecall, Copies, Diversity, Modes)
}  # The table shows them in this order.


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
