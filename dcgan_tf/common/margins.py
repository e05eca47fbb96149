"""Flat margins of an image, such as the paper round a drawing or the black round a scan."""

import numpy as np

MAX_MARGIN_DIFFERENCE_LEVELS = 16  # JPEG leaves ripples beside what a margin ends at.
MAX_STRAY_SHARE = 0.01  # of a row's pixels: dust, and letters in a corner of a scan


def flat_margins(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the widths of an image's flat margins, and their colours.

    A margin is made of rows (or columns) of one colour, that of the outermost. Margins at the left and right are sought
    between those at the top and bottom. An image that is flat all over has none.

    Args:
        image: uint8 [H, W, C], with C of 1 or 3.

    Returns:
        float32 [4], shares 0..1 of the height or the width, and uint8 [4, 3], RGB; top, right, bottom, left.
    """
    height, width = image.shape[:2]
    top, top_colour = _flat_rows(image)
    bottom, bottom_colour = _flat_rows(image[::-1])
    colours = np.zeros((4, 3), np.uint8)
    if top + bottom >= height:
        return np.zeros(4, np.float32), colours
    columns = image[top : height - bottom].swapaxes(0, 1)
    left, left_colour = _flat_rows(columns)
    right, right_colour = _flat_rows(columns[::-1])
    if left + right >= width:
        return np.zeros(4, np.float32), colours
    colours[:] = [np.broadcast_to(colour, 3) for colour in (top_colour, right_colour, bottom_colour, left_colour)]
    return np.array([top / height, right / width, bottom / height, left / width], np.float32), colours


def without_margins(image: np.ndarray) -> np.ndarray:
    """The part of an image within its flat margins: uint8 [h, w, C], at least one pixel."""
    height, width = image.shape[:2]
    shares, _ = flat_margins(image)
    top, right, bottom, left = (round(share * side) for share, side in zip(shares.tolist(), (height, width) * 2))
    return image[top : height - bottom, left : width - right]


def _flat_rows(image) -> tuple[int, np.ndarray]:
    """How many rows from the first on are flat and of its colour, and that colour, uint8 [C]."""
    colour = np.median(image[0], axis=0).astype(np.uint8)
    most_strays = int(MAX_STRAY_SHARE * image.shape[1])
    low, high = (np.clip(colour.astype(int) + way * MAX_MARGIN_DIFFERENCE_LEVELS, 0, 255) for way in (-1, 1))
    for count, row in enumerate(image):
        if np.count_nonzero(((row < low) | (row > high)).any(axis=-1)) > most_strays:
            return count, colour
    return len(image), colour
