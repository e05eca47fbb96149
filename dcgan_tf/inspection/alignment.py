"""Lays one thumbnail over another, and says what is left that differs: how the same picture is told from a similar one."""

from typing import NamedTuple

import numpy as np

BORDER_PIXELS = 2  # There the thumbnail of a cropped image holds other pixels.
MAX_SHIFT_PIXELS = 2.0
MAX_STEP_PIXELS = 1.0
MIN_STEP_GAIN = 0.3
SATURATED_LEVEL, SATURATED_WEIGHT = 248, 0.02  # Made brighter, white stays as it is, which says nothing of the gain.
RIDGE = 0.01  # keeps the equations of flat thumbnails solvable


class Alignment(NamedTuple):
    """How pairs of thumbnails fit, once they are aligned; each is float32 [P].

    misfit    root mean square of what differs, divided by the standard deviation of the levels: 0 is a copy
    residual  the difference that 0.5% of the pixels exceed, in levels
    gain      contrast of the second, divided by that of the first
    shift     how far the edges had to be moved at most, in pixels of the thumbnails
    """

    misfit: np.ndarray
    residual: np.ndarray
    gain: np.ndarray
    shift: np.ndarray


def align(first: np.ndarray, second: np.ndarray, steps: int) -> Alignment:
    """Moves and stretches each first thumbnail along both axes, and changes its gain and offset, to fit the second.

    It is the method of Lucas and Kanade 1981: linear equations for what to change, solved some times over. Images that were
    cropped, shifted, resized, re-encoded or made brighter fit closely; other slices of the same brain do not.

    Args:
        first, second: uint8 or float [P, S, S], grey.
        steps: how often positions are corrected.
    """
    first, second = _smooth(np.asarray(first, np.float32)), _smooth(np.asarray(second, np.float32))
    count, side = first.shape[:2]
    places = np.arange(side, dtype=np.float32)
    centred = (places - (side - 1) / 2) / (side / 2)
    target = second.reshape(count, side * side)
    move = np.zeros((count, 4), np.float32)  # shift and stretch along the rows, and along the columns, in pixels
    moved, seen = first, _seen(places, move, centred)
    for _ in range(steps):
        down, across = np.gradient(moved, axis=1), np.gradient(moved, axis=2)
        solution = _solve(moved, seen, target, across, across * centred, down, down * centred[:, None])[0]
        change = solution[:, 2:] / np.maximum(np.abs(solution[:, :1]), MIN_STEP_GAIN)
        move += np.clip(change, -MAX_STEP_PIXELS, MAX_STEP_PIXELS)
        np.clip(move, -MAX_SHIFT_PIXELS, MAX_SHIFT_PIXELS, out=move)
        columns = _interpolation(places + move[:, :1] + move[:, 1:2] * centred)
        rows = _interpolation(places + move[:, 2:3] + move[:, 3:] * centred)
        moved, seen = rows @ first @ columns.swapaxes(1, 2), _seen(places, move, centred)
    solution, fitted = _solve(moved, seen, target)
    left = np.abs(target - np.clip(fitted, 0, 255)) * seen
    shares = seen / seen.sum(axis=1, keepdims=True)
    mean = (shares * target).sum(axis=1, keepdims=True)
    deviation = np.sqrt((shares * (target - mean) ** 2).sum(axis=1))
    edges = np.maximum(np.abs(move[:, ::2] + move[:, 1::2]), np.abs(move[:, ::2] - move[:, 1::2]))
    return Alignment(
        misfit=np.sqrt((shares * left**2).sum(axis=1)) / np.maximum(deviation, 1),
        residual=np.quantile(left, 0.995, axis=1).astype(np.float32),
        gain=solution[:, 0],
        shift=edges.max(axis=1),
    )


def rough_misfit(thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """About the `misfit` of pairs of thumbnails, the better of both ways, a hundred times as fast as `align`: float32 [P].

    It solves the same equations, once and on thumbnails of half the size, for each thumbnail instead of each pair: what of a
    second is orthogonal to all that small changes make of the first does not fit.

    Args:
        thumbnails: uint8 [N, S, S].
        pairs: int64 [P, 3], indices of two thumbnails, and 1 where the first is taken mirrored, else 0.
    """
    total, half = len(thumbnails), thumbnails.shape[1] // 2
    places = np.stack([pairs[:, 0] + total * pairs[:, 2], pairs[:, 1]])  # The mirrored ones stand behind all others.
    used, places = np.unique(places, return_inverse=True)
    places = places.reshape(2, len(pairs))
    images = thumbnails[used % total]
    images[used >= total] = images[used >= total, :, ::-1]
    images = _smooth(images.reshape(len(used), half, 2, half, 2).mean(axis=(2, 4), dtype=np.float32))
    centred = ((np.arange(half) - (half - 1) / 2) / (half / 2)).astype(np.float32)
    down, across = np.gradient(images, axis=1), np.gradient(images, axis=2)
    changes = [np.ones_like(images), images, across, across * centred, down, down * centred[:, None]]
    inner = np.stack(changes, axis=-1)[:, 1:-1, 1:-1].reshape(len(used), (half - 2) ** 2, len(changes))
    basis = np.linalg.qr(inner)[0].swapaxes(1, 2)  # [N, 6, pixels]
    levels = images[:, 1:-1, 1:-1].reshape(len(used), (half - 2) ** 2)
    levels = levels - levels.mean(axis=1, keepdims=True)
    norms = np.maximum((levels**2).sum(axis=1), levels.shape[1])
    fitted = [
        ((basis[one] @ levels[other][..., None]) ** 2).sum(axis=(1, 2)) / norms[other]
        for one, other in (places, places[::-1])
    ]
    return np.sqrt(np.maximum(1 - np.maximum(*fitted), 0))


def _solve(moved, seen, target, *slopes):
    """Weighted least squares for gain, offset and a factor for each of the slopes: [P, 2 + slopes], and the fit [P, S*S]."""
    count, pixels = seen.shape
    columns = np.stack([moved, np.ones_like(moved), *slopes], axis=-1).reshape(count, pixels, 2 + len(slopes))
    unsaturated = (moved.reshape(count, pixels) < SATURATED_LEVEL) & (target < SATURATED_LEVEL)
    weighted = (columns * (seen * np.maximum(unsaturated, SATURATED_WEIGHT))[..., None]).swapaxes(1, 2)
    normal = (weighted @ columns).astype(np.float64) + RIDGE * np.eye(columns.shape[-1])
    solution = np.linalg.solve(normal, (weighted @ target[..., None]).astype(np.float64)).astype(np.float32)
    return solution[..., 0], (columns @ solution)[..., 0]


def _seen(places, move, centred) -> np.ndarray:
    """Which pixels lie inside both thumbnails, and off the border: float32 [P, S*S] of 0 and 1."""
    side = len(places)
    inner = (places >= BORDER_PIXELS) & (places < side - BORDER_PIXELS)

    def within(moves):
        positions = places + moves[:, :1] + moves[:, 1:] * centred
        return inner & (positions >= -0.5) & (positions <= side - 0.5)

    columns, rows = within(move[:, :2]), within(move[:, 2:])
    return (rows[:, :, None] & columns[:, None, :]).reshape(len(move), side * side).astype(np.float32)


def _interpolation(positions) -> np.ndarray:
    """The matrices [P, S, S] that read a row at its positions [P, S], by Catmull and Rom's cubic."""
    side = positions.shape[1]
    positions = np.clip(positions, 0, side - 1)
    distance = np.abs(positions[..., None] - np.arange(side, dtype=np.float32))
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0)).astype(np.float32)
    return weights / weights.sum(axis=-1, keepdims=True)


def _smooth(images) -> np.ndarray:
    """Blurs [P, S, S] with 1, 2, 1 along both axes: positions between pixels can then be read more truly."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4
