"""Images that belong together, and a set split in two so that none of them are parted."""

import collections
import os
from collections.abc import Iterable, Sequence

import numpy as np


def joined(count: int, groups: Iterable[Sequence[int]]) -> np.ndarray:
    """For each of `count` images the index of the first that it belongs to, also by others between: int64 [count].

    groups: indices of images that belong together; an image may be in several.
    """
    first_of = np.arange(count)

    def root(index):
        while first_of[index] != index:
            first_of[index] = first_of[first_of[index]]  # Halves the way for the next time.
            index = first_of[index]
        return index

    for first, *others in groups:
        for other in others:
            low, high = sorted((root(first), root(other)))
            first_of[high] = low
    return np.array([root(index) for index in range(count)], np.int64)


def by_folder(names: Sequence[str]) -> list[list[int]]:
    """Groups of the images that lie in one folder, such as those of a patient."""
    return _by(map(os.path.dirname, names))


def by_prefix(names: Sequence[str], end: str) -> list[list[int]]:
    """Groups of the images of a folder whose names are alike up to a text: patient07_slice3.png, up to "_".

    A name without that text is a group of its own.
    """
    return _by(_prefix(name, end) for name in names)


def _prefix(name: str, end: str) -> str:
    folder, base = os.path.split(name)
    before, found, _ = base.partition(end)
    return os.path.join(folder, before if found else base)


def _by(keys) -> list[list[int]]:
    groups = collections.defaultdict(list)
    for index, key in enumerate(keys):
        groups[key].append(index)
    return list(groups.values())


def split(first_of: np.ndarray, labels: np.ndarray | None, share: float, seed: int) -> np.ndarray:
    """Which images are held out: bool [N], about a share of all and of each class; groups stay whole.

    first_of: int64 [N], see `joined`. labels: int64 [N], or None. share: above 0, below 1.

    Groups come in an order drawn by the seed. One is held out where that brings the numbers of the classes nearer to what
    they should be.
    """
    labels = np.zeros(len(first_of), np.int64) if labels is None else labels
    _, classes = np.unique(labels, return_inverse=True)
    missing = share * np.bincount(classes)  # so many of each class are still to be held out
    _, group_of = np.unique(first_of, return_inverse=True)
    order = np.argsort(group_of, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(group_of))[:-1])
    held_out = np.zeros(len(first_of), bool)
    for group in np.random.default_rng(seed).permutation(len(members)):
        own, counts = np.unique(classes[members[group]], return_counts=True)
        if np.abs(missing[own] - counts).sum() < np.abs(missing[own]).sum():
            missing[own] -= counts
            held_out[members[group]] = True
    return held_out
