"""Images that are there more than once: with equal pixels, or the same picture in another file."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dcgan_tf.common.progress import Work
from dcgan_tf.data.parallel import in_order
from dcgan_tf.inspection.alignment import Alignment, align, rough_misfit
from dcgan_tf.inspection.plain import is_flat

# Limits for pairs that may be copies, wide enough for those cropped by 2%: of these, 97.5% or more of each of five sets pass.
# Of 4.5 million pairs of brain scans 2,500 are left, of 50 million pairs of handwritten digits 14,000.
MAX_HASH_DISTANCE_BITS = 72
SHAPE_SIDE, MIN_SHAPE_CORRELATION = 8, 0.85
MAX_CONTRAST_RATIO = 1.25
MAX_ROUGH_MISFIT = 0.15
MAX_MISFIT_ONE_WAY = 0.12

# Limits for copies. The closest two slices of one brain have a misfit of 0.052; copies in JPEG of quality 50, of half the
# size, or cropped by 2% have at most 0.045 in 98% of each of five sets. One emoji with other skin has a residual of 5.7.
MAX_MISFIT = 0.045
MAX_RESIDUAL_LEVELS = 5.0
RESIDUAL_LEVELS_PER_SHIFTED_PIXEL = 4.0  # Details between pixels are read less truly.
RESIDUAL_LEVELS_PER_BRIGHTNESS_LEVEL = 0.25  # Made brighter, light parts run into white.
MAX_GAIN = 1.14
MAX_BRIGHTNESS_DIFFERENCE_LEVELS = 20.0
MAX_SHIFT_PIXELS = 1.7  # of a thumbnail's 32: 5% of the side

# The hues of 8x8 fields, in the mean of all and in any. JPEG of quality 50 changes them by up to 3 and 11 levels, which are
# more where an image is shifted; the flags of Chad and Romania differ by 4.7 in the mean.
MAX_HUE_LEVELS, HUE_LEVELS_PER_SHIFTED_PIXEL = 3.0, 5.0
MAX_FIELD_HUE_LEVELS, FIELD_HUE_LEVELS_PER_SHIFTED_PIXEL = 12.0, 20.0

ALIGNING_STEPS = 3
MIN_GAIN = 1e-3  # No image has less contrast than this share of its copy's.
ROWS_AT_ONCE = 16  # The correlations of so few shapes with 100,000 others stay in the processor's cache.
PAIRS_AT_ONCE = 1024  # take 30 MB


class NearGroup(NamedTuple):
    """Images that show the same picture as the first.

    indices   int64 [n], ascending, at least two; all are near the first
    mirrored  bool [n]: which of them show it mirrored, left to right
    """

    indices: np.ndarray
    mirrored: np.ndarray


def exact_groups(looks: np.ndarray) -> list[np.ndarray]:
    """Returns the images with equal pixels: for each such picture its indices, int64 [n], ascending, with n of 2 or more.

    Groups come in the order of their first images. looks: LOOK [N].
    """
    keys = np.ascontiguousarray(looks["exact_hash"]).view("V16")[:, 0]
    _, picture, counts = np.unique(keys, return_inverse=True, return_counts=True)
    by_picture = np.split(np.argsort(picture, kind="stable"), np.cumsum(counts)[:-1])
    return sorted((group for group in by_picture if len(group) > 1), key=lambda group: group[0])


def near_groups(looks: np.ndarray) -> list[NearGroup]:
    """Returns the images that show the same picture with other pixels, as a person would call it.

    Such are copies of other quality or size, cropped (no edge by more than 5% of the side), about 5% brighter or up to 10%
    darker, or mirrored; or several of that. Those cropped by 5% at one corner are mostly missed.

    The thumbnails of copies have to fit almost to the noise of JPEG once one is laid over the other, everywhere, and in
    colour. So neighbouring slices of one brain are two pictures, and so is a face with other eyes, or one thing in two
    colours. Frames of a film in which hardly anything moved are one.

    Each image of a group fits its first, so nothing is linked by a chain of small steps: keep the first of each group, and
    no two are left that show the same. Of images with equal pixels, only the first is in a group here. Flat images, see
    `is_flat`, are in none: one looks like another.

    All images are compared with each other by their hashes and shapes, which takes some minutes for 100,000; the few pairs that are
    left are aligned. It takes 100 MB, and a copy of the looks.

    looks: LOOK [N].
    """
    copies = [group[1:] for group in exact_groups(looks)]
    left_out = is_flat(looks)
    left_out[np.concatenate([*copies, []]).astype(np.int64)] = True
    indices = np.flatnonzero(~left_out)
    looks = looks[indices]
    taken = np.zeros(len(looks), bool)  # The others of a group: they are compared no more, be they ever so many.
    groups: dict[int, list[tuple[int, bool]]] = {}
    for pairs in _in_parts(_likely_pairs(looks, taken)):
        pairs = _without(taken, pairs)
        for first, second, mirrored in pairs[_are_same(looks, pairs)].tolist():
            if not taken[first] and not taken[second]:
                taken[second] = True
                groups.setdefault(first, [(first, False)]).append((second, bool(mirrored)))
    sorted_groups = (zip(*sorted(group)) for group in groups.values())
    return [NearGroup(indices[list(members)], np.array(flags)) for members, flags in sorted_groups]


def _without(taken, pairs) -> np.ndarray:
    return pairs[~taken[pairs[:, :2]].any(axis=1)]


# Pairs are rows of int64 [n, 3]: a first image, a second behind it, and 1 where the first is mirrored, else 0. They come in
# ascending order of the first images, and mirrored ones last.


def _likely_pairs(looks, taken) -> Iterator[np.ndarray]:
    """Yields those of the candidates that also fit roughly."""
    for pairs in _in_parts(_candidates(looks, taken)):
        pairs = _without(taken, pairs)
        brightness, contrast = (looks[name][pairs[:, :2]] for name in ("brightness", "contrast"))
        pairs = pairs[
            (np.ptp(brightness, axis=1) <= MAX_BRIGHTNESS_DIFFERENCE_LEVELS)
            & (contrast.max(axis=1) <= MAX_CONTRAST_RATIO * contrast.min(axis=1))
        ]
        yield pairs[rough_misfit(looks["thumbnail"], pairs) <= MAX_ROUGH_MISFIT]


class _Keys(NamedTuple):
    """What is compared of N images before anything else. Shapes are quick to compare; hashes tell more details apart.

    shapes  float32 [N, 64]: the thumbnails in 8x8 fields, of mean 0 and length 1
    hashes  uint64 [N, 4]
    """

    shapes: np.ndarray
    hashes: np.ndarray

    @classmethod
    def of(cls, thumbnails, hashes) -> "_Keys":
        count, side = thumbnails.shape[0], thumbnails.shape[1] // SHAPE_SIDE
        fields = thumbnails.reshape(count, SHAPE_SIDE, side, SHAPE_SIDE, side).mean(axis=(2, 4), dtype=np.float32)
        shapes = fields.reshape(count, SHAPE_SIDE**2)
        shapes -= shapes.mean(axis=1, keepdims=True)
        return cls(shapes / np.maximum(np.linalg.norm(shapes, axis=1), 1)[:, None], hashes)

    def alike(self, rows: np.ndarray, others: "_Keys", start: int) -> tuple[np.ndarray, np.ndarray]:
        """Which images, of those at `rows`, may be copies of which others behind them: two int64 [n]. start: the first that
        may be behind one."""
        correlation = self.shapes[rows] @ others.shapes[start:].T
        row, column = np.nonzero(correlation >= MIN_SHAPE_CORRELATION)
        first, second = rows[row], column + start
        is_behind = second > first
        first, second = first[is_behind], second[is_behind]
        distance = np.bitwise_count(self.hashes[first] ^ others.hashes[second]).sum(axis=1)
        is_near = distance <= MAX_HASH_DISTANCE_BITS
        return first[is_near], second[is_near]


def _candidates(looks, taken) -> Iterator[np.ndarray]:
    """Yields the pairs whose keys are alike.

    Comparing two takes some nanoseconds, so an index of them would save little.
    """
    keys = _Keys.of(looks["thumbnail"], looks["hash"])
    mirrored = _Keys.of(looks["thumbnail"][:, :, ::-1], looks["mirrored_hash"])

    def alike(start):
        rows = start + np.flatnonzero(~taken[start : start + ROWS_AT_ONCE])
        found = [ones.alike(rows, keys, start) for ones in (keys, mirrored)]
        pairs = np.concatenate([np.stack([*pair, np.full_like(pair[0], i)], axis=1) for i, pair in enumerate(found)])
        return pairs[np.argsort(pairs[:, 0], kind="stable")]

    starts = range(0, len(looks), ROWS_AT_ONCE)
    with (
        contextlib.closing(in_order(alike, starts)) as found,
        Work("comparing", len(looks), "image", is_even=False) as bar,
    ):
        for start, pairs in zip(starts, found):
            yield _without(taken, pairs)
            bar.update(min(ROWS_AT_ONCE, len(looks) - start))


def _in_parts(pieces) -> Iterator[np.ndarray]:
    """Yields what arrays [n, 3] hold in arrays of about PAIRS_AT_ONCE: aligning few pairs at once costs more for each."""
    waiting, count = [], 0
    for piece in pieces:
        if len(piece):
            waiting.append(piece)
            count += len(piece)
        if count >= PAIRS_AT_ONCE:
            yield from np.array_split(np.concatenate(waiting), -(-count // PAIRS_AT_ONCE))
            waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


def _are_same(looks, pairs) -> np.ndarray:
    """Which pairs show the same picture: bool [n]."""
    first, second, mirrored = pairs.T
    first, second = looks[first], looks[second]
    turned = np.flatnonzero(mirrored)
    for part in ("thumbnail", "colours"):
        first[part][turned] = first[part][turned, :, ::-1]
    same = np.zeros(len(pairs), bool)
    there = align(first["thumbnail"], second["thumbnail"], ALIGNING_STEPS)
    hopeful = np.flatnonzero(there.misfit <= MAX_MISFIT_ONE_WAY)
    first, second = first[hopeful], second[hopeful]
    back = align(second["thumbnail"], first["thumbnail"], ALIGNING_STEPS)
    there = Alignment(*(values[hopeful] for values in there))
    same[hopeful] = _fit_closely(first, second, _better(there, back))
    return same


def _better(there: Alignment, back: Alignment) -> Alignment:
    """Returns for each pair the closer of both alignments; that of the second to the first is said the other way round.

    Of an image and its cropped copy, only the image has all pixels that the other asks for.
    """
    back = back._replace(gain=1 / np.maximum(back.gain, MIN_GAIN))
    is_closer = there.misfit <= back.misfit
    return Alignment(*(np.where(is_closer, one, other) for one, other in zip(there, back)))


def _fit_closely(first, second, fit: Alignment) -> np.ndarray:
    """Which pairs of looks, so aligned, differ by no more than copies do: bool [P]."""
    brightness = np.abs(first["brightness"] - second["brightness"])
    hues = [
        look["colours"] - look["colours"].mean(axis=-1, keepdims=True, dtype=np.float32) for look in (first, second)
    ]
    hue = np.abs(hues[1] - fit.gain[:, None, None, None] * hues[0]).mean(axis=-1)  # [P, 8, 8]
    max_residual = (
        MAX_RESIDUAL_LEVELS
        + RESIDUAL_LEVELS_PER_SHIFTED_PIXEL * fit.shift
        + RESIDUAL_LEVELS_PER_BRIGHTNESS_LEVEL * brightness
    )
    return (
        (fit.misfit <= MAX_MISFIT)
        & (fit.residual <= max_residual)
        & (np.maximum(fit.gain, 1 / np.maximum(fit.gain, MIN_GAIN)) <= MAX_GAIN)
        & (fit.shift <= MAX_SHIFT_PIXELS)
        & (brightness <= MAX_BRIGHTNESS_DIFFERENCE_LEVELS)
        & (hue.mean(axis=(1, 2)) <= MAX_HUE_LEVELS + HUE_LEVELS_PER_SHIFTED_PIXEL * fit.shift)
        & (hue.max(axis=(1, 2)) <= MAX_FIELD_HUE_LEVELS + FIELD_HUE_LEVELS_PER_SHIFTED_PIXEL * fit.shift)
    )
