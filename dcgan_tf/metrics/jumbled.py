"""Real images with their parts jumbled: they have all colours and textures of real ones, and show nothing.

How unlike real images these are in a feature space is a scale for how unlike others are, as KID by itself is not: the same
KID means more in a set of brain scans, which are all alike, than in one of paintings.
"""

import numpy as np

PARTS = 8  # along each side


class Jumbled:
    """The images of a source, each cut into 8 x 8 parts that change places; which ones depends on `seed` and the index.

    What is left over at the right and at the bottom stays.
    """

    def __init__(self, source, fitted, seed: int = 0):
        """fitted: makes images, uint8 [n, h, w, c], the size at which they are cut; at least 8 x 8."""
        self._source, self._fitted, self._seed = source, fitted, seed

    def __len__(self) -> int:
        return len(self._source)

    def read(self, indices) -> np.ndarray:
        """uint8 [n, H, W, C] for int [n]."""
        images = np.array(self._fitted(self._source.read(indices)))
        for image, index in zip(images, indices):
            _jumble(image, np.random.default_rng([self._seed, int(index), *b"jumbled"]))
        return images


def _jumble(image: np.ndarray, random: np.random.Generator) -> None:
    """In place. image: uint8 [H, W, C]."""
    (height, width), channels = (side // PARTS for side in image.shape[:2]), image.shape[2]
    whole = image[: PARTS * height, : PARTS * width]
    # [8 h, 8 w, C] -> [8, 8, h, w, C] -> [64, h, w, C]
    parts = whole.reshape(PARTS, height, PARTS, width, channels).swapaxes(1, 2).reshape(-1, height, width, channels)
    parts = parts[random.permutation(len(parts))].reshape(PARTS, PARTS, height, width, channels)
    whole[:] = parts.swapaxes(1, 2).reshape(whole.shape)
