"""How good a run's pictures are, measured while it trains: the shortened form of what `dcgan-tf evaluate` measures."""

import numpy as np

from dcgan_tf.data.pixels import ImageSource
from dcgan_tf.gan import GAN
from dcgan_tf.images import to_uint8
from dcgan_tf.metrics.diversity import mean_pairwise_distance
from dcgan_tf.metrics.swd import SWD, mean
from dcgan_tf.randomness import MEASURED_LATENTS, draw_latents, key

IMAGES = 1024  # where the set has twice as many; a sixteenth of the published number, and of its time
PAIRED = 64  # images whose distances from each other are taken
PAIRED_REALS = 256
BATCH = 64  # images that are generated at once


class Measure:
    """Measures the generator of the moment, always by the same latents and against the same real images."""

    def __init__(self, source: ImageSource, gan: GAN, seed: int):
        """Raises:
        UserError: too few images for it, or too small ones.
        """
        self._swd = SWD(source, IMAGES, seed)
        self._samples = Samples(gan, max(self._swd.images, PAIRED), seed)
        self._real_distance = mean_pairwise_distance(source, PAIRED_REALS, seed)

    @property
    def floor(self) -> float:
        """The SWD of as many other real images, which a perfect generator would have."""
        return mean(self._swd.floor())

    def swd(self) -> float:
        """The sliced Wasserstein distance times 1000, the mean over levels."""
        return mean(self._swd.score(self._samples))

    def diversity(self) -> float:
        """The mean distance of two pictures from each other, as a share of that of two real images."""
        return mean_pairwise_distance(self._samples, PAIRED) / max(self._real_distance, 1e-9)


class Samples:
    """The pictures of a GAN in training as a source: picture i is always of the same latents."""

    def __init__(self, gan: GAN, count: int, seed: int):
        self.image_shape, self._gan = gan.preset.image_shape, gan
        self._latents = draw_latents(gan.preset, count, key(seed, MEASURED_LATENTS), 0).numpy()

    def __len__(self) -> int:
        return len(self._latents)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, H, W, C]"""
        batches = (indices[start : start + BATCH] for start in range(0, len(indices), BATCH))
        floats = [self._gan.sampler(self._latents[batch], training=False).numpy() for batch in batches]
        return to_uint8(np.concatenate(floats))
