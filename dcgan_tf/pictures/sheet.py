"""Sheets of many images on one picture, large enough to be looked at: each with its label below, or a row for each class."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dcgan_tf.config.settings import Settings
from dcgan_tf.pictures.enlarge import enlarged, whole_factor
from dcgan_tf.pictures.images import WHITE, grid, sheet

MIN_FONT_PIXELS, MAX_FONT_PIXELS = 14, 32  # Digits of the first are ten pixels high.
LABEL_MARGIN_PIXELS = 8  # Two labels side by side are so far apart at least.
MAX_LABEL_PIXELS = 160  # A small image is enlarged for its label up to this width; what is longer is cut short.
MAX_NAME_SHARE = 0.25  # of the width of the images: a name of a class takes no more.
LINE_FACTOR = 1.4  # The strip with a label is so many times as high as its font.


def contact_sheet(images: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
    """N times uint8 [H, W, C] -> uint8 [h, w, C]: a grid as square as possible, row by row, a label under each image.

    Images are enlarged by a whole factor, so that the longer side of the sheet has 512 pixels at least and every label
    is as wide as its image at most. A label for which images would have to be very wide is cut short.
    """
    count, (height, width, channels) = len(images), images[0].shape
    columns = math.isqrt(count - 1) + 1  # The square root, rounded up.
    rows = -(-count // columns)
    widest_label = LABEL_MARGIN_PIXELS + max(_font(MIN_FONT_PIXELS).getlength(label) for label in labels)
    factor = max(whole_factor(rows * height, columns * width), math.ceil(min(widest_label, MAX_LABEL_PIXELS) / width))
    height, width = height * factor, width * factor
    font = _font(min(max(width // 16, MIN_FONT_PIXELS), MAX_FONT_PIXELS))
    tiles = np.empty([count, height + round(LINE_FACTOR * font.size), width, channels], np.uint8)
    for tile, image, label in zip(tiles, images, labels, strict=True):
        tile[:height] = enlarged(image, factor)
        shown = _cut_short(label, font, width - LABEL_MARGIN_PIXELS)
        tile[height:] = _strip(shown, width, len(tile) - height, font)[..., np.newaxis]
    return grid(tiles, rows, columns)


def class_sheet(images: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """uint8 [N, H, W, C], N a multiple of the classes, class by class -> uint8 [h, w, C]: a row for each class, with its name
    on the left. Images are enlarged as on a `sheet`; names take a quarter of the width at most: long ones are small, and
    very long ones are cut short."""
    laid_out = sheet(images, len(names), len(images) // len(names))
    height, width, channels = laid_out.shape
    font = _font_for(names, min(max(width // 24, MIN_FONT_PIXELS), MAX_FONT_PIXELS), MAX_NAME_SHARE * width)
    shown = [_cut_short(name, font, MAX_NAME_SHARE * width) for name in names]
    margin = round(max(map(font.getlength, shown))) + 2 * LABEL_MARGIN_PIXELS
    beside = Image.new("L", (margin, height), WHITE)
    draw = ImageDraw.Draw(beside)
    for row, name in enumerate(shown):
        middle = round((row + 0.5) * height / len(names))
        draw.text((margin - LABEL_MARGIN_PIXELS, middle), name, fill=0, font=font, anchor="rm")
    strip = np.repeat(np.asarray(beside)[..., np.newaxis], channels, axis=2)
    return np.concatenate([strip, laid_out], axis=1)


def sheet_of_run(images: np.ndarray, settings: Settings) -> np.ndarray:
    """The sheet of as many images as a run's sample pictures have, uint8 [N, H, W, C]: a row for each class, where it has
    classes."""
    preset = settings.preset
    if preset.classes:
        return class_sheet(images, [settings.data.class_names[number] for number in preset.shown_classes])
    return sheet(images, *preset.grid)


def _font_for(names: Sequence[str], size: int, pixels: float) -> ImageFont.FreeTypeFont:
    """The font of that size, or the largest of those below it in which every name has at most so many pixels."""
    smaller = map(_font, range(size, MIN_FONT_PIXELS, -1))
    fitting = (font for font in smaller if max(map(font.getlength, names)) <= pixels)
    return next(fitting, _font(MIN_FONT_PIXELS))


def _cut_short(text: str, font: ImageFont.FreeTypeFont, pixels: float) -> str:
    """A text of at most so many pixels, with an ellipsis for what is left out."""
    if font.getlength(text) <= pixels:
        return text
    lengths = range(len(text) - 1, 0, -1)
    return next(
        (short for short in (f"{text[:length]}…" for length in lengths) if font.getlength(short) <= pixels), "…"
    )


def _strip(label: str, width: int, height: int, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """The label in black on white, uint8 [height, width]."""
    strip = Image.new("L", (width, height), WHITE)
    ImageDraw.Draw(strip).text((width // 2, height // 2), label, fill=0, font=font, anchor="mm")
    return np.asarray(strip)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
