"""How good the pictures of the moment are, and with how much effort that is found out."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from dcgan_tf.config.presets import Preset
from dcgan_tf.data.source import ImageSource
from dcgan_tf.generators.generator import Generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import diversity, swd
from dcgan_tf.training.schedule import MEASUREMENTS

# `dcgan-tf evaluate --set-best` measures with the same numbers of images.
PAIRED_IMAGES, PAIRED_REALS = diversity.TRAINING_IMAGES, diversity.TRAINING_REALS


@dataclass(frozen=True)
class Effort:
    """By how many images SWD is measured, at most half of the set, and in how many directions.

    A quarter of the images doubles what chance does to a score, and an eighth of the directions changes it by two
    percent: so directions are saved first.
    """

    images: int
    directions: int

    def cost(self, half: int) -> float:
        """In images that are measured in few directions. half: of the images that there are."""
        return min(self.images, half) * (FULL_DIRECTIONS_COST if self.directions == swd.DIRECTIONS else 1)


FULL_DIRECTIONS_COST = 4  # An image costs so many times as much in all directions, most of it sorting.
FULL_EFFORT = Effort(swd.TRAINING_IMAGES, swd.DIRECTIONS)
# Fewer images take good epochs for bad ones (docs/findings.md): a run without time for them is measured less often.
EFFORTS = (FULL_EFFORT, Effort(1024, 64), Effort(512, 64))


def affordable(seconds_an_image: float, half: int, budget: float) -> Effort:
    """The greatest effort with which all measurements of a run take at most `budget` seconds, else the least.

    seconds_an_image: in few directions. half: of the images that there are.
    """
    most = budget / MEASUREMENTS / seconds_an_image
    return next((effort for effort in EFFORTS if effort.cost(half) <= most), EFFORTS[-1])


class Measure:
    """Measures the generator of the moment, always by the same latents and against the same real images.

    With the full effort, its SWD is what `dcgan-tf evaluate --images 1024` says of the saved generator.
    """

    def __init__(
        self, source: ImageSource, preset: Preset, pictures: Callable, seed: int, effort: Effort = FULL_EFFORT
    ):
        """pictures: latents [N, Z] to images, uint8 [N, H, W, C].

        Raises:
            UserError: too few images for it, or too small ones.
        """
        self._swd, self._seed = swd.SWD(source, effort.images, seed, effort.directions), seed
        self._generator = Generator("the generator", preset.latent_dim, preset.image_shape, preset.latents, pictures)
        self._real_distance = diversity.mean_pairwise_distance(source, PAIRED_REALS, seed)
        self.renew()

    def renew(self) -> None:
        """To be called where the generator has changed."""
        self._samples = Samples(self._generator, max(self._swd.images, PAIRED_IMAGES), self._seed)

    @property
    def effort(self) -> Effort:
        """With no more images than half of the real ones."""
        return Effort(self._swd.images, self._swd.directions)

    def seconds_an_image(self) -> float:
        """What SWD takes for each, once all is compiled and the real images are read."""
        self.diversity(), self.floor  # The first calls do that.
        self.renew()
        start = time.perf_counter()
        self.swd()
        return (time.perf_counter() - start) / self._swd.images

    @property
    def floor(self) -> float:
        """The SWD of as many other real images, which a perfect generator would have."""
        return swd.mean(self._swd.floor())

    def swd(self) -> float:
        """The sliced Wasserstein distance times 1000, the mean over levels."""
        return swd.mean(self._swd.score(self._samples))

    def diversity(self) -> float:
        """The mean distance of two pictures from each other, as a share of that of two real images."""
        # At least one level: real images that are all alike would make a division by zero.
        return diversity.mean_pairwise_distance(self._samples, PAIRED_IMAGES) / max(self._real_distance, 1.0)
