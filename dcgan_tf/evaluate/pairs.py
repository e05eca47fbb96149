"""copies.png: samples beside their nearest training images."""

import numpy as np
from PIL import Image, ImageDraw

from dcgan_tf.common.files import whole_file
from dcgan_tf.metrics.copies import Copies
from dcgan_tf.pictures.images import PADDING, WHITE, to_picture

TILE = 96  # pixels that a small image is enlarged to in the picture of pairs
CAPTION = 14  # pixels below each pair


def draw_pairs(copies: Copies, samples, training, path, count: int = 24) -> None:
    """Writes a PNG of the `count` relatively closest pairs, the closest first: each sample, beside it on the right its
    nearest training image (in a mirror, where it is nearest so), and below them the distance and the relative one.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    closest = np.argsort(copies.relative, kind="stable")[:count]
    left, right = samples.read(copies.samples[closest]), training.read(copies.nearest[closest])
    right = np.where(copies.mirrored[closest, None, None, None], right[:, :, ::-1], right)
    scale = max(1, TILE // max(left.shape[1:3]))
    left, right = (images.repeat(scale, axis=1).repeat(scale, axis=2) for images in (left, right))
    height, width, channels = left.shape[1:]
    columns = max(1, min(4, 1200 // (2 * width)))
    cell_height, cell_width = height + CAPTION + 2 * PADDING, 2 * width + 6 * PADDING
    sheet = np.full([-(-len(closest) // columns) * cell_height, columns * cell_width, channels], WHITE, np.uint8)
    for place, pair in enumerate(zip(left, right, strict=True)):
        row, column = divmod(place, columns)
        top, start = row * cell_height + PADDING, column * cell_width + 2 * PADDING
        sheet[top : top + height, start : start + 2 * width + PADDING] = np.concatenate(
            [pair[0], np.full([height, PADDING, channels], WHITE, np.uint8), pair[1]], axis=1
        )
    picture = to_picture(sheet)
    _caption(picture, copies, closest, columns, cell_height, cell_width)
    with whole_file(path) as beside:
        picture.save(beside, "PNG")


def _caption(picture: Image.Image, copies: Copies, closest, columns: int, cell_height: int, cell_width: int) -> None:
    draw = ImageDraw.Draw(picture)
    for place, which in enumerate(closest):
        row, column = divmod(place, columns)
        text = f"{copies.distances[which]:.3g} ({copies.relative[which]:.2f}){' mirrored' if copies.mirrored[which] else ''}"
        corner = (column * cell_width + 2 * PADDING, (row + 1) * cell_height - CAPTION - PADDING)
        draw.text(corner, text, fill=0 if picture.mode == "L" else (0, 0, 0))
