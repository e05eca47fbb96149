"""The content of a record in a TFRecord file: a tf.train.Example with an image, of one of several ways to name its parts.

A record is its length (8 bytes) and the checksum of that (4), the content, and the checksum of the content (4).
"""

import struct
from typing import NamedTuple

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.data.decode import FORMATS_TEXT, size_and_channels

HEADER_BYTES, FOOTER_BYTES = 12, 4
NO_LABEL = -(2**63)

# Names of features: those of TensorFlow's own examples (image_raw, height, width, depth, label), which are also what
# `prepare` writes, of TF-Slim (image/encoded), of TensorFlow Datasets and Keras (image), of StyleGAN (data, shape).
CONTENT = ("image_raw", "image/encoded", "image", "data")
HEIGHT, WIDTH, DEPTH = ("height", "image/height"), ("width", "image/width"), ("depth", "channels", "image/channels")
LABEL = ("label", "image/class/label", "target")


class Picture(NamedTuple):
    """What one Example holds. shape: (H, W, C) of raw uint8 pixels, None of an encoded image."""

    content: bytes
    shape: tuple[int, int, int] | None
    channels_first: bool
    label: int

    def size_and_channels(self) -> tuple[tuple[int, int], int]:
        """(H, W), and 1 or 3 channels; of an encoded image from its head alone."""
        if self.shape is None:
            return size_and_channels(self.content)
        height, width, depth = self.shape
        return (height, width), 1 if depth <= 2 else 3


def is_record_file(head: bytes) -> bool:
    """Whether the first 12 bytes of a file are the length of a record and the right checksum."""
    return len(head) >= HEADER_BYTES and struct.unpack("<I", head[8:HEADER_BYTES])[0] == _masked_crc32c(head[:8])


def parser():
    """A function from the bytes of a tf.train.Example to its Picture; it raises UserError in a few words."""
    from google.protobuf.message import DecodeError

    from dcgan_tf.common.backend import tf

    def parse(content):
        try:
            features = tf.train.Example.FromString(content).features.feature
        except DecodeError as error:
            raise UserError("no tf.train.Example") from error

        def value(names, kind, default=None):
            for name in names:
                if name in features and (values := getattr(features[name], kind).value):
                    return values[0]
            return default

        image = value(CONTENT, "bytes_list")
        if image is None:
            there = ", ".join(map(printable, sorted(features))) or "nothing"
            raise UserError(f"no image in {', '.join(CONTENT)}, it holds {there}"[:200])
        shape = [value(names, "int64_list") for names in (HEIGHT, WIDTH)]
        shape.append(value(DEPTH, "int64_list", 1))
        first = False
        if "shape" in features and len(features["shape"].int64_list.value) == 3:
            shape = list(features["shape"].int64_list.value)
            first = shape[0] in (1, 3, 4) and shape[2] > 4
            shape = [*shape[1:], shape[0]] if first else shape
        raw = None not in shape and min(shape) > 0 and shape[2] <= 4 and np.prod(shape) == len(image)
        if not raw and not _looks_encoded(image):
            raise UserError(f"neither {FORMATS_TEXT} nor raw uint8 pixels with height, width and depth")
        return Picture(image, tuple(shape) if raw else None, first, value(LABEL, "int64_list", NO_LABEL))

    return parse


def _looks_encoded(content) -> bool:
    starts = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8")
    return content.startswith(starts)


def _masked_crc32c(content: bytes) -> int:
    """The checksum of TFRecord files; bit by bit, for a few bytes only."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
