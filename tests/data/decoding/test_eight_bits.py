"""16 bits per channel, grey and colour: which values a file has, and what becomes black and white."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from support.image_files import encoded, noise

from dcgan_tf.common.fit import Fit
from dcgan_tf.data.decode import bit_depth, decode, decode_frames, stored_range

ALPHA_IS_SEPARATE = 2


def deep_png(values) -> bytes:
    """A PNG of 16 bits: uint16 [H, W, C], with C of 1 (grey), 2 (and alpha), 3 (RGB) or 4 (and alpha). Pillow writes none."""
    height, width, channels = values.shape

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_tiff(values, order, *, deflate) -> bytes:
    """A TIFF of 16 bits: uint16 [H, W, 3 or 4], in either byte order. Pillow writes none."""
    height, width, channels = values.shape
    pixels = values.astype(order + "u2").tobytes()
    pixels = zlib.compress(pixels) if deflate else pixels
    count = 9 + (channels == 4)
    bits_at = 8 + 2 + 12 * count + 4
    tags = [
        (256, width),
        (257, height),
        (258, bits_at),
        (259, 8 if deflate else 1),
        (262, 2),
        (273, bits_at + 2 * channels),
        (277, channels),
        (278, height),
        (279, len(pixels)),
    ]
    tags += [(338, ALPHA_IS_SEPARATE)] if channels == 4 else []
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, count)
    for tag, value in tags:
        if tag == 258:
            head += struct.pack(order + "HHII", tag, 3, channels, value)
        else:
            head += struct.pack(order + "HHII", tag, 4, 1, value)
    return head + struct.pack(order + f"I{channels}H", 0, *[16] * channels) + pixels


def deep(channels, least=100, most=4095):
    values = np.random.default_rng(0).integers(least, most, (6, 5, channels), np.uint16)
    values[0, 0, 0], values[0, 1, 0] = least, most
    if channels in (2, 4):
        values[..., -1] = 65535
    return values


FILES = {
    "PNG": deep_png,
    "TIFF, little-endian": lambda values: deep_tiff(values, "<", deflate=False),
    "TIFF, big-endian": lambda values: deep_tiff(values, ">", deflate=False),
    "TIFF, little-endian, compressed": lambda values: deep_tiff(values, "<", deflate=True),
    "TIFF, big-endian, compressed": lambda values: deep_tiff(values, ">", deflate=True),
}


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kind", FILES)
def test_colours_keep_all_their_bits(kind, channels):
    values = deep(channels)
    content = FILES[kind](values)
    assert bit_depth(content) == 16 and stored_range(content) == (100, 4095)
    colours = values[..., :3].astype(float)
    expected = np.rint(colours / 4095 * 255)
    np.testing.assert_array_equal(decode(content, Fit((6, 5)), (0, 4095)).pixels, expected)
    np.testing.assert_array_equal(decode(content, Fit((6, 5)), None, range_of_16_bits=(0, 4095)).pixels, expected)
    np.testing.assert_array_equal(
        decode(content, Fit((6, 5)), None).pixels, colours // 256
    )  # all 16 bits, as Pillow has it


def test_transparent_colours_of_16_bits_are_put_on_white():
    values = np.full((4, 4, 4), 4095, np.uint16)
    values[..., :3] = 2048
    values[0, 0, 3], values[1:, :, 3] = 0, 65535
    read = decode(deep_png(values), Fit((4, 4)), (0, 4095)).pixels
    assert read[0, 0].tolist() == [255] * 3 and read[2, 2].tolist() == [128] * 3


def test_the_range_of_grey_values():
    values = deep(1)
    for content in (deep_png(values), encoded(values[..., 0], "TIFF")):
        assert bit_depth(content) == 16 and stored_range(content) == (100, 4095)
        expected = np.rint(values / 4095 * 255)
        np.testing.assert_array_equal(decode(content, Fit((6, 5)), None, range_of_16_bits=(0, 4095)).pixels, expected)
        np.testing.assert_array_equal(decode(content, Fit((6, 5)), None).pixels, np.rint(values / 257))


def test_the_range_of_all_pages():
    pages = [Image.fromarray(np.full((4, 4), value, np.uint16)) for value in (300, 7, 1023)]
    content = io.BytesIO()
    pages[0].save(content, "TIFF", save_all=True, append_images=[Image.new("L", (4, 4), 255), *pages[1:]])
    assert stored_range(content.getvalue()) == (7, 1023)
    shades = [
        item.pixels[0, 0, 0]
        for item in decode_frames(content.getvalue(), Fit((4, 4)), None, range_of_16_bits=(0, 1023))
    ]
    assert shades == [75, 255, 2, 255]  # The page of 8 bits stays as it is.


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_eight_bits_have_no_range_and_are_not_decoded(monkeypatch, kind):
    content = encoded(noise(6, 5), kind)
    pixels = decode(content, Fit((6, 5)), None).pixels
    np.testing.assert_array_equal(decode(content, Fit((6, 5)), None, range_of_16_bits=(0, 4095)).pixels, pixels)

    def load(self):
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", load)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    assert stored_range(content) is None and bit_depth(content) == 8


def test_grey_with_transparency_has_the_upper_bytes_alone():
    content = deep_png(deep(2))
    assert bit_depth(content) == 16 and stored_range(content) is None
    read = decode(content, Fit((6, 5)), (0, 4095)).pixels
    np.testing.assert_allclose(read[..., 0], deep(2)[..., 0] / 4095 * 255, atol=16)  # of 16 shades


def test_a_damaged_image_has_no_range():
    content = deep_png(deep(1))
    assert stored_range(content[: content.index(b"IDAT") + 8]) is None


@pytest.mark.parametrize(
    ("image", "kind", "bits"),
    [
        (lambda: Image.new("1", (4, 4)), "PNG", 1),
        (lambda: Image.new("RGB", (4, 4), (9, 8, 7)).quantize(4), "PNG", 1),
        (lambda: Image.fromarray(noise(4, 4)).quantize(4), "PNG", 2),
        (lambda: Image.new("1", (4, 4)), "TIFF", 1),
        (lambda: Image.new("RGB", (4, 4)), "TIFF", 8),
        (lambda: Image.new("F", (4, 4)), "TIFF", 32),
        (lambda: Image.new("RGBA", (4, 4)), "WEBP", 8),
        (lambda: Image.new("CMYK", (4, 4)), "JPEG", 8),
    ],
)
def test_bit_depth(image, kind, bits):
    content = io.BytesIO()
    image().save(content, kind)
    assert bit_depth(content.getvalue()) == bits
