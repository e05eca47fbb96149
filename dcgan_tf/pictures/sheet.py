"""Contact sheets: many images on one picture, large enough to be looked at, each with its label below."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dcgan_tf.pictures.enlarge import enlarged, whole_factor
from dcgan_tf.pictures.images import WHITE, grid

MIN_FONT_PIXELS, MAX_FONT_PIXELS = 14, 32  # Digits of the first are ten pixels high.
LABEL_MARGIN_PIXELS = 8  # Two labels side by side are so far apart at least.
LINE_FACTOR = 1.4  # The strip with a label is so many times as high as its font.


def contact_sheet(images: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
    """N times uint8 [H, W, C] -> uint8 [h, w, C]: a grid as square as possible, row by row, a label under each image.

    Images are enlarged by a whole factor, so that the longer side of the sheet has 512 pixels at least and every label
    is as wide as its image at most.
    """
    count, (height, width, channels) = len(images), images[0].shape
    columns = math.isqrt(count - 1) + 1  # The square root, rounded up.
    rows = -(-count // columns)
    widest_label = LABEL_MARGIN_PIXELS + max(_font(MIN_FONT_PIXELS).getlength(label) for label in labels)
    factor = max(whole_factor(rows * height, columns * width), math.ceil(widest_label / width))
    height, width = height * factor, width * factor
    font = _font(min(max(width // 16, MIN_FONT_PIXELS), MAX_FONT_PIXELS))
    tiles = np.empty([count, height + round(LINE_FACTOR * font.size), width, channels], np.uint8)
    for tile, image, label in zip(tiles, images, labels, strict=True):
        tile[:height] = enlarged(image, factor)
        tile[height:] = _strip(label, width, len(tile) - height, font)[..., np.newaxis]
    return grid(tiles, rows, columns)


def _strip(label: str, width: int, height: int, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """The label in black on white, uint8 [height, width]."""
    strip = Image.new("L", (width, height), WHITE)
    ImageDraw.Draw(strip).text((width // 2, height // 2), label, fill=0, font=font, anchor="mm")
    return np.asarray(strip)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
