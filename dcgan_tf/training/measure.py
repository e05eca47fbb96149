"""How good a run's pictures are, measured while it trains: the shortened form of what `dcgan-tf evaluate` measures."""

from collections.abc import Callable

from dcgan_tf.config.presets import Preset
from dcgan_tf.data.source import ImageSource
from dcgan_tf.generators.generator import Generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics.diversity import mean_pairwise_distance
from dcgan_tf.metrics.swd import SWD, mean

SCORED_IMAGES = 1024  # At most half of the set. A sixteenth of the published number takes a sixteenth of the time.
PAIRED_IMAGES = 64  # Diversity is the mean distance over all pairs of so many generated images,
PAIRED_REALS = 256  # and compared with that of so many real ones.


class Measure:
    """Measures the generator of the moment, always by the same latents and against the same real images.

    Its SWD is what `dcgan-tf evaluate --images 1024` says of the saved generator.
    """

    def __init__(self, source: ImageSource, preset: Preset, pictures: Callable, seed: int):
        """pictures: latents [N, Z] to images, uint8 [N, H, W, C].

        Raises:
            UserError: too few images for it, or too small ones.
        """
        self._swd, self._seed = SWD(source, SCORED_IMAGES, seed), seed
        self._generator = Generator("the generator", preset.latent_dim, preset.image_shape, preset.latents, pictures)
        self._real_distance = mean_pairwise_distance(source, PAIRED_REALS, seed)
        self.renew()

    def renew(self) -> None:
        """To be called where the generator has changed."""
        self._samples = Samples(self._generator, max(self._swd.images, PAIRED_IMAGES), self._seed)

    @property
    def floor(self) -> float:
        """The SWD of as many other real images, which a perfect generator would have."""
        return mean(self._swd.floor())

    def swd(self) -> float:
        """The sliced Wasserstein distance times 1000, the mean over levels."""
        return mean(self._swd.score(self._samples))

    def diversity(self) -> float:
        """The mean distance of two pictures from each other, as a share of that of two real images."""
        # At least one level: real images that are all alike would make a division by zero.
        return mean_pairwise_distance(self._samples, PAIRED_IMAGES) / max(self._real_distance, 1.0)
