"""Decodes DICOM files, as scanners and hospitals write them, by pydicom: an optional package.

What is read is the image and what says how to show it. A file also names its patient: nothing of that is read, and no
error repeats what a file holds.
"""

import contextlib
import functools
import io
import logging
import math
import os
import re
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.install import install_command
from dcgan_tf.common.text import size_text
from dcgan_tf.data.decoding import frames
from dcgan_tf.data.decoding.dicom_values import HOW_SHOWN, groups_of_frame, has_unknown_range, to_8_bits
from dcgan_tf.data.decoding.pillow_file import Decoded, fitted, memory

PREAMBLE_BYTES, MAGIC = 128, b"DICM"

MAX_HEADER_BYTES = 2**24  # of all that stands before the pixels and is read
MAX_UNPACKED_BYTES = 2**27  # of a file that is compressed as a whole
READ_BYTES = 2**20

FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS = 0x7FE00008, 0x7FE00009, 0x7FE00010
PIXEL_KEYWORDS = {FLOAT_PIXELS: "FloatPixelData", DOUBLE_PIXELS: "DoubleFloatPixelData", PIXELS: "PixelData"}
DEFLATED = "1.2.840.10008.1.2.1.99"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
RLE = "1.2.840.10008.1.2.5"
UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM_HEADER_BYTES = 8  # before each piece of compressed pixels
MAX_RLE_FACTOR = 64  # Two bytes become at most 128.

STRUCTURE = (
    "NumberOfFrames SamplesPerPixel PhotometricInterpretation PlanarConfiguration Rows Columns BitsAllocated BitsStored "
    "HighBit PixelRepresentation ExtendedOffsetTable ExtendedOffsetTableLengths"
).split()


def is_dicom(file) -> bool:
    """Whether a file begins as DICOM does. The file is left at its start.

    The bytes before "DICM" may make it a TIFF, too, often one that points beyond its end: DICOM says more of the image.
    """
    head = file.read(PREAMBLE_BYTES + len(MAGIC))
    file.seek(0)
    return head[PREAMBLE_BYTES:] == MAGIC


class DicomFile:
    """A DICOM file with all its frames; the methods are those of `pillow_file.PillowFile`.

    Grey values become 0..255 as `dicom_values.to_8_bits` says; RGB, YBR and palettes become RGB.

    Raises:
        UserError: pydicom is missing, the file is damaged or holds no image, its compression needs a further package, or
            nothing says which of its values are black and white.
        DecompressionBombError: it has more pixels than Pillow takes.
    """

    def __init__(self, file):
        _pydicom()
        with _no_details():
            self._open(file)

    def _open(self, file) -> None:
        from pydicom.datadict import tag_for_keyword
        from pydicom.filereader import read_dataset
        from pydicom.uid import UID

        self._file = _Metered(file, MAX_HEADER_BYTES)
        self._file.seek(PREAMBLE_BYTES + len(MAGIC))
        meta = read_dataset(self._file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
        self._syntax = UID(meta.get("TransferSyntaxUID") or IMPLICIT_LITTLE_ENDIAN)
        if not self._syntax.is_transfer_syntax:
            is_number = re.fullmatch("[0-9.]{1,64}", self._syntax)  # Else it may be any part of the file.
            raise UserError(f"of an unknown transfer syntax, {self._syntax}" if is_number else "damaged")
        if self._syntax == DEFLATED:
            self._file = _Metered(_unpacked(file), MAX_HEADER_BYTES)
        self._header = read_dataset(
            self._file,
            self._syntax.is_implicit_VR,
            self._syntax.is_little_endian,
            stop_when=lambda tag, vr, length: tag in PIXEL_KEYWORDS,
            specific_tags=[tag_for_keyword(keyword) for keyword in (*STRUCTURE, *HOW_SHOWN)],
        )
        self._header.file_meta = meta
        self._find_pixels()
        header = self._header
        self._shape = int(header.Rows), int(header.Columns), int(header.get("SamplesPerPixel") or 1)
        if min(self._shape) < 1 or self._shape[2] not in (1, 3) or header.BitsAllocated not in (1, 8, 16, 32, 64):
            raise UserError("damaged")
        self._frame_bytes = math.prod(self._shape) * int(header.BitsAllocated) / 8
        if header.PhotometricInterpretation == "YBR_FULL_422" and not self._syntax.is_encapsulated:
            self._frame_bytes *= 2 / 3
        if math.prod(self._shape[:2]) > 2 * Image.MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError

    def _find_pixels(self) -> None:
        """Reads the header of the pixels, at which the file stands; afterwards it stands at their first byte."""
        is_implicit, is_little_endian = self._header.original_encoding
        order = "<" if is_little_endian else ">"
        try:
            group, element = struct.unpack(order + "HH", self._file.read(4))
            self._pixel_vr = None if is_implicit else self._file.read(4)[:2].decode("ascii")
            length = struct.unpack(order + "I", self._file.read(4))[0]
            self._pixel_keyword = PIXEL_KEYWORDS[group << 16 | element]
        except (struct.error, KeyError):
            raise UserError("holds no image") from None
        self._start = self._file.tell()
        self._available = self._file.seek(0, os.SEEK_END) - self._start
        if length != UNDEFINED_LENGTH:
            self._available = min(self._available, length)

    def close(self) -> None:
        """Nothing is held but the file, which whoever opened it closes."""

    @functools.cached_property
    def frame_count(self) -> int:
        """How many frames there are, of those that the file claims. Raises UserError for more than MAX_FRAMES."""
        with _no_details():
            claimed = int(self._header.get("NumberOfFrames") or 1)
        least = ITEM_HEADER_BYTES if self._syntax.is_encapsulated else self._frame_bytes
        return frames.check_count(max(1, min(claimed, math.ceil(self._available / least))))

    def size(self, frame: int = 0) -> tuple[int, int]:
        """Returns (H, W), of all frames."""
        return self._shape[:2]

    def channels(self) -> int:
        """1 for grey, else 3."""
        return 3 if self._shape[2] == 3 or self._has_palette() else 1

    def kind(self) -> tuple[str, str, bool, bool]:
        """See `PillowFile.kind`."""
        return "DICOM", "grey" if self.channels() == 1 else "RGB", False, False

    def bit_depth(self) -> int:
        """How many bits each channel uses."""
        with _no_details():
            return int(self._header.get("BitsStored") or self._header.BitsAllocated)

    def decoded(self, frame: int, fit: Fit, value_range, range_of_16_bits, *, is_last: bool) -> Decoded:
        """Decodes a frame; see `decode`."""
        with self._share(frame), _no_details():
            values, header = self._values(frame), groups_of_frame(self._header, frame)
            image = Image.fromarray(to_8_bits(values, header, value_range, range_of_16_bits))
            return fitted(image, fit, self._shape[:2])

    def stored_range(self, frame: int) -> tuple[int, int] | None:
        """The least and the greatest value of a frame of 16 bits whose file does not say how to show them, else None."""
        with _no_details():
            if self._shape[2] != 1 or not has_unknown_range(groups_of_frame(self._header, frame)):
                return None
        with self._share(frame), _no_details():
            values = self._values(frame)
            return int(values.min()), int(values.max())

    def _has_palette(self) -> bool:
        return self._header.PhotometricInterpretation == "PALETTE COLOR"

    def _share(self, frame):
        if frame >= self.frame_count:
            raise UserError(f"has no frame {frame}")
        needed = 2 * math.ceil(self._frame_bytes) + math.prod(self._shape[:2]) * 3
        if self._syntax == RLE:
            needed += MAX_RLE_FACTOR * min(self._available, self._max_encoded_bytes())
        elif self._syntax.is_encapsulated:
            needed += min(self._available, self._max_encoded_bytes())
        return memory().share(needed)

    def _max_encoded_bytes(self) -> int:
        return 2 * math.ceil(self._frame_bytes) + READ_BYTES

    def _values(self, frame: int) -> np.ndarray:
        """The stored values of a frame: [H, W], or RGB [H, W, 3]."""
        from pydicom.encaps import encapsulate
        from pydicom.pixels import as_pixel_options

        decoder = self._decoder()
        options = as_pixel_options(
            self._header, transfer_syntax_uid=self._syntax, pixel_keyword=self._pixel_keyword, pixel_vr=self._pixel_vr
        )
        if self._syntax.is_encapsulated:
            encoded = self._encoded(frame, options)
            options.pop("extended_offsets", None)
            try:
                return decoder.as_array(encapsulate([encoded]), index=0, **{**options, "number_of_frames": 1})[0]
            except Exception:
                other = f", or need a package: {_install_gdcm()}" if _lacks_gdcm(decoder) else ""
                raise UserError(f"its {self._name()} could not be decoded: it may be damaged{other}") from None
        if math.ceil(self._frame_bytes * (frame + 1)) > self._available:
            raise UserError("truncated")
        self._file.allow(math.ceil(self._frame_bytes) + 2)
        self._file.seek(self._start)
        return decoder.as_array(self._file, index=frame, **options)[0]

    def _decoder(self):
        """The decoder of pydicom for the compression of this file."""
        from pydicom.pixels import get_decoder

        try:
            decoder = get_decoder(self._syntax)
        except NotImplementedError:
            raise UserError(f"compressed as {self._name()}, which pydicom does not decode") from None
        if decoder.is_available:
            return decoder
        if _lacks_gdcm(decoder):
            raise UserError(f"compressed as {self._name()}, which needs a package: {_install_gdcm()}")
        raise UserError(f"compressed as {self._name()}, which needs a plugin of pydicom")

    def _encoded(self, frame, options) -> bytes:
        """The compressed pixels of a frame, which have the size that the header says."""
        from pydicom.encaps import get_frame

        self._file.allow((frame + 1) * self._max_encoded_bytes() + 2 * ITEM_HEADER_BYTES * self.frame_count)
        self._file.seek(self._start)
        encoded = get_frame(
            self._file,
            frame,
            extended_offsets=options.get("extended_offsets"),
            number_of_frames=options["number_of_frames"],
        )
        if len(encoded) > self._max_encoded_bytes():
            raise UserError("damaged")
        with contextlib.suppress(OSError, SyntaxError, ValueError):  # It is no JPEG, or one that Pillow cannot read.
            with Image.open(io.BytesIO(encoded), formats=("JPEG", "JPEG2000")) as image:
                if image.size != (self._shape[1], self._shape[0]):
                    raise UserError("damaged: its frames have another size than it says")
        return encoded

    def _name(self) -> str:
        """The transfer syntax in words: how the file is written and compressed."""
        return str(self._syntax.name)


@functools.cache
def _pydicom() -> None:
    """Imports pydicom, and makes it silent: it warns of odd files with what they hold.

    Raises:
        UserError: it is not installed.
    """
    try:
        import pydicom  # noqa: F401
    except ImportError:
        raise UserError(f"DICOM needs a package: {install_command(['pydicom'])}") from None
    warnings.filterwarnings("ignore", module=r"pydicom\.")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


@contextlib.contextmanager
def _no_details():
    """Replaces the errors of pydicom, which may quote a patient's file, by one that does not."""
    try:
        yield
    except (UserError, MemoryError, Image.DecompressionBombError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # of the disk; those of pydicom have no number.
            raise
        raise UserError("damaged") from None


def _unpacked(file) -> io.BytesIO:
    """What is compressed from where the file stands: all after the first few elements."""
    unpacker, unpacked = zlib.decompressobj(-zlib.MAX_WBITS), io.BytesIO()
    while not unpacker.eof and (packed := unpacker.unconsumed_tail or file.read(READ_BYTES)):
        unpacked.write(unpacker.decompress(packed, READ_BYTES))
        if unpacked.tell() > MAX_UNPACKED_BYTES:
            raise UserError(f"larger than {size_text(MAX_UNPACKED_BYTES)} when unpacked")
    unpacked.seek(0)
    return unpacked


class _Metered:
    """A file of which a bounded number of bytes is read, whatever lengths it claims: `allow` says how many."""

    def __init__(self, file, allowed: int):
        self._file, self._left = file, allowed
        self.seek, self.tell = file.seek, file.tell

    def allow(self, count: int) -> None:
        self._left = count

    def read(self, count: int = -1) -> bytes:
        content = self._file.read(min(count, self._left + 1) if count >= 0 else self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise UserError("damaged: it claims too much")
        return content


def _lacks_gdcm(decoder) -> bool:
    """Whether a package that is not installed decodes what this decoder stands for, too."""
    return any(needed.startswith("gdcm") for needed in decoder.missing_dependencies)


def _install_gdcm() -> str:
    return install_command(["python-gdcm"])
