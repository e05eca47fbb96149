"""Opens image files for Pillow and decodes their frames; what a file claims is checked before it takes memory."""

import contextlib
import functools
import io
import logging
import math
import os
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.fit import Fit, trimmed
from dcgan_tf.common.memory import Budget, free_bytes
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import size_text
from dcgan_tf.data.decoding import eight_bits, frames

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")

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

# Images that are decoded at once share this part of the memory that is free at first, by what their headers say.
BUDGET_SHARE, MIN_BUDGET_BYTES = 8, 2**28
BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}  # in Pillow; 4 in all other modes
COEFFICIENT_BYTES_PER_PIXEL = 6  # of a progressive JPEG: three channels of 16 bits
JOINED_BYTES_PER_PIXEL = 20  # of 16-bit colours: the lower bytes and their copy, both bytes as one, the result
ANIMATION_BYTES_PER_PIXEL = 16  # the frame, the one before, what it leaves behind, and the canvas
# The canvas of an animation is kept between its frames, while other files are decoded.
MAX_ANIMATION_PIXELS = 2**24
METADATA_CHUNKS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")  # in which an orientation may stand
MAX_METADATA_BYTES = 2**26  # in one chunk of a PNG; Pillow takes no longer texts, either.
MAX_FILE_BYTES = 2**31  # No image that Pillow accepts has more; metadata might, and Pillow would load it.

# Pillow warns of odd metadata and of large photographs, once per file. A file that cannot be decoded raises anyway.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


class Decoded(NamedTuple):
    """An image as `decode` returns it.

    pixels       uint8 [H, W, C], with C of 1 or 3, as the file is stored
    stored_size  (H, W) of the upright image before it was resized, without margins that were cut off
    """

    pixels: np.ndarray
    stored_size: tuple[int, int]


@functools.cache
def memory() -> Budget:
    """What all threads may take for the images that they decode."""
    return Budget(max(MIN_BUDGET_BYTES, free_bytes() // BUDGET_SHARE))


@contextlib.contextmanager
def open_bounded(path):
    """Opens a regular file, or content in memory, for reading.

    Raises:
        UserError: it is longer than MAX_FILE_BYTES.
        OSError: it cannot be read, or is no regular file.
    """
    with io.BytesIO(path) if isinstance(path, bytes) else open_regular(path) as file:
        if file.seek(0, os.SEEK_END) > MAX_FILE_BYTES:
            raise UserError(f"larger than {size_text(MAX_FILE_BYTES)}")
        file.seek(0)
        yield file


def fitted(image, fit: Fit, stored_size) -> Decoded:
    """A Pillow image, L or RGB, made to fit."""
    if fit.trim:
        image, fit = trimmed(image), fit._replace(trim=False)
        stored_size = image.height, image.width
    values = np.asarray(fit.image(image))
    return Decoded(values.reshape(*values.shape[:2], -1), stored_size)


class PillowFile:
    """An image file that Pillow reads, with all its frames.

    Frames are the pages of a TIFF, in sizes and modes of their own, and the pictures of an animated GIF, WebP or PNG as
    a viewer shows them, put together with those before. Of a JPEG that holds several images (MPO) the first alone counts:
    the others are maps of depth or light, or the same picture for the other eye.

    It may raise whatever Pillow raises for a damaged file.
    """

    def __init__(self, file):
        # Pillow gets an open file, not a path: given a path, it maps some TIFF files into memory and scrambles turned
        # ones.
        self._file = file
        self._has_late_metadata = _check_chunks(file)
        self._image = Image.open(file, formats=FORMATS)
        self._canvas_pixels = math.prod(self._image.size)  # of an animation

    def close(self) -> None:
        self._image.close()

    @functools.cached_property
    def frame_count(self) -> int:
        """How many frames there are, by headers alone. Raises UserError where they are more than MAX_FRAMES."""
        image, place = self._image, self._file.tell()
        try:
            if image.format == "TIFF":
                return len(self._pages)
            if image.format == "GIF":
                count, self._canvas_pixels = frames.gif_frames(self._file)
                return count
            if image.format == "PNG" and image.n_frames > 1:
                return min(image.n_frames, frames.png_frames(self._file))
            return frames.check_count(image.n_frames) if image.format == "WEBP" else 1
        finally:
            self._file.seek(place)

    @functools.cached_property
    def _pages(self) -> list[int]:
        return frames.tiff_pages(self._file)

    def size(self, frame: int = 0) -> tuple[int, int]:
        """Returns (H, W) of a frame, upright."""
        self._start(frame)
        return self._upright_size()

    def channels(self) -> int:
        """1 where the first frame is stored in grey, else 3."""
        return 1 if self._image.mode[0] in "1LIF" else 3

    def kind(self) -> tuple[str, str, bool, bool]:
        """Format, mode, whether the first frame has transparency, and whether EXIF turns it: by the header alone."""
        image = self._image
        mode = "grey" if image.mode[0] in "1LIF" else "RGB" if image.mode in ("RGB", "RGBA", "RGBX") else image.mode
        is_transparent = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
        return image.format, mode, is_transparent, self._orientation() != 1

    def bit_depth(self) -> int:
        """How many bits each channel of the first frame has in the file."""
        return eight_bits.bit_depth(self._image)

    def decoded(self, frame: int, fit: Fit, value_range, range_of_16_bits, *, is_last: bool) -> Decoded:
        """Decodes a frame; see `decode`. All frames in order take the time of one pass.

        is_last: nothing is asked of this file any more, so its memory may go.
        """
        image = self._image
        self._start(frame)
        stored_size, stored_pixels = self._upright_size(), math.prod(image.size)
        if not fit.trim:  # What is left within the margins may be small.
            image.draft(None, (MIN_DRAFT_FACTOR * max(fit.size), MIN_DRAFT_FACTOR * max(fit.size)))
        with memory().share(self._bytes_to_decode(frame, stored_pixels)):
            self._seek(frame)
            if eight_bits.keeps_upper_bytes(image):
                converted = self._deep_to_8_bits(frame, value_range or range_of_16_bits)
            else:
                image.load()
                converted = eight_bits.to_8_bits(image, value_range, range_of_16_bits)
            turn = TRANSPOSE_BY_ORIENTATION.get(self._orientation())
            if is_last and converted is not image:
                image.close()  # Its memory is needed for what follows.
            if turn is not None:
                converted = converted.transpose(turn)
            decoded = fitted(converted, fit, stored_size)
            if not is_last and image.format == "TIFF":
                image.im = None  # No page needs the one before; an animation does.
            return decoded

    def stored_range(self, frame: int) -> tuple[int, int] | None:
        """The least and the greatest value of a frame of 16 bits; None for another, which is not decoded."""
        image = self._image
        self._start(frame)
        is_grey = image.mode.startswith("I;16")
        if not is_grey and not self._has_both_bytes(frame):
            return None
        with memory().share(self._bytes_to_decode(frame, math.prod(image.size))):
            self._seek(frame)
            image.load()
            values = np.asarray(image) if is_grey else eight_bits.join_bytes(image, self._lower_bytes())
            return int(values.min()), int(values.max())

    def _start(self, frame: int) -> None:
        """Refuses a frame that is not there or takes too much, and goes to a page of a TIFF, which takes nothing."""
        if frame and frame >= self.frame_count:
            raise UserError(f"has no frame {frame}")
        if self._image.format == "TIFF":
            self._seek(frame)
        elif frame and self._canvas_pixels > MAX_ANIMATION_PIXELS:
            raise UserError(f"an animation of more than {MAX_ANIMATION_PIXELS:,} pixels")

    def _seek(self, frame: int) -> None:
        """Goes to a frame. Of an animation all frames before it are decoded."""
        place = self._pages[frame] if self._image.format == "TIFF" else frame
        if self._image.tell() != place:
            self._image.seek(place)

    def _has_both_bytes(self, frame: int) -> bool:
        """Whether both bytes of 16-bit colours can be had of a frame: not where it is put together with those before."""
        return eight_bits.has_joinable_bytes(self._image) and (frame == 0 or self._image.format == "TIFF")

    def _lower_bytes(self) -> Image.Image:
        with Image.open(self._file, formats=FORMATS) as lower:
            if self._image.tell():
                lower.seek(self._image.tell())
            eight_bits.take_lower_bytes(lower)
            lower.load()
            return lower.copy()

    def _deep_to_8_bits(self, frame, values):
        """Converts 16-bit colours, of which Pillow alone loads the upper bytes."""
        image, both = self._image, self._has_both_bytes(frame) and tuple(values) != eight_bits.ALL_OF_16_BITS
        image.load()
        if both:
            return eight_bits.joined_to_8_bits(image, self._lower_bytes(), values)
        if tuple(values) == eight_bits.ALL_OF_16_BITS:
            return eight_bits.to_8_bits(image, None)
        return eight_bits.to_8_bits(image, tuple(value / 256 for value in values))

    def _bytes_to_decode(self, frame, stored_pixels) -> int:
        """About what it takes to decode a frame. stored_pixels: of the file; a draft has fewer."""
        image = self._image
        image_bytes = math.prod(image.size) * BYTES_PER_PIXEL.get(image.mode, 4)
        needed = image_bytes
        if image.mode not in ("L", "RGB"):
            needed += math.prod(image.size) * (1 if image.mode[0] in "1IF" else 4)
        if image.format != "TIFF" and self._orientation() != 1:
            needed += image_bytes
        if image.info.get("progressive"):  # The coefficients of the whole image are held until its last byte.
            needed += stored_pixels * COEFFICIENT_BYTES_PER_PIXEL
        if eight_bits.has_joinable_bytes(image):
            needed += stored_pixels * JOINED_BYTES_PER_PIXEL
        if frame and image.format != "TIFF":
            needed += self._canvas_pixels * ANIMATION_BYTES_PER_PIXEL
        return needed

    def _orientation(self) -> int:
        image = self._image
        if image.format == "TIFF":
            return 1  # Pillow turns TIFF files itself, and says their upright size.
        with contextlib.suppress(Exception):  # Damaged metadata raises almost anything, while the pixels may be fine.
            if image.format == "PNG" and not self._has_late_metadata:
                # Pillow's reader of PNG would decode the image, to look for metadata after it.
                return Image.Image.getexif(image).get(ORIENTATION_TAG, 1)
            return image.getexif().get(ORIENTATION_TAG, 1)
        return 1

    def _upright_size(self) -> tuple[int, int]:
        width, height = self._image.size
        if self._orientation() in SIDEWAYS_ORIENTATIONS:
            width, height = height, width
        return height, width


def _check_chunks(file) -> bool:
    """Refuses a PNG with very long metadata, which Pillow would load before it refuses it. Leaves other files alone.

    Returns whether a PNG has metadata after its image.
    """
    has_late_metadata = seen_image = False
    if file.read(len(frames.PNG_START)) == frames.PNG_START:
        for kind, length in frames.png_chunks(file):
            if length > MAX_METADATA_BYTES and kind != b"IDAT":
                raise UserError(f"metadata of {size_text(length)}")
            seen_image = seen_image or kind == b"IDAT"
            has_late_metadata = has_late_metadata or (seen_image and kind in METADATA_CHUNKS)
    file.seek(0)
    return has_late_metadata
