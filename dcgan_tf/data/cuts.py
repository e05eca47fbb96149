"""Where images are cut in an epoch, and how they are kept so that any cut is one read."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

# The constants of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
_WEYL, _MIX_1, _MIX_2 = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def places(seed: int, epoch: int, indices: np.ndarray) -> np.ndarray:
    """Where each image is cut in an epoch: float64 [n], from 0, its beginning, to below 1, its end; evenly distributed.

    It depends on the seed, the epoch and the index alone, so that a step has the same images whenever it is made.
    """
    with np.errstate(over="ignore"):  # Whole numbers of 64 bits wrap around, as they are meant to.
        state = np.zeros(len(indices), np.uint64)
        for word in (seed, epoch, indices):
            state = _mixed(state + _WEYL + np.asarray(word).astype(np.uint64))
    return (state >> np.uint64(11)) * 2.0**-53


def _mixed(state: np.ndarray) -> np.ndarray:
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


class Strips(NamedTuple):
    """Images that are as high or as wide as wanted, and longer the other way, kept line by line along the longer side.

    size     (H, W) of a cut
    lines    uint8 [sum of lengths, max(H, W), C], or `Rows` of it: lines of all images; a shorter one is filled with zeros
    lengths  int64 [N], lines of each image
    turned   bool [N], whether its lines are columns
    """

    size: tuple[int, int]
    lines: np.ndarray
    lengths: np.ndarray
    turned: np.ndarray

    def cut(self, indices: np.ndarray, at: np.ndarray) -> np.ndarray:
        """A part of each image: uint8 [n, H, W, C]. at: float [n], see `places`."""
        images = np.empty((len(indices), *self.size, self.lines.shape[-1]), np.uint8)
        begins = np.cumsum(self.lengths) - self.lengths
        for i, (index, place) in enumerate(zip(indices, at)):
            height, width = self.size[::-1] if self.turned[index] else self.size
            first = begins[index] + int(place * (self.lengths[index] - height + 1))
            part = self.lines[np.arange(first, first + height)][:, :width]
            images[i] = part.swapaxes(0, 1) if self.turned[index] else part
        return images


def as_lines(images: Iterable[np.ndarray], size: tuple[int, int], lengths: list, turned: list) -> Iterator[np.ndarray]:
    """Yields the lines of each image, uint8 [length, max(H, W), C], and appends what `Strips` has to know.

    images: uint8 [h, w, C], as `fit.cover` has them.
    """
    longer = max(size)
    for image in images:
        is_turned = image.shape[1] > size[1]
        lines = image.swapaxes(0, 1) if is_turned else image
        lengths.append(len(lines))
        turned.append(is_turned)
        yield np.pad(lines, ((0, 0), (0, longer - lines.shape[1]), (0, 0)))
