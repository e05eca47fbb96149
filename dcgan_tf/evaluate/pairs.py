"""copies.png: samples beside their nearest training images."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dcgan_tf.common.errors import printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.metrics.copies import Copies
from dcgan_tf.pictures.enlarge import enlarged, whole_factor
from dcgan_tf.pictures.images import to_picture

IMAGE_PIXELS = 128  # Smaller images are enlarged by a whole factor, so that their longer side has at least so many.
MIN_COLUMNS, MAX_SHEET_PIXELS = 2, 1200
GAP_PIXELS, MARGIN_PIXELS = 4, 16
FONT_PIXELS, LINE_PIXELS = 17, 22
MAX_PAIRS = 24


@dataclass(frozen=True, eq=False)
class Pairs:
    """The samples that stick most to one training image, the closest first.

    title             what they are of, such as "digits, epoch 7"
    samples, nearest  uint8 [n, H, W, C]; a nearest image is mirrored where its mirror image is the nearest
    captions          the lines below each pair
    are_flat          whether copies cannot be told, see `Copies.are_flat`
    """

    title: str
    samples: np.ndarray
    nearest: np.ndarray
    captions: list[tuple[str, str]]
    are_flat: bool


def closest_pairs(copies: Copies, samples, training, title: str, count: int = MAX_PAIRS) -> Pairs:
    """The `count` pairs of the smallest relative distance. Samples that are not `matched`, then flat ones, come last, as
    their distances tell nothing.

    samples, training: the sources of images that `copies` was found in.
    """
    chosen = np.lexsort([copies.relative, ~copies.matched, copies.flat])[:count]
    nearest = training.read(copies.nearest[chosen])
    nearest = np.where(copies.mirrored[chosen, None, None, None], nearest[:, :, ::-1], nearest)
    captions = [_captions(copies, which, samples, training) for which in chosen]
    return Pairs(title, samples.read(copies.samples[chosen]), nearest, captions, copies.are_flat)


def _captions(copies: Copies, which: int, samples, training) -> tuple[str, str]:
    index = int(copies.nearest[which])
    name = f"image {index}" if training.names is None else printable(training.names[index])
    mirrored = ", mirrored" if copies.mirrored[which] else ""
    distance = f"{copies.distances[which]:.3g} ({copies.relative[which]:.2f})"
    return f"{samples.name_of(int(copies.samples[which]))}: {distance}", name + mirrored


def draw_pairs(pairs: Pairs, path) -> None:
    """Writes a PNG of pairs, each a sample and, on its right, its nearest training image, below a heading.

    Below a pair stand the seed of the sample, with its class where there are classes, the distance and, in brackets, the relative distance; then the name of the
    training image.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    factor = whole_factor(*pairs.samples.shape[1:3], at_least=IMAGE_PIXELS)
    sides = [enlarged(images, factor) for images in (pairs.samples, pairs.nearest)]
    count, height, width, _ = sides[0].shape
    pair_width = 2 * width + GAP_PIXELS
    columns = max(MIN_COLUMNS, (MAX_SHEET_PIXELS - MARGIN_PIXELS) // (pair_width + MARGIN_PIXELS))
    columns = min(columns, count)
    rows = -(-count // columns)
    heading = _heading(pairs)
    top = MARGIN_PIXELS + (len(heading) + 1) * LINE_PIXELS
    cell_height = height + 2 * LINE_PIXELS + MARGIN_PIXELS
    sheet_width = MARGIN_PIXELS + columns * (pair_width + MARGIN_PIXELS)
    font = ImageFont.load_default(FONT_PIXELS)
    heading_width = 2 * MARGIN_PIXELS + max(int(font.getlength(line)) for line in heading)
    sheet = Image.new("RGB", (max(sheet_width, heading_width), top + rows * cell_height), "white")
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(heading):
        draw.text((MARGIN_PIXELS, MARGIN_PIXELS + number * LINE_PIXELS), line, "black", font)
    for column in range(columns):
        left = MARGIN_PIXELS + column * (pair_width + MARGIN_PIXELS)
        for word, at in (("generated", left), ("nearest", left + width + GAP_PIXELS)):
            draw.text((at, top - LINE_PIXELS), _fitted(word, font, width), "dimgray", font)
    for place, captions in enumerate(pairs.captions):
        row, column = divmod(place, columns)
        left, upper = MARGIN_PIXELS + column * (pair_width + MARGIN_PIXELS), top + row * cell_height
        for images, at in zip(sides, (left, left + width + GAP_PIXELS), strict=True):
            sheet.paste(to_picture(images[place]).convert("RGB"), (at, upper))
        for number, line in enumerate(captions):
            at = (left, upper + height + number * LINE_PIXELS)
            draw.text(at, _fitted(line, font, pair_width), "black", font)
    with whole_file(path) as beside:
        sheet.save(beside, "PNG")


def _heading(pairs: Pairs) -> list[str]:
    title = f"{printable(pairs.title)}: are these copies?"
    if pairs.are_flat:
        return [title, "The pictures are flat, of nearly one colour each: copies cannot be told."]
    return [
        title,
        "The samples nearest to one training image, the closest first.",
        "Below: seed, distance (share of the usual distance: look at those below 0.4), training image.",
    ]


def _fitted(text: str, font, width: int) -> str:
    """The text, without its middle where it is too long: the end of a path tells files apart."""
    if font.getlength(text) <= width:
        return text
    kept = len(text) - 1
    while kept > 2 and font.getlength(f"{text[: kept // 3]}...{text[-(kept - kept // 3) :]}") > width:
        kept -= 1
    return f"{text[: kept // 3]}...{text[-(kept - kept // 3) :]}"
