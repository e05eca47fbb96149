"""copies.png: samples beside their nearest training images."""

import numpy as np
from PIL import ImageDraw

from dcgan_tf.common.files import whole_file
from dcgan_tf.metrics.copies import Copies
from dcgan_tf.pictures.images import PADDING_PIXELS, WHITE, to_picture

ENLARGED_SIDE_PIXELS = 96  # Smaller images are enlarged by a whole factor, up to this size.
CAPTION_HEIGHT_PIXELS = 14
MAX_SHEET_WIDTH_PIXELS = 1200
MAX_COLUMNS = 4


def draw_pairs(copies: Copies, samples, training, path, count: int = 24) -> None:
    """Writes a PNG of the `count` pairs with the smallest relative distance, the closest first.

    A pair is a sample and, on its right, its nearest training image, mirrored where the mirror image is the nearest.
    The caption below gives the distance and, in brackets, the relative distance.

    Args:
        samples, training: the sources of images that `copies` was found in.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    closest = np.argsort(copies.relative, kind="stable")[:count]
    pairs = _side_by_side(copies, closest, samples, training)
    height, width, channels = pairs.shape[1:]
    columns = max(1, min(MAX_COLUMNS, MAX_SHEET_WIDTH_PIXELS // (width - PADDING_PIXELS)))
    cell_height = height + CAPTION_HEIGHT_PIXELS + 2 * PADDING_PIXELS
    cell_width = width + 5 * PADDING_PIXELS
    sheet = np.full([-(-len(closest) // columns) * cell_height, columns * cell_width, channels], WHITE, np.uint8)
    corners = []  # (x, y) of the top left pixel of each pair
    for place, pair in enumerate(pairs):
        row, column = divmod(place, columns)
        left, top = column * cell_width + 2 * PADDING_PIXELS, row * cell_height + PADDING_PIXELS
        sheet[top : top + height, left : left + width] = pair
        corners.append((left, top))
    picture = to_picture(sheet)
    draw = ImageDraw.Draw(picture)
    for (left, top), which in zip(corners, closest, strict=True):
        black = 0 if picture.mode == "L" else (0, 0, 0)
        draw.text((left, top + height), _caption(copies, which), fill=black)
    with whole_file(path) as beside:
        picture.save(beside, "PNG")


def _side_by_side(copies: Copies, chosen: np.ndarray, samples, training) -> np.ndarray:
    """The chosen samples, each with its nearest training image on the right, enlarged: uint8 [n, h, w, C]."""
    left, right = samples.read(copies.samples[chosen]), training.read(copies.nearest[chosen])
    right = np.where(copies.mirrored[chosen, None, None, None], right[:, :, ::-1], right)
    factor = max(1, ENLARGED_SIDE_PIXELS // max(left.shape[1:3]))
    left, right = (images.repeat(factor, axis=1).repeat(factor, axis=2) for images in (left, right))
    count, height, _, channels = left.shape
    gap = np.full([count, height, PADDING_PIXELS, channels], WHITE, np.uint8)
    return np.concatenate([left, gap, right], axis=2)


def _caption(copies: Copies, which: int) -> str:
    mirrored = " mirrored" if copies.mirrored[which] else ""
    return f"{copies.distances[which]:.3g} ({copies.relative[which]:.2f}){mirrored}"
