"""Images as pixels: floats of a net to uint8, many images on one sheet, PNG files. Images are [N, H, W, C]."""

import numpy as np
from PIL import Image

from dcgan_tf.common.files import whole_file
from dcgan_tf.pictures.enlarge import enlarged, whole_factor

PADDING_PIXELS = 2  # A grid has so much white around every tile.
WHITE = 255


def to_uint8(x) -> np.ndarray:
    """Floats in [-1, 1], of any shape, to uint8: round(x * 127.5 + 127.5), clipped to 0..255.

    Raises:
        ValueError: a value is NaN.
    """
    levels = np.rint(np.asarray(x, np.float32) * 127.5 + 127.5)
    if np.isnan(levels).any():
        raise ValueError("the images hold NaN")
    return levels.clip(0, 255).astype(np.uint8)


def grid(images: np.ndarray, rows: int, columns: int, padding: int = PADDING_PIXELS) -> np.ndarray:
    """Lays images out row by row on white, pixel for pixel, `padding` pixels apart and from the edge.

    Args:
        images: uint8 [N, H, W, C], C 1 or 3, N at most rows * columns; the places left over stay white.

    Returns:
        uint8 [rows * (H + padding) + padding, columns * (W + padding) + padding, C].

    Raises:
        ValueError: images of another type or shape, or too many of them.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"images must be uint8 [N, H, W, 1 or 3], not {images.dtype} {list(images.shape)}")
    count, height, width, channels = images.shape
    if count > rows * columns:
        raise ValueError(f"{count} images do not fit a grid of {rows} x {columns}")
    sheet_shape = [rows * (height + padding) + padding, columns * (width + padding) + padding, channels]
    sheet = np.full(sheet_shape, WHITE, np.uint8)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top, left = padding + row * (height + padding), padding + column * (width + padding)
        sheet[top : top + height, left : left + width] = image
    return sheet


def sheet(images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """A `grid` that can be read on a screen: where it is small, each of its pixels is a square of several.

    Raises:
        ValueError: see `grid`.
    """
    laid_out = grid(images, rows, columns)
    return enlarged(laid_out, whole_factor(*laid_out.shape[:2]))


def to_picture(image: np.ndarray) -> Image.Image:
    """uint8 [h, w, 1 or 3] to Pillow's grey or colour.

    Raises:
        ValueError: an image of another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (1, 3):
        raise ValueError(f"an image must be uint8 [h, w, 1 or 3], not {image.dtype} {list(image.shape)}")
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def write_png(path, image: np.ndarray, flush: bool = True) -> None:
    """Writes uint8 [h, w, 1 or 3] as a grey or colour PNG, whole or not at all; it reads back pixel for pixel.

    flush: see `whole_file`.

    Raises:
        ValueError: an image of another type or shape.
        UserError: the disk is full.
    """
    write_picture(path, to_picture(image), flush)


def write_picture(path, picture: Image.Image, flush: bool = True) -> None:
    """The same of a picture of Pillow."""
    with whole_file(path, flush) as beside:
        picture.save(beside, "PNG")
