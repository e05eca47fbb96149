"""Counts the frames of an image file by its headers: pages of a TIFF, pictures of an animated GIF or PNG.

Nothing is decoded. What a file claims is not believed: frames are counted that are there, and at most MAX_FRAMES.
"""

import os
import struct
from typing import BinaryIO

from dcgan_tf.common.errors import UserError

MAX_FRAMES = 100_000

PNG_START, CHUNK_HEADER_BYTES, CHECKSUM_BYTES = b"\x89PNG\r\n\x1a\n", 8, 4  # A chunk: length, kind, content, checksum.

GIF_HEADER_BYTES, GIF_IMAGE_HEADER_BYTES = 13, 9
GIF_EXTENSION, GIF_IMAGE, GIF_END = b"!", b",", b";"

SUBFILE_TYPE_TAG = 254  # Pages of a TIFF that have it begin with it, as tags are sorted.
REDUCED_OR_MASK = 0b101  # Bits of that tag: a smaller copy of another page, or its transparency.


def check_count(count: int) -> int:
    """Returns a count of frames.

    Raises:
        UserError: it is more than MAX_FRAMES.
    """
    if count > MAX_FRAMES:
        raise UserError(f"more than {MAX_FRAMES:,} frames")
    return count


def png_chunks(file: BinaryIO):
    """Yields the kind and the length of each chunk of a PNG, up to the first that is none."""
    file.seek(len(PNG_START))
    while len(header := file.read(CHUNK_HEADER_BYTES)) == CHUNK_HEADER_BYTES:
        length, kind = struct.unpack(">I4s", header)
        if not kind.isalpha():
            return
        yield kind, length
        file.seek(length + CHECKSUM_BYTES, os.SEEK_CUR)


def png_frames(file: BinaryIO) -> int:
    """How many frames of an animated PNG are in the file, at least 1; its still picture counts where it has its own."""
    frames = 0
    for kind, _ in png_chunks(file):
        if kind == b"fcTL" or (kind == b"IDAT" and not frames):
            frames = check_count(frames + 1)
    return max(1, frames)


def gif_frames(file: BinaryIO) -> tuple[int, int]:
    """Returns how many frames of a GIF begin in the file, at least 1, and the pixels of a canvas that holds them all.

    Frames may reach beyond the size that the header says, and the canvas then grows.

    Raises:
        UserError: they are more than MAX_FRAMES.
    """
    file.seek(0)
    frames, header = 0, file.read(GIF_HEADER_BYTES)
    width, height = struct.unpack("<HH", header[6:10])
    _skip_palette(file, header[10:11])
    while (kind := file.read(1)) not in (b"", GIF_END):
        if kind == GIF_IMAGE:
            place = file.read(GIF_IMAGE_HEADER_BYTES)
            if len(place) == GIF_IMAGE_HEADER_BYTES:
                left, top, wide, high = struct.unpack("<HHHH", place[:8])
                width, height = max(width, left + wide), max(height, top + high)
            _skip_palette(file, place[8:])
            frames = check_count(frames + 1)
        if kind in (GIF_IMAGE, GIF_EXTENSION):
            file.seek(1, os.SEEK_CUR)  # the size of the codes, or the kind of the extension
            while length := file.read(1):
                if length == b"\0":
                    break
                file.seek(length[0], os.SEEK_CUR)
    return max(1, frames), width * height


def _skip_palette(file, flags: bytes) -> None:
    if flags and flags[0] & 0x80:
        file.seek(3 << ((flags[0] & 7) + 1), os.SEEK_CUR)


def tiff_pages(file: BinaryIO) -> list[int]:
    """The numbers of the pages of a TIFF that are pictures of their own: thumbnails, smaller copies and masks are none.

    It follows the chain of pages until it ends, leaves the file, or leads back to a page that was met. Where all pages
    are thumbnails, they count. At least page 0 is there.

    Raises:
        UserError: the chain has more than MAX_FRAMES pages.
    """
    file.seek(0)
    start = file.read(16).ljust(16, b"\0")
    order = ">" if start[:2] == b"MM" else "<"
    is_big = struct.unpack(order + "H", start[2:4])[0] == 43  # BigTIFF: all places and counts have 64 bits.
    count_format, entry_bytes, place_format = (
        (order + "Q", 20, order + "Q") if is_big else (order + "H", 12, order + "I")
    )
    place = struct.unpack_from(place_format, start, 8 if is_big else 4)[0]
    pages, met = [], set()
    try:
        while place and place not in met:
            check_count(len(met) + 1)
            file.seek(place)
            entries = _read(file, count_format)
            first = file.read(entry_bytes)
            tag = struct.unpack_from(order + "H", first)[0]
            kind = struct.unpack_from(order + "I", first, entry_bytes - struct.calcsize(place_format))[0]
            if not entries or tag != SUBFILE_TYPE_TAG or not kind & REDUCED_OR_MASK:
                pages.append(len(met))
            met.add(place)
            file.seek(place + struct.calcsize(count_format) + entries * entry_bytes)
            place = _read(file, place_format)
    except (struct.error, OverflowError, ValueError):  # The rest of the chain lies outside of the file.
        pass
    return pages or list(range(max(1, len(met))))


def _read(file, number_format: str) -> int:
    return struct.unpack(number_format, file.read(struct.calcsize(number_format)))[0]
