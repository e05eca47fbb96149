"""How good the pictures of a generator are, in the numbers by which the best epoch of a run is told.

Training measures with them, and `dcgan-tf evaluate --set-best`: always by the same latents and against the same real
images, so that epochs compare.
"""

import functools
import time
from dataclasses import asdict, dataclass

import numpy as np

from dcgan_tf.data.source import ImageSource
from dcgan_tf.generators.generator import Generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import diversity, feature_sets, swd
from dcgan_tf.metrics.feature_sets import MIN_IMAGES, FeatureSets
from dcgan_tf.metrics.features import FeatureSpace
from dcgan_tf.metrics.words import KID_OF_JUMBLED, OF_REALS

FULL_IMAGES, FULL_FEATURE_IMAGES = 1024, 512
# Diversity is told by all pairs of so many pictures, as a share of that of so many real ones; of a net that draws classes
# by those of a class, of which there are more then.
PAIRED_IMAGES, PAIRED_REALS = 64, 256
PAIRED_IMAGES_OF_CLASSES = 256
TIMED_FEATURE_IMAGES = 32


@dataclass(frozen=True)
class Effort:
    """By how many images is measured, each at most half of the set; measurements of different efforts do not compare.

    images          for SWD
    directions      in which SWD compares them
    feature_images  for the measures in features of a net that knows pictures; 0: these are not taken
    """

    images: int
    directions: int
    feature_images: int = 0

    def facts(self) -> dict[str, int]:
        """As best.json has them: what there is not is left out."""
        return {name: number for name, number in asdict(self).items() if number}


FULL_EFFORT = Effort(FULL_IMAGES, swd.DIRECTIONS)  # Earlier versions always made it, and did not say so in best.json.


def effort_of(best: dict) -> Effort | None:
    """That with which what best.json says was measured; None where it says nothing that can be."""
    if "swd" not in best:
        return None
    names = {"images": FULL_IMAGES, "directions": swd.DIRECTIONS, "feature_images": 0}
    effort = Effort(**{name: int(best.get(name, otherwise)) for name, otherwise in names.items()})
    is_sound = effort.images >= swd.MIN_IMAGES and 0 < effort.directions <= swd.DIRECTIONS
    return effort if is_sound and (not effort.feature_images or effort.feature_images >= MIN_IMAGES) else None


class Quality:
    """Measures one generator, whose weights may change between two measurements.

    With as many images, in as many directions, SWD is what `dcgan-tf evaluate --images` says of the saved generator, and so
    are the others. A generator that draws classes has to draw them as often as they are among the real images.
    """

    def __init__(
        self, reals: ImageSource, generator: Generator, seed: int, effort: Effort, space: FeatureSpace | None = None
    ):
        """space: that of the features; None where the effort has none.

        Raises:
            UserError: too few images for it, or too small ones.
        """
        self._swd = swd.SWD(reals, effort.images, seed, effort.directions)
        self._sets = FeatureSets(space, reals, effort.feature_images, seed) if effort.feature_images else None
        self._generator, self._seed = generator, seed
        self._paired = PAIRED_IMAGES_OF_CLASSES if generator.classes else PAIRED_IMAGES
        classes = reals.classes.numbers if generator.classes and reals.classes else None
        self._real_distance = diversity.mean_pairwise_distance(reals, PAIRED_REALS, seed, classes)
        self.renew()

    def renew(self) -> None:
        """To be called where the generator has changed."""
        images = max(self._swd.images, self._paired, self._sets.images if self._sets else 0)
        self._samples = Samples(self._generator, images, self._seed)

    @property
    def effort(self) -> Effort:
        """With no more images than half of the real ones."""
        return Effort(self._swd.images, self._swd.directions, self._sets.images if self._sets else 0)

    def seconds_an_image(self) -> float:
        """What SWD takes for each, once all is compiled and the real images are read."""
        self.diversity(), self.of_reals  # The first calls do that.
        self.renew()
        start = time.perf_counter()
        self._swd.score(self._samples)
        return (time.perf_counter() - start) / self._swd.images

    def diversity(self) -> float:
        """The mean distance of two pictures from each other, as a share of that of two real images; where the net draws
        classes, of two of one class."""
        own = diversity.mean_pairwise_distance(self._samples, self._paired, classes=self._samples.labels)
        return own / max(self._real_distance, 1.0)  # Real images that are all alike would make a division by zero.

    def scores(self) -> dict[str, float]:
        """swd, the distance times 1000, the mean over levels; with features kid, fid, precision and recall."""
        of_features = _in_features(self._sets.a, self._sets.of(self._samples)) if self._sets else {}
        return {"swd": swd.mean(self._swd.score(self._samples))} | of_features

    @functools.cached_property
    def of_reals(self) -> dict[str, float]:
        """The scores of as many other real images, which a perfect generator would have, by their names in best.json; with
        features also the KID of real images whose parts are jumbled, see `dcgan_tf.metrics.jumbled`."""
        scores, jumbled = {"swd": swd.mean(self._swd.floor())}, {}
        if self._sets:
            scores |= _in_features(self._sets.a, self._sets.b)
            jumbled = {KID_OF_JUMBLED: feature_sets.kid(self._sets.a, self._sets.jumbled)["kid"]}
        return {f"{name}{OF_REALS}": value for name, value in scores.items()} | jumbled


def seconds_a_feature(space: FeatureSpace, reals: ImageSource) -> float:
    """What the features of one image take, once all is compiled."""
    some = np.arange(min(TIMED_FEATURE_IMAGES, len(reals)))
    space.extract(reals, some)
    start = time.perf_counter()
    space.extract(reals, some)
    return (time.perf_counter() - start) / len(some)


def _in_features(real: np.ndarray, other: np.ndarray) -> dict[str, float]:
    found = feature_sets.kid(real, other) | feature_sets.fid(real, other) | feature_sets.precision_recall(real, other)
    del found["standard_error"]
    return found
