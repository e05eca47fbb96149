"""Sets of images in memory, as the measures take them, and sets that differ in known ways."""

import numpy as np
from PIL import Image

from dcgan_tf.data.source import ImageSource


class ImageSet:
    """What measures ask of a source; remembers the indices that were read."""

    def __init__(self, images):
        self.images, self.image_shape, self.reads = images, images.shape[1:], []

    def __len__(self):
        return len(self.images)

    def read(self, indices, seed=0, epoch=0):
        self.reads.append(np.asarray(indices))
        return self.images[indices]


def noise(count, height, width, channels, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, [count, height, width, channels], np.uint8)


def ramps(count, height, width, channels, seed=0, noisy=10) -> np.ndarray:
    """Smooth images: each channel rises in a direction of its own, with a little noise."""
    random = np.random.default_rng(seed)
    down, right = random.uniform(-100, 100, [2, count, 1, 1, channels])
    levels = 128 + down * np.linspace(-1, 1, height)[:, None, None] + right * np.linspace(-1, 1, width)[:, None]
    return np.clip(levels + random.normal(0, noisy, levels.shape), 0, 255).astype(np.uint8)


def smooth(count, seed, size=(12, 10), channels=3):
    """Images of a few soft blobs: unlike noise, they lie at many distances from each other."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, [count, 3, 3, channels], np.uint8)
    enlarge = [Image.fromarray(np.squeeze(image)).resize(size[::-1], Image.Resampling.BICUBIC) for image in coarse]
    return np.stack([np.asarray(image).reshape(*size, channels) for image in enlarge])


def source_of(images, **options) -> ImageSource:
    """uint8 [N, H, W, C] as a source."""
    return ImageSource("images", images.shape[1:], len(images), lambda indices: images[indices], "uint8", **options)
