"""Decodes single images, files or their content, of any common format and mode, to uint8 pixels of a wanted size.

A file may have several frames: the pages of a TIFF, the pictures of an animation, the slices of a DICOM file. The readers
are in `decoding`. Every function here takes the path of a file, or its content as bytes.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.fit import Fit
from dcgan_tf.data.decoding.dicom_file import DicomFile, is_dicom
from dcgan_tf.data.decoding.eight_bits import ALL_OF_16_BITS
from dcgan_tf.data.decoding.pillow_file import Decoded, PillowFile, open_bounded

FORMATS_TEXT = "JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM"

MAX_REASON_CHARACTERS = 60

_DISK_ERRORS = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENXIO, errno.ENODEV)


def is_image(path) -> bool:
    """Whether a file begins as an image does, whatever its name.

    Raises:
        OSError: the disk fails.
    """
    try:
        with open_bounded(path) as file:
            if not is_dicom(file):
                PillowFile(file).close()
            return True
    except Exception as error:
        if is_of_disk(error):
            raise
        return False


def frame_count(path) -> int:
    """How many frames a file has; 1 for most images.

    Nothing is decoded. Frames that the file claims and does not hold are left out, as are thumbnails, smaller copies and
    masks among the pages of a TIFF, and the second image of a JPEG that has one.

    Raises:
        UserError: there are more than `frames.MAX_FRAMES`.
        Exception: whatever Pillow raises for a damaged file; `why_not_decoded` says it in a few words.
    """
    with _open(path) as opened:
        return opened.frame_count


def image_size(path, frame: int = 0) -> tuple[int, int]:
    """Returns (H, W) of the upright image, read from its header alone. Raises whatever Pillow raises."""
    with _open(path) as opened:
        return opened.size(frame)


def image_sizes(path) -> list[tuple[int, int] | None]:
    """Returns (H, W) of each frame, upright, read from headers in one pass; None for a page that cannot be read.

    Raises:
        UserError: there are more than `frames.MAX_FRAMES`.
        Exception: whatever Pillow raises for a file that it cannot open.
    """
    with _open(path) as opened:
        return [_unless_damaged(opened.size, frame) for frame in range(opened.frame_count)]


def _unless_damaged(function, frame):
    try:
        return function(frame)
    except Exception as error:
        if is_of_disk(error):
            raise
        return None


def size_and_channels(content: bytes) -> tuple[tuple[int, int], int]:
    """Returns (H, W) of the upright image, and 1 where it is stored in grey, else 3.

    It reads the header alone. Raises whatever Pillow raises.
    """
    with _open(content) as opened:
        return opened.size(), opened.channels()


def bit_depth(path) -> int:
    """How many bits each channel of the first frame has in the file, by its header. Raises whatever Pillow raises."""
    with _open(path) as opened:
        return opened.bit_depth()


def stored_range(path) -> tuple[int, int] | None:
    """The least and the greatest stored value of a file's 16-bit frames, grey or RGB, to tell how many bits are used.

    None where it has no such frame, as its headers say; such a file is not decoded. Frames that are damaged are left out.
    Some kinds of 16 bits are told by `bit_depth` alone, and are None here: grey with transparency, CMYK, later frames of
    a PNG, and DICOM that says its range itself.

    Raises:
        Exception: whatever Pillow raises for a file that it cannot open.
    """
    with _open(path) as opened:
        ranges = [_unless_damaged(opened.stored_range, frame) for frame in range(opened.frame_count)]
    ranges = [found for found in ranges if found]
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def decode(path, fit: Fit, value_range, *, frame: int = 0, range_of_16_bits=ALL_OF_16_BITS) -> Decoded:
    """Decodes an image: upright, on white where transparent, fitted to a size.

    Args:
        path: of the file; or its content, as bytes.
        value_range: the stored values that become 0 and 255; None means 0..255 for 8 bits, and for 16 bits the other
            range. Of DICOM it is of rescaled values, for CT Hounsfield units, and takes the place of the file's window;
            what None means there is in `dicom_values.to_8_bits`.
        frame: which one, from 0. A later frame of an animation takes the time of all before: see `decode_frames`.
        range_of_16_bits: what values of 16 bits alone, grey or colour, become 0 and 255 where no value_range is given.
            Images of 8 bits, and those whose file says its range, are left alone.

    Raises:
        UserError: the image has to be given a value_range, or there is no such frame.
        Exception: whatever Pillow raises for a damaged file; `why_not_decoded` says it in a few words.
    """
    with _open(path) as opened:
        return opened.decoded(frame, fit, value_range, range_of_16_bits, is_last=True)


def decode_first(path, fit: Fit, value_range, *, range_of_16_bits=ALL_OF_16_BITS) -> tuple[Decoded, int]:
    """The first frame of a file, as `decode` returns it, and how many frames the file has."""
    with _open(path) as opened:
        first = opened.decoded(0, fit, value_range, range_of_16_bits, is_last=True)
    with contextlib.suppress(Exception):  # Damage beyond the first frame is none of an image.
        return first, frame_count(path)
    return first, 1


def decode_frames(path, fit: Fit, value_range, *, range_of_16_bits=ALL_OF_16_BITS) -> Iterator[Decoded | Exception]:
    """Decodes all frames of a file in order, in one pass: yields as many items as `frame_count` says.

    A frame that cannot be decoded is an exception among the items, for `why_not_decoded`; so are all frames of an
    animation that build on it. The arguments are those of `decode`.

    Raises:
        UserError: there are more than `frames.MAX_FRAMES`.
        OSError: the disk fails.
        Exception: whatever Pillow raises for a file that it cannot open.
    """
    with _open(path) as opened:
        count = opened.frame_count
        for frame in range(count):
            try:
                item = opened.decoded(frame, fit, value_range, range_of_16_bits, is_last=frame == count - 1)
            except Exception as error:
                if is_of_disk(error):
                    raise
                item = error
            yield item


class FileFacts(NamedTuple):
    """What the header of an image file says of its first frame.

    format          such as "JPEG"
    mode            of its pixels, such as "RGB" or "grey"
    bits            of each channel
    is_transparent  whether it has an alpha channel, or a transparent colour
    is_turned       whether its EXIF says another orientation than the stored one
    bytes           of the whole file
    """

    format: str
    mode: str
    bits: int
    is_transparent: bool
    is_turned: bool
    bytes: int


def file_facts(path) -> FileFacts:
    """Reads the header of a file alone. Raises whatever Pillow raises."""
    with _open(path) as opened:
        kind, mode, is_transparent, is_turned = opened.kind()
        return FileFacts(
            kind,
            mode,
            opened.bit_depth(),
            is_transparent,
            is_turned,
            len(path) if isinstance(path, bytes) else os.path.getsize(path),
        )


@contextlib.contextmanager
def _open(path) -> Iterator[PillowFile | DicomFile]:
    with open_bounded(path) as file:
        with contextlib.closing(DicomFile(file) if is_dicom(file) else PillowFile(file)) as opened:
            yield opened


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
