"""Sliced Wasserstein distance between sets of images, by patches of a Laplacian pyramid. NumPy alone, no net's weights.

Karras et al. 2018, "Progressive Growing of GANs" (arXiv:1710.10196), section 5: 16,384 images of each set, 128 random
patches of 7x7 per image and level, normalized per channel over the set; 4 x 128 random directions; the mean distance
between sorted projections, times 1000. Fine levels compare sharpness and texture, the coarsest the layout.

Where programs differ, this one does as mmgeneration, whose published tables it compares with: pixels as -1..1, zeros
around an image, upsampling by nearest neighbour and then the filter, grey as three equal channels. mmgeneration refuses
sides that halving makes odd; here half of an odd side is rounded up, and the surplus after upsampling is cut off.
"""

import functools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.text import shape_text

PUBLISHED_IMAGES = 16_384  # Karras et al. 2018 compare so many images of each set.
MIN_IMAGES = 16  # of each set. With fewer, the floor is so high that nothing shows.
PATCH_SIDE = 7  # pixels
PATCHES_PER_IMAGE = 128  # on each level
DIRECTIONS = 4 * 128  # The published mean of 4 means over 128 is the mean over all.
MIN_LEVEL_SIDE = 16  # pixels. A level's shorter side is at least so long.
BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16  # The filter of 5x5 is this row times itself.
BATCH_BYTES = 2**22  # A batch of images as floats is small enough for a processor's cache.
FLOAT_ROWS = 16_384  # So many patches are float32 at a time; all others stay float16.
BLOCK_FLOATS = 2**26  # So many projections of one set are in memory at a time.


class SWD:
    """Measures sets of images against one half of a real set.

    The real set is split at random into A and B, which have no image in common. A score compares generated images with
    A; the floor compares B with A, with as many images and in the same way, so a perfect generator scores the floor.
    Patches and directions are the same for every score of one seed, so that epochs compare.

    Memory: 12.5 kB for each image and level in grey, 38 kB in colour, for A and again for the scored set; and 0.5 GB.

    Attributes:
        images: the number of images of each set: min(images, half of the real ones).
        directions: in how many the patches are compared.
    """

    def __init__(self, reals, images: int = PUBLISHED_IMAGES, seed: int = 0, directions: int | None = None):
        """reals: a source, that is anything with `len`, `image_shape` and `read(indices)` -> uint8 [n, H, W, C]; not read yet.

        directions: a mean over fewer than the published number (None) is quicker and hardly another; scores by
            different numbers do not compare.

        Raises:
            UserError: too few real images, or too small ones.
        """
        self.images = min(images, len(reals) // 2)
        if images < MIN_IMAGES:
            raise UserError(f"swd of {images} images: needs at least {MIN_IMAGES}")
        if self.images < MIN_IMAGES:
            raise UserError(
                f"swd needs at least {2 * MIN_IMAGES} real images, half of them for its floor, not {len(reals)}"
            )
        self._sizes, self.directions = level_sizes(reals.image_shape), directions or DIRECTIONS
        self._reals, self._seed = reals, seed
        order = _random(seed, "halves").permutation(len(reals))
        self._a, self._b = np.sort(order[: self.images]), np.sort(order[-self.images :])

    @functools.cached_property
    def _patches(self) -> list["Patches"]:
        return _patches_of(self._reals, self._a, _random(self._seed, "patches of A"))

    def score(self, fakes) -> dict[int, float]:
        """The distance of the first `images` of a source from A, by the height of each level, the finest first.

        Raises:
            UserError: images of another shape, or fewer than `images`.
        """
        if tuple(fakes.image_shape) != tuple(self._reals.image_shape):
            shapes = (shape_text(source.image_shape) for source in (fakes, self._reals))
            raise UserError("images of {} cannot be compared with images of {}".format(*shapes))
        if len(fakes) < self.images:
            raise UserError(f"swd against {self.images:,} real images needs as many others, not {len(fakes):,}")
        return self._distances(fakes, np.arange(self.images))

    def floor(self) -> dict[int, float]:
        """The distance of real images, B, from other real images, A; worked out once."""
        return dict(self._floor)

    @functools.cached_property
    def _floor(self) -> dict[int, float]:
        return self._distances(self._reals, self._b)

    def _distances(self, source, indices: np.ndarray) -> dict[int, float]:
        others = _patches_of(source, indices, _random(self._seed, "patches of others"))
        random = _random(self._seed, "directions")
        return {
            height: distance(mine, other, random, self.directions)
            for (height, _), mine, other in zip(self._sizes, self._patches, others, strict=True)
        }


def fits(source) -> bool:
    """Whether a source has enough images, and large enough ones, to compute SWD against."""
    return len(source) >= 2 * MIN_IMAGES and min(source.image_shape[:2]) >= PATCH_SIDE


def mean(scores: dict[int, float]) -> float:
    """The mean over the levels, which papers print in the last column."""
    return float(np.mean(list(scores.values())))


# ---------------------------------------------------------------------------------------------- the pyramid


def level_sizes(image_shape: tuple[int, int, int]) -> list[tuple[int, int]]:
    """(H, W) of each level, the image's own first; each next is half as large, while the shorter side has 16 pixels.

    Raises:
        UserError: a side is shorter than a patch.
    """
    height, width, _ = image_shape
    if min(height, width) < PATCH_SIDE:
        raise UserError(
            f"swd compares patches of {PATCH_SIDE}x{PATCH_SIDE} pixels: images of {height}x{width} are too small"
        )
    sizes, shorter = [(height, width)], min(height, width) // 2
    while shorter >= MIN_LEVEL_SIDE:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
        shorter //= 2
    return sizes


def laplacian_pyramid(images: np.ndarray, levels: int) -> list[np.ndarray]:
    """float32 [N, H, W, C] -> that many levels [N, h, w, C], the finest first; all but the last are differences.

    Burt and Adelson 1983, "The Laplacian Pyramid as a Compact Image Code".
    """
    pyramid = []
    for _ in range(levels - 1):
        smaller = smooth(images)[:, ::2, ::2]
        pyramid.append(images - _enlarged(smaller, images.shape[1:3]))
        images = smaller
    return [*pyramid, images]


def smooth(images: np.ndarray) -> np.ndarray:
    """The binomial filter of 5x5 on [N, H, W, C], with zeros around each image; the same shape."""
    return _smooth_along(_smooth_along(images, 1), 2)


def _smooth_along(images: np.ndarray, axis: int) -> np.ndarray:
    around = [(0, 0)] * 4
    around[axis] = (2, 2)
    padded = np.moveaxis(np.pad(images, around), axis, 0)
    length = images.shape[axis]
    outer, inner, middle = BINOMIAL[:3]
    filtered = middle * padded[2 : 2 + length]
    filtered += inner * (padded[1 : 1 + length] + padded[3 : 3 + length])
    filtered += outer * (padded[:length] + padded[4 : 4 + length])
    return np.moveaxis(filtered, 0, axis)


def _enlarged(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    return smooth(images.repeat(2, axis=1).repeat(2, axis=2))[:, :height, :width]


# ---------------------------------------------------------------------------------------------- patches


@dataclass(frozen=True)
class Patches:
    """The patches of one level of a set of images, not yet normalized.

    values     float16 [N, C * 49]: half the memory of float32, and scores differ by less than 0.001
    mean, std  float64 [C], over all pixels of all patches
    """

    values: np.ndarray
    mean: np.ndarray
    std: np.ndarray


def _patches_of(source, indices: np.ndarray, random: np.random.Generator) -> list[Patches]:
    """For each level, PATCHES_PER_IMAGE patches of every image at `indices`, read batch by batch."""
    sizes, channels = level_sizes(source.image_shape), source.image_shape[-1]
    values = [np.empty([len(indices) * PATCHES_PER_IMAGE, channels * PATCH_SIDE**2], np.float16) for _ in sizes]
    sums = np.zeros([len(sizes), 2, channels])  # [levels, (sum of the values, sum of their squares), C]
    start = 0
    for images in _batches(source, indices):
        stop = start + len(images) * PATCHES_PER_IMAGE
        for level, layer in enumerate(laplacian_pyramid(images, len(sizes))):
            patches = cut_patches(layer, random)  # [n, C, 7, 7]
            sums[level] += [patches.sum((0, 2, 3), np.float64), np.square(patches).sum((0, 2, 3), np.float64)]
            values[level][start:stop] = patches.reshape(stop - start, -1)
        start = stop
    means, squares = np.moveaxis(sums / (start * PATCH_SIDE**2), 1, 0)
    stds = np.sqrt(np.maximum(squares - means**2, 0))
    return [Patches(*level) for level in zip(values, means, stds, strict=True)]


def _batches(source, indices: np.ndarray) -> Iterator[np.ndarray]:
    """float32 [n, H, W, C] in -1..1."""
    size = max(1, BATCH_BYTES // (4 * int(np.prod(source.image_shape))))
    for start in range(0, len(indices), size):
        yield source.read(indices[start : start + size]).astype(np.float32) / np.float32(127.5) - 1


def cut_patches(layer: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """[N, H, W, C] -> [N * PATCHES_PER_IMAGE, C, 7, 7], from anywhere in each image where the whole patch fits."""
    count, height, width, _ = layer.shape
    image = np.repeat(np.arange(count), PATCHES_PER_IMAGE)
    top = random.integers(0, height - PATCH_SIDE + 1, len(image))
    left = random.integers(0, width - PATCH_SIDE + 1, len(image))
    windows = np.lib.stride_tricks.sliding_window_view(layer, (PATCH_SIDE, PATCH_SIDE), axis=(1, 2))
    return windows[image, top, left]


# ---------------------------------------------------------------------------------------------- the distance


def distance(a: Patches, b: Patches, random: np.random.Generator, count: int = DIRECTIONS) -> float:
    """1000 times the sliced Wasserstein distance of two sets of as many patches, each normalized by its own mean and
    standard deviation per channel; the mean over `count` directions."""
    channels = len(a.mean)
    # Grey counts as three equal channels, so the three parts of a direction can be summed beforehand.
    directions = random.normal(size=[count, 3, PATCH_SIDE**2])
    directions /= np.sqrt(np.square(directions).sum((1, 2), keepdims=True))
    if channels == 1:
        directions = directions.sum(1, keepdims=True)
    total, block = 0.0, max(1, BLOCK_FLOATS // len(a.values))
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # NumPy sorts without holding the interpreter lock.
        for start in range(0, count, block):
            some = directions[start : start + block]
            total += sum(pool.map(_distance_of_rows, _project(a, some), _project(b, some)))
    return 1000 * total / count


def _project(patches: Patches, directions: np.ndarray) -> np.ndarray:
    """Normalized patches on directions [D, C, 49] -> float32 [D, N]."""
    # Projecting (x - mean) / std on a direction is projecting x on direction / std, less a constant. Flat images have
    # std 0.
    scaled = directions / np.where(patches.std > 0, patches.std, 1)[:, None]
    constants = (scaled.sum(2) @ patches.mean).astype(np.float32)
    scaled = scaled.reshape(len(directions), -1).astype(np.float32)
    projected = np.empty([len(directions), len(patches.values)], np.float32)
    for start in range(0, len(patches.values), FLOAT_ROWS):
        part = slice(start, start + FLOAT_ROWS)
        np.matmul(scaled, patches.values[part].astype(np.float32).T, out=projected[:, part])
    projected -= constants[:, None]
    return projected


def _distance_of_rows(a: np.ndarray, b: np.ndarray) -> float:
    """The Wasserstein distance of two sets of numbers [N]. Overwrites both, so that no memory is allocated."""
    a.sort()
    b.sort()
    a -= b
    return float(np.abs(a, out=a).mean(dtype=np.float64))


def _random(seed: int, use: str) -> np.random.Generator:
    """Random numbers that are independent for every use of a seed."""
    return np.random.default_rng([seed, *use.encode()])
