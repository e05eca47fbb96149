"""Reads records of TFRecord files: each is a tf.train.Example with an image, whose parts programs name differently.

A record in the file is the length of its content (8 bytes), the checksum of that length (4), the content, and the
checksum of the content (4).
"""

import math
import struct
from typing import NamedTuple

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.data.decode import FORMATS_TEXT, size_and_channels

HEADER_BYTES, FOOTER_BYTES = 12, 4
NO_LABEL = -(2**63)  # Stands in an index for an image without a label.

# Features are named differently by TensorFlow's own examples and `prepare` (image_raw, height, width, depth, label), by
# TF-Slim (image/encoded), by TensorFlow Datasets and Keras (image), and by StyleGAN (data, shape).
IMAGE_FEATURES = ("image_raw", "image/encoded", "image", "data")
HEIGHT_FEATURES, WIDTH_FEATURES = ("height", "image/height"), ("width", "image/width")
DEPTH_FEATURES = ("depth", "channels", "image/channels")
LABEL_FEATURES = ("label", "image/class/label", "target")

MAX_REASON_CHARACTERS = 200  # An Example may have hundreds of features.
# The first bytes of image files: JPEG, PNG, WebP, BMP, TIFF of either byte order, GIF.
IMAGE_FILE_STARTS = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8")


class Picture(NamedTuple):
    """The image of one Example.

    content         the bytes of an image file, or raw uint8 pixels
    shape           (H, W, C) of raw pixels; None where the content is an image file
    channels_first  whether raw pixels are stored as [C, H, W]
    label           its class number, or NO_LABEL
    """

    content: bytes
    shape: tuple[int, int, int] | None
    channels_first: bool
    label: int

    def size_and_channels(self) -> tuple[tuple[int, int], int]:
        """Returns (H, W), and 1 channel for grey or 3 for colour. Of an image file only the header is read."""
        if self.shape is None:
            return size_and_channels(self.content)
        height, width, depth = self.shape
        return (height, width), 1 if depth <= 2 else 3


def is_record_file(head: bytes) -> bool:
    """Whether the first 12 bytes of a file are the length of a record and its right checksum."""
    return len(head) >= HEADER_BYTES and struct.unpack("<I", head[8:HEADER_BYTES])[0] == _masked_crc32c(head[:8])


def example_parser():
    """Returns a function that turns the bytes of a tf.train.Example into a `Picture`, without decoding the image.

    It raises UserError with a few words that say what the Example lacks.
    """
    from google.protobuf.message import DecodeError

    from dcgan_tf.common.backend import tf

    def parse(content):
        try:
            features = tf.train.Example.FromString(content).features.feature
        except DecodeError as error:
            raise UserError("no tf.train.Example") from error

        def value(names, kind, default=None):
            """The first value of the first of these features that there is; kind: bytes_list or int64_list."""
            for name in names:
                if name in features and (values := getattr(features[name], kind).value):
                    return values[0]
            return default

        image = value(IMAGE_FEATURES, "bytes_list")
        if image is None:
            there = ", ".join(map(printable, sorted(features))) or "nothing"
            raise UserError(f"no image in {', '.join(IMAGE_FEATURES)}, it holds {there}"[:MAX_REASON_CHARACTERS])
        shape = [value(names, "int64_list") for names in (HEIGHT_FEATURES, WIDTH_FEATURES)]
        shape.append(value(DEPTH_FEATURES, "int64_list", 1))
        first = False
        if "shape" in features and len(features["shape"].int64_list.value) == 3:
            shape = list(features["shape"].int64_list.value)
            first = shape[0] in (1, 3, 4) and shape[2] > 4
            shape = [*shape[1:], shape[0]] if first else shape
        raw = None not in shape and min(shape) > 0 and shape[2] <= 4 and math.prod(shape) == len(image)
        if not raw and not image.startswith(IMAGE_FILE_STARTS):
            raise UserError(f"neither {FORMATS_TEXT} nor raw uint8 pixels with height, width and depth")
        return Picture(image, tuple(shape) if raw else None, first, value(LABEL_FEATURES, "int64_list", NO_LABEL))

    return parse


def _crc32c_of_byte(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


_CRC32C_OF_BYTES = tuple(map(_crc32c_of_byte, range(256)))


def _masked_crc32c(content: bytes) -> int:
    """The checksum of TFRecord files: CRC-32C, rotated by 15 bits, plus a constant. Slow, for a few bytes only."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _CRC32C_OF_BYTES[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
