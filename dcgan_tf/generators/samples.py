"""The images of a trained generator as a source, so that measures take them as they take real ones."""

from dataclasses import replace

import numpy as np

from dcgan_tf.generators import latents
from dcgan_tf.generators.classes import classes_text
from dcgan_tf.generators.generator import Generator

BLOCK_SIZE = 64  # The net makes samples several times as fast as in the blocks of 4 that single pictures need.
SEED_COUNT = 2**31  # Picture seeds are the int32 that are not negative.
SEED_STRIDE = 1_000_003  # The picture seeds of two sets of samples are this far apart, so that sets do not overlap.
MAX_KEPT_BYTES = 2**31


class Samples:
    """`count` images of a generator, read by index like any source.

    Image i depends on the generator (with the classes that it is to draw), `seed` and i alone: it is the picture that
    `dcgan-tf generate --seed <seed_of(i)>` makes, with --labels of its class. A few pixels may differ by one level, because
    the net sees more images at once here. Samples of two seeds have no image in common, as long as there are fewer than a
    million of each.

    Images are kept once they are made, up to 2 GB of them, so that the next measure need not wait for them again.
    """

    def __init__(self, generator: Generator, count: int, seed: int = 0):
        self.image_shape, self._generator, self._count, self._seed = generator.image_shape, generator, count, seed
        places = min(count, MAX_KEPT_BYTES // int(np.prod(self.image_shape)))
        self._kept = np.empty([places, *self.image_shape], np.uint8)  # Takes memory only as it is filled.
        self._made = np.zeros(places, bool)

    def __len__(self) -> int:
        return self._count

    @property
    def labels(self) -> np.ndarray | None:
        """The class of each image, int32 [count]; None where the generator draws no classes."""
        return self._generator.labels_of(self.seed_of(np.arange(self._count)))

    def seed_of(self, index):
        """The seed of the picture, 0 to 2**31 - 1, at an index (int, or an int array)."""
        return (self._seed * SEED_STRIDE + index) % SEED_COUNT

    def name_of(self, index: int) -> str:
        """What generate takes to make the picture at an index, for people: "seed 12", "seed 12, class cat"."""
        seed = self.seed_of(index)
        labels = self._generator.labels_of([seed])
        return f"seed {seed}" + ("" if labels is None else f", {classes_text(labels, self._generator.class_names)}")

    def of_class(self, label: int, count: int) -> "Samples":
        """As many pictures of one class alone, by the number that the generator has for it, from the same seed on."""
        return Samples(replace(self._generator, labels=(label,), shares=()), count, self._seed)

    def read(self, indices) -> np.ndarray:
        """The images at `indices` (int [n], any order) as a new uint8 [n, H, W, C].

        Raises:
            UserError: the net makes NaN.
        """
        indices = np.asarray(indices, np.int64)
        images = np.empty([len(indices), *self.image_shape], np.uint8)
        kept = indices < len(self._kept)
        wanted = np.unique(indices[kept])
        missing = wanted[~self._made[wanted]]
        self._kept[missing] = self._make(missing)
        self._made[missing] = True
        images[kept] = self._kept[indices[kept]]
        images[~kept] = self._make(indices[~kept])
        return images

    def _make(self, indices: np.ndarray) -> np.ndarray:
        if not len(indices):
            return np.empty([0, *self.image_shape], np.uint8)
        seeds = self.seed_of(indices).astype(np.int32)
        drawn = latents.seed_latents(seeds, self._generator.latent_dim, self._generator.distribution)
        return self._generator.images(np.asarray(drawn), self._generator.labels_of(seeds), BLOCK_SIZE)
