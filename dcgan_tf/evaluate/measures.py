"""The measures of `dcgan-tf evaluate` by name. Each says what it needs, and measures real and generated images."""

import functools

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.evaluate.against import Halved, Measure, RealImages
from dcgan_tf.evaluate.columns import WITHIN
from dcgan_tf.evaluate.in_features import FID, KID, InFeatures, Modes, PrecisionRecall
from dcgan_tf.evaluate.of_classes import ClassAccuracy, PerClass
from dcgan_tf.metrics import copies, diversity, msssim, swd, tones


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


class Copies(Measure):
    """The nearest training image of each sample. `found` holds the result of the last score."""

    name, default_images, min_images = "copies", 1_000, copies.MIN_UNSEEN_IMAGES
    found: copies.Copies

    def __init__(self, against: RealImages):
        super().__init__(against)
        self.protocol |= {
            "held_out": against.held_out and against.held_out.fingerprint,
            "features": self._features and self._features.fingerprint,
        }

    @property
    def _features(self):
        return self.against.features if self.against.are_copies_told_by_features else None

    def real(self):
        # By definition, half of the held-out images are nearer than the median, and 1% are below the first percentile.
        middle = {"share_nearer": 0.5, "share_copied": 0.01}
        return middle | ({f"{key}_in_features": value for key, value in middle.items()} if self._features else {})

    def score(self, samples):
        against = self.against
        try:
            self.found = copies.find_copies(
                samples, against.reals, against.held_out, self._features, against.seed, self.images
            )
        except UserError as error:
            flag = f"--data {printable(against.data)}" if against.held_out is None else "--held-out"
            raise UserError(f"{flag}: {error}, or leave copies out of --metrics") from error
        shares = {"share_nearer": self.found.share_nearer, "share_copied": self.found.share_copied}
        if of := self.found.in_features:
            shares |= {"share_nearer_in_features": of.share_nearer, "share_copied_in_features": of.share_copied}
        return shares


class Diversity(Measure):
    """The mean distance of two images; of two of one class where the generator draws classes, as training measures it."""

    name, default_images, min_images = "diversity", 1_000, 2

    def __init__(self, against: RealImages):
        super().__init__(against)
        if against.matched is not None:
            self.protocol |= {WITHIN: "classes"}

    def real(self):
        reals, matched = self.against.reals, self.against.matched
        return self._distance(reals, None if matched is None else matched.places_in(reals))

    def score(self, samples):
        return self._distance(samples, None if self.against.matched is None else samples.labels)

    def _distance(self, source, classes: np.ndarray | None) -> dict[str, float]:
        return {"distance": diversity.mean_pairwise_distance(source, self.images, self.against.seed, classes)}


BY_NAME = {
    kind.name: kind
    for kind in (
        SlicedWasserstein,
        Tones,
        Similarity,
        FID,
        KID,
        PrecisionRecall,
        Copies,
        Diversity,
        Modes,
        PerClass,
        ClassAccuracy,
    )
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
