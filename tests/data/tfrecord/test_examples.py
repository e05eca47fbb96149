"""Examples of other programs: how they name and lay out an image, and what is said of a record without one."""

import struct

import numpy as np
import pytest
from support import helpers
from support.image_files import encoded
from support.records import example, write_records

from dcgan_tf.data.sources import open_source
from dcgan_tf.data.tfrecord.examples import (
    HEADER_BYTES,
    NO_LABEL,
    Picture,
    _masked_crc32c,
    example_parser,
    is_record_file,
)

pytestmark = pytest.mark.usefixtures("own_folder")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    "record",
    [
        lambda image: {"image_raw": image.tobytes(), "height": 6, "width": 9, "depth": 3},
        lambda image: {"image_raw": encoded(image), "height": 6, "width": 9, "depth": 3},
        lambda image: {"image/encoded": encoded(image, "BMP"), "image/height": 6, "image/width": 9},
        lambda image: {"image": encoded(image, "WEBP", lossless=True), "target": 1},
        lambda image: {"data": np.moveaxis(image, -1, 0).tobytes(), "shape": [3, 6, 9]},
        lambda image: {"data": image.tobytes(), "shape": [6, 9, 3]},
    ],
)
def test_layouts_of_others(record):
    images = noise(3, 6, 9, 3)
    write_records("set", [record(image) for image in images])
    source = open_source("set")
    assert source.image_shape == (6, 9, 3)
    np.testing.assert_array_equal(source.read([2, 0, 1]), images[[2, 0, 1]])


def parse(features):
    return example_parser()(example(features) if isinstance(features, dict) else features)


@pytest.mark.parametrize(
    ("features", "shape", "channels_first", "label"),
    [
        ({"image_raw": bytes(54), "height": 3, "width": 6, "depth": 3, "label": 5}, (3, 6, 3), False, 5),
        ({"image_raw": bytes(18), "height": 3, "width": 6}, (3, 6, 1), False, NO_LABEL),
        ({"image": bytes(36), "image/height": 3, "image/width": 6, "channels": 2, "target": 1}, (3, 6, 2), False, 1),
        ({"data": bytes(90), "shape": [3, 5, 6]}, (5, 6, 3), True, NO_LABEL),
        ({"data": bytes(90), "shape": [5, 6, 3]}, (5, 6, 3), False, NO_LABEL),
        (
            {"data": bytes(9), "shape": [3, 1, 3]},
            (3, 1, 3),
            False,
            NO_LABEL,
        ),  # Both orders would fit, so the usual one is taken.
        ({"image/encoded": b"\xff\xd8...", "image/class/label": 0}, None, False, 0),
        ({"image": b"GIF89a", "height": 3, "width": 6, "depth": 3}, None, False, NO_LABEL),
    ],
)
def test_what_an_example_holds(features, shape, channels_first, label):
    content = next(value for value in features.values() if isinstance(value, bytes))
    assert parse(features) == Picture(content, shape, channels_first, label)


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (b"\xff\xff", "no tf.train.Example"),
        ({}, "no image in image_raw, image/encoded, image, data, it holds nothing"),
        ({"text": b"x", "label": 3}, "no image in image_raw, image/encoded, image, data, it holds label, text"),
        ({"image": 7}, "no image in image_raw, image/encoded, image, data, it holds image"),
        (
            {f"feature{i:02}": 0 for i in range(50)},
            (
                "no image in image_raw, image/encoded, image, data, it holds "
                + ", ".join(f"feature{i:02}" for i in range(50))
            )[:200],
        ),
        (
            {"image": bytes(53), "height": 3, "width": 6, "depth": 3},
            "neither JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM nor raw uint8 pixels with height, width and depth",
        ),
        (
            {"image": bytes(90), "height": 3, "width": 6, "depth": 5},
            "neither JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM nor raw uint8 pixels with height, width and depth",
        ),
    ],
)
def test_records_without_an_image(record, line):
    assert helpers.error_of(parse, record) == line


@pytest.mark.parametrize(("depth", "channels"), [(1, 1), (2, 1), (3, 3), (4, 3)])
def test_size_and_channels_of_raw_pixels(depth, channels):
    picture = parse({"image_raw": bytes(18 * depth), "height": 3, "width": 6, "depth": depth})
    assert picture.size_and_channels() == ((3, 6), channels)


def test_size_and_channels_of_an_image_file():
    assert parse({"image": encoded(noise(4, 7))}).size_and_channels() == ((4, 7), 1)
    assert parse({"image": encoded(noise(4, 7, 3))}).size_and_channels() == ((4, 7), 3)


# ---- records in their files


def test_the_checksum_of_the_standard_text():
    # CRC-32C of these nine bytes is 0xE3069283 (RFC 3720 names the polynomial); rotated by 15 bits: 0x2507C60D.
    assert _masked_crc32c(b"123456789") == (0x2507C60D + 0xA282EAD8) & 0xFFFFFFFF == 0xC78AB0E5


def test_a_file_of_records_is_told_by_its_first_twelve_bytes():
    write_records("a", [b"hello", b"you"])
    with open("a", "rb") as file:
        head = file.read(HEADER_BYTES)
    assert struct.unpack("<Q", head[:8]) == (5,)
    assert is_record_file(head)
    assert not is_record_file(head[:11]) and not is_record_file(b"")
    for position in range(12):
        assert not is_record_file(head[:position] + bytes([head[position] ^ 1]) + head[position + 1 :])
