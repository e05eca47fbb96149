"""Decodes one image, a file or its content, of any common format and mode, to uint8 pixels of a wanted size."""

import contextlib
import errno
import functools
import io
import logging
import math
import os
import struct
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from dcgan_tf.common import pixels
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import Budget, free_bytes
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import size_text

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
FORMATS_TEXT = "JPEG, PNG, WebP, BMP, TIFF or GIF"

ORIENTATION_TAG = 0x0112
TRANSPOSE_BY_ORIENTATION = {  # How an image of each EXIF orientation is turned upright; 1 is upright.
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS_ORIENTATIONS = (5, 6, 7, 8)  # Turning these swaps height and width.

# A large JPEG is decoded at 1/2, 1/4 or 1/8 as long as it stays this much larger than wanted; that is several times as
# fast, and the antialiasing that follows still decides how the result looks.
MIN_DRAFT_FACTOR = 3

MAX_REASON_CHARACTERS = 60

_DISK_ERRORS = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENXIO, errno.ENODEV)

# Images that are decoded at once share this part of the memory that is free at first, by what their headers say.
BUDGET_SHARE, MIN_BUDGET_BYTES = 8, 2**28
BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}  # in Pillow; 4 in all other modes
COEFFICIENT_BYTES_PER_PIXEL = 6  # of a progressive JPEG: three channels of 16 bits
BAND_PIXELS = 2**22  # Larger images are converted in bands, so that a conversion takes no multiple of the image.
PNG_START, CHUNK_HEADER_BYTES, CHECKSUM_BYTES = b"\x89PNG\r\n\x1a\n", 8, 4  # A chunk: length, kind, content, checksum.
MAX_METADATA_BYTES = 2**26  # in one chunk of a PNG; Pillow takes no longer texts, either.
MAX_FILE_BYTES = 2**31  # No image that Pillow accepts has more; metadata might, and Pillow would load it.

# Pillow warns of odd metadata and of large photographs, once per file. A file that cannot be decoded raises anyway.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


class Decoded(NamedTuple):
    """An image as `decode` returns it.

    pixels       uint8 [H, W, C], with C of 1 or 3, as the file is stored
    stored_size  (H, W) of the upright image before it was resized
    """

    pixels: np.ndarray
    stored_size: tuple[int, int]


def is_image(path) -> bool:
    """Whether a file begins as an image does, whatever its name.

    Raises:
        OSError: the disk fails.
    """
    try:
        with _open(path):
            return True
    except Exception as error:
        if is_of_disk(error):
            raise
        return False


def image_size(path) -> tuple[int, int]:
    """Returns (H, W) of the upright image, read from its header alone. Raises whatever Pillow raises."""
    with _open(path) as image:
        return _upright_size(image)


def size_and_channels(content: bytes) -> tuple[tuple[int, int], int]:
    """Returns (H, W) of the upright image, and 1 where it is stored in grey, else 3.

    It reads the header alone. Raises whatever Pillow raises.
    """
    with _open(content) as image:
        return _upright_size(image), 1 if image.mode[0] in "1LIF" else 3


def decode(path, size, value_range) -> Decoded:
    """Decodes an image: upright, on white where transparent, resized to cover `size` (H, W), cropped to its centre.

    Args:
        path: of the file; or its content, as bytes.
        value_range: the stored values that become 0 and 255; None means 0..65535 for 16 bits, 0..255 for 8.

    Raises:
        Exception: whatever Pillow raises for a damaged file; `why_not_decoded` says it in a few words.
    """
    with _open(path) as image:
        stored_size, stored_pixels = _upright_size(image), math.prod(image.size)
        image.draft(None, (MIN_DRAFT_FACTOR * max(size), MIN_DRAFT_FACTOR * max(size)))
        with _memory().share(_bytes_to_decode(image, stored_pixels)):
            image.load()
            turn = TRANSPOSE_BY_ORIENTATION.get(_orientation(image))
            converted = _to_8_bits(image, value_range)
            if converted is not image:
                image.close()  # Its memory is needed for what follows.
            if turn is not None:
                converted = converted.transpose(turn)
            fitted = pixels.fit(converted, size)
            return Decoded(np.asarray(fitted).reshape(*size, -1), stored_size)


@functools.cache
def _memory() -> Budget:
    """What all threads may take for the images that they decode."""
    return Budget(max(MIN_BUDGET_BYTES, free_bytes() // BUDGET_SHARE))


def _bytes_to_decode(image, stored_pixels) -> int:
    """About what it takes to decode an image that is open. stored_pixels: of the file; a draft has fewer."""
    image_bytes = math.prod(image.size) * BYTES_PER_PIXEL.get(image.mode, 4)
    needed = image_bytes
    if image.mode not in ("L", "RGB"):
        needed += math.prod(image.size) * (1 if image.mode[0] in "1IF" else 4)
    if image.format != "TIFF" and _orientation(image) != 1:
        needed += image_bytes
    if image.info.get("progressive"):  # The coefficients of the whole image are held until its last byte.
        needed += stored_pixels * COEFFICIENT_BYTES_PER_PIXEL
    return needed


def is_of_disk(error) -> bool:
    """Whether a disk or a network has failed: the same file may well be read the next time."""
    return isinstance(error, OSError) and error.errno in _DISK_ERRORS


def why_not_decoded(error, path) -> str:
    """Says in a few words why `decode(path, ...)` raised `error`."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "missing"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels"
    if isinstance(error, MemoryError):
        return "too large for the memory"
    if isinstance(error, UnidentifiedImageError):
        return "empty file" if _is_empty(path) else f"not a readable {FORMATS_TEXT} image"
    if isinstance(error, OSError) and error.errno:  # Errors of Pillow have no number.
        return printable(error.strerror or error)[:MAX_REASON_CHARACTERS]
    if "truncated" in str(error).lower():
        return "truncated"
    return f"damaged: {printable(error)[:MAX_REASON_CHARACTERS]}" if str(error) else "damaged"


def _is_empty(path) -> bool:
    with contextlib.suppress(OSError):  # It may have vanished meanwhile.
        return (len(path) if isinstance(path, bytes) else os.path.getsize(path)) == 0
    return False


@contextlib.contextmanager
def _open(path):
    # Pillow gets an open file, not a path: given a path, it maps some TIFF files into memory and scrambles turned ones.
    with io.BytesIO(path) if isinstance(path, bytes) else open_regular(path) as file:
        if file.seek(0, os.SEEK_END) > MAX_FILE_BYTES:
            raise UserError(f"larger than {size_text(MAX_FILE_BYTES)}")
        file.seek(0)
        _check_chunks(file)
        with Image.open(file, formats=FORMATS) as image:
            yield image


def _check_chunks(file) -> None:
    """Refuses a PNG with very long metadata, which Pillow would load before it refuses it. Leaves other files alone."""
    if file.read(len(PNG_START)) == PNG_START:
        while len(header := file.read(CHUNK_HEADER_BYTES)) == CHUNK_HEADER_BYTES:
            length, kind = struct.unpack(">I4s", header)
            if not kind.isalpha():
                break  # It is no chunk, and Pillow says so.
            if length > MAX_METADATA_BYTES and kind != b"IDAT":
                raise UserError(f"metadata of {size_text(length)}")
            file.seek(length + CHECKSUM_BYTES, os.SEEK_CUR)
    file.seek(0)


def _orientation(image):
    if image.format == "TIFF":
        return 1  # Pillow turns TIFF files itself, and says their upright size.
    with contextlib.suppress(Exception):  # Damaged metadata raises almost anything, while the pixels may be fine.
        return image.getexif().get(ORIENTATION_TAG, 1)
    return 1


def _upright_size(image):
    width, height = image.size
    if _orientation(image) in SIDEWAYS_ORIENTATIONS:
        width, height = height, width
    return height, width


def _to_8_bits(image, value_range):
    """Converts a Pillow image of any mode to L or RGB, a large one in bands."""
    if value_range is None and image.mode in ("L", "RGB") and not image.has_transparency_data:
        return image
    width, height = image.size
    if width * height <= BAND_PIXELS:
        return _band_to_8_bits(image, value_range)
    rows = max(1, BAND_PIXELS // width)
    converted = None
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = _band_to_8_bits(image.crop((0, top, width, bottom)), value_range)
        converted = converted or Image.new(band.mode, image.size)
        converted.paste(band, (0, top))
    return converted


def _band_to_8_bits(image, value_range):
    sixteen_bits = image.mode.startswith("I;16")
    if sixteen_bits or image.mode in ("I", "F"):
        if value_range is None and not sixteen_bits:
            raise UserError("32-bit values: give --value-range LO HI")
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise UserError("holds NaN or infinity")
        return Image.fromarray(pixels.to_uint8(values, *(value_range or (0, 65535))))

    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    if value_range is None:
        return image
    table = pixels.to_uint8(np.arange(256, dtype=np.uint8), *value_range)
    return image.point(table.tolist() * len(image.getbands()))
