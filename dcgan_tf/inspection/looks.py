"""What is kept of each image while a set is decoded once: a record of 1.4 KB, from which all findings are made."""

import contextlib
import hashlib

import numpy as np
from PIL import Image

from dcgan_tf.common.margins import flat_margins
from dcgan_tf.common.pixels import is_grey
from dcgan_tf.common.progress import Work
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.source import ImageSource
from dcgan_tf.inspection.sharpness import blur_of

THUMBNAIL_SIDE, COLOUR_SIDE, HASH_BITS = 32, 8, 256

MAX_MEASURED_SIDE_PIXELS = 512  # Of larger images, the numbers are those of the means of 2x2, 3x3, ... pixels.
MAX_BLACK_LEVEL, MIN_WHITE_LEVEL = 15, 240

PATTERN_LEVELS = 3.0  # Of JPEG of quality 50, the noise in thumbnails is 0.7 levels.
MARKED_LOWEST_LEVEL, MARKED_CONTRAST = 16.0, 0.87  # make room for the pattern within 0..255
_PATTERN = np.random.default_rng(0).normal(0, PATTERN_LEVELS, (THUMBNAIL_SIDE, THUMBNAIL_SIDE))

LOOK = np.dtype(
    [
        ("size", np.int32, 2),  # (H, W) of the stored image, upright
        ("exact_hash", np.uint64, 2),  # equal for equal pixels
        ("hash", np.uint64, HASH_BITS // 64),  # perceptual: few bits differ where images look alike
        ("mirrored_hash", np.uint64, HASH_BITS // 64),  # ... of the image mirrored left to right
        ("thumbnail", np.uint8, (THUMBNAIL_SIDE, THUMBNAIL_SIDE)),  # grey, squeezed to a square
        ("colours", np.uint8, (COLOUR_SIDE, COLOUR_SIDE, 3)),  # mean RGB of 8x8 fields
        ("brightness", np.float32),  # mean of the grey levels, 0..255
        ("contrast", np.float32),  # standard deviation of the grey levels
        ("black_share", np.float32),  # of the pixels, 0..1
        ("white_share", np.float32),
        ("colourfulness", np.float32),  # 0 (grey) to about 110
        ("is_grey", np.bool_),
        ("blur", np.float32),  # 0 (sharp) to 1
        ("margins", np.float32, 4),  # widths at the top, right, bottom, left: shares 0..1 of the height or width
        ("margin_colours", np.uint8, (4, 3)),
    ]
)


def look_through(source: ImageSource) -> np.ndarray:
    """The records of all images of a set, at their stored sizes: LOOK [N].

    Images with a side of over 2,048 pixels are looked at as they are shrunk, and count as equal where those are.

    Raises:
        UserError: an image cannot be read any more.
    """

    def look(index):
        return look_at(source.read([index])[0]) if source.stored is None else look_at(*source.stored(index))

    looks = np.zeros(len(source), LOOK)
    with (
        contextlib.closing(in_order(look, range(len(source)))) as found,
        Work("looking at", len(source), "image") as bar,
    ):
        for index, record in enumerate(found):
            looks[index] = record
            bar.update()
    return looks


def look_at(image: np.ndarray, stored_size: tuple[int, int] | None = None) -> np.ndarray:
    """Returns the record of an image: a dtype LOOK of shape []. Threads may call it at once.

    `np.stack` makes the array [N] of many, which the other modules take.

    Args:
        image: uint8 [H, W, C], 0..255, with C of 1 or 3: upright, at its own size.
        stored_size: (H, W) of the upright image as it is stored; None: that of `image`.
    """
    picture = Image.fromarray(np.squeeze(image, axis=-1) if image.shape[-1] == 1 else image)
    grey_picture = picture.convert("L")
    thumbnail = np.asarray(grey_picture.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS))
    factor = -(-max(image.shape[:2]) // MAX_MEASURED_SIDE_PIXELS)
    measured = np.asarray(picture.reduce(factor)).reshape(-(-image.shape[0] // factor), -1, image.shape[-1])
    grey = np.asarray(grey_picture.reduce(factor))
    look = np.zeros((), LOOK)
    look["size"] = stored_size or image.shape[:2]
    look["exact_hash"] = _exact_hash(image)
    look["hash"], look["mirrored_hash"] = _perceptual_hash(thumbnail), _perceptual_hash(thumbnail[:, ::-1])
    look["thumbnail"] = thumbnail
    look["colours"] = np.asarray(picture.convert("RGB").resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX))
    look["brightness"], look["contrast"] = grey.mean(), grey.std()
    look["black_share"], look["white_share"] = np.mean(grey <= MAX_BLACK_LEVEL), np.mean(grey >= MIN_WHITE_LEVEL)
    look["colourfulness"] = _colourfulness(measured)
    look["is_grey"] = is_grey(measured)
    look["blur"] = blur_of(grey)
    look["margins"], look["margin_colours"] = flat_margins(measured)
    return look


def _exact_hash(image) -> np.ndarray:
    """uint64 [2]. Grey pixels count as equal whether they are stored in one channel or in three."""
    if image.shape[-1] == 3:
        red, green, blue = np.moveaxis(image, -1, 0)
        if np.array_equal(red, green) and np.array_equal(red, blue):
            image = image[..., :1]
    digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image))
    return np.frombuffer(digest.digest(), np.uint64)


def _perceptual_hash(thumbnail) -> np.ndarray:
    """uint64 [4]: which of the 16x16 lowest frequencies are above their median (pHash, Zauner 2010).

    A faint pattern that is always the same decides about frequencies that the image has not, such as half of them in one that
    is symmetric: else they would be decided by noise.
    """
    import imagehash

    side = round(HASH_BITS**0.5)
    marked = Image.fromarray((MARKED_LOWEST_LEVEL + MARKED_CONTRAST * thumbnail + _PATTERN).astype(np.uint8))
    hashed = imagehash.phash(marked, hash_size=side, highfreq_factor=THUMBNAIL_SIDE // side)
    return np.packbits(hashed.hash).view(np.uint64)


def _colourfulness(image) -> float:
    """The measure of Hasler and Süsstrunk 2003, "Measuring colourfulness in natural images"."""
    if image.shape[-1] == 1:
        return 0.0
    red, green, blue = np.moveaxis(image.astype(np.float32), -1, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
