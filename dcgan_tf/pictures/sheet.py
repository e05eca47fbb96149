"""Contact sheets: many images on one picture, large enough to be looked at, each with its label below."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dcgan_tf.pictures.enlarge import enlarged, whole_factor
from dcgan_tf.pictures.images import WHITE, grid

MIN_FONT_PIXELS, MAX_FONT_PIXELS = 14, 32  # Digits of the first are ten pixels high.
LABEL_MARGIN_PIXELS = 8  # Two labels side by side are so far apart at least.
LINE_FACTOR = 1.4  # The strip with a label is so many times as high as its font.


def contact_sheet(images: np.ndarray, labels: list[str]) -> np.ndarray:
    """uint8 [N, H, W, C] -> uint8 [h, w, C]: a grid as square as possible, row by row, with a label under each image.

    Images are enlarged by a whole factor, so that the longer side of the sheet has 512 pixels at least and every label
    is as wide as its image at most.
    """
    count, height, width, channels = images.shape
    columns = math.isqrt(count - 1) + 1  # The square root, rounded up.
    rows = -(-count // columns)
    widest_label = LABEL_MARGIN_PIXELS + max(_font(MIN_FONT_PIXELS).getlength(label) for label in labels)
    factor = max(whole_factor(rows * height, columns * width), math.ceil(widest_label / width))
    tiles = enlarged(images, factor)
    font = _font(min(max(width * factor // 16, MIN_FONT_PIXELS), MAX_FONT_PIXELS))
    strips = np.stack([_strip(label, width * factor, font) for label in labels])  # [N, h, w]
    strips = np.repeat(strips[..., np.newaxis], channels, axis=-1)
    return grid(np.concatenate([tiles, strips], axis=1), rows, columns)


def _strip(label: str, width: int, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """The label in black on white, uint8 [h, width]."""
    strip = Image.new("L", (width, round(LINE_FACTOR * font.size)), WHITE)
    ImageDraw.Draw(strip).text((width // 2, strip.height // 2), label, fill=0, font=font, anchor="mm")
    return np.asarray(strip)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
