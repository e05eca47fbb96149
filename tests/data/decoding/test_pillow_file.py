"""Frames of files that Pillow reads: pages of sizes and modes of their own, animations as a viewer shows them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of
from support.image_files import encoded, noise

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.fit import Fit
from dcgan_tf.data.decode import (
    decode,
    decode_frames,
    frame_count,
    image_size,
    image_sizes,
    is_image,
    why_not_decoded,
)
from dcgan_tf.data.decoding import pillow_file


def in_one_file(images, kind, **options) -> bytes:
    content = io.BytesIO()
    images[0].save(content, kind, save_all=True, append_images=images[1:], **options)
    return content.getvalue()


# ---- pages

PAGES = [  # of a TIFF, each of one shade, and what it becomes
    (lambda: Image.new("RGB", (7, 5), (9, 8, 7)), [9, 8, 7]),
    (lambda: Image.new("L", (4, 9), 77), [77]),
    (lambda: Image.fromarray(np.full((6, 6), 100 * 257, np.uint16)), [100]),
    (lambda: Image.new("1", (8, 8), 1), [255]),
    (lambda: Image.new("RGBA", (5, 6), (200, 100, 0, 128)), [227, 177, 127]),
    (lambda: Image.new("RGB", (5, 6), (200, 100, 0)).quantize(4), [200, 100, 0]),
]
SIZES = [(5, 7), (9, 4), (6, 6), (8, 8), (6, 5), (6, 5)]


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate"])
def test_pages_have_sizes_and_modes_of_their_own(tmp_path, compression):
    path = tmp_path / "pages.tif"
    path.write_bytes(in_one_file([make() for make, _ in PAGES], "TIFF", compression=compression))
    assert frame_count(path) == 6 and image_sizes(path) == SIZES
    for k, (decoded, (_, shade)) in enumerate(zip(decode_frames(path, Fit((4, 4)), None), PAGES, strict=True)):
        assert decoded.stored_size == SIZES[k] == image_size(path, k)
        np.testing.assert_array_equal(decoded.pixels, np.broadcast_to(np.uint8(shade), (4, 4, len(shade))))
        again = decode(path, Fit((4, 4)), None, frame=k)
        np.testing.assert_array_equal(again.pixels, decoded.pixels)
        assert again.stored_size == decoded.stored_size


def test_a_thumbnail_among_the_pages_is_passed_over():
    pages = [Image.new("L", (8, 8), 10), Image.new("L", (2, 2), 99), Image.new("L", (6, 6), 30)]
    content = bytearray(in_one_file(pages, "TIFF"))
    entry = struct.pack("<HHIHH", 256, 4, 1, 2, 0)  # the width of the thumbnail, 2, the first of its tags
    if entry not in content:
        entry = struct.pack("<HHIHH", 256, 3, 1, 2, 0)
    place = content.index(entry)
    content[place : place + 12] = struct.pack("<HHIHH", 254, 4, 1, 1, 0)  # It becomes "a smaller copy".
    content = bytes(content)
    assert frame_count(content) == 2 and image_sizes(content) == [(8, 8), (6, 6)]
    assert [decoded.pixels[0, 0, 0] for decoded in decode_frames(content, Fit((4, 4)), None)] == [10, 30]


def test_a_damaged_page_leaves_those_after_it():
    pages = [Image.new("L", (6, 6), 10 * k) for k in (1, 2, 3)]
    content = bytearray(in_one_file(pages, "TIFF", compression="tiff_deflate"))
    place = [i for i in range(len(content)) if content[i : i + 2] == b"\x78\x9c"][1]
    content[place : place + 4] = b"\xff" * 4
    first, second, third = decode_frames(bytes(content), Fit((6, 6)), None)
    assert first.pixels.max() == 10 and third.pixels.min() == 30
    assert isinstance(second, Exception) and why_not_decoded(second, b"x").startswith("damaged")


def test_a_page_of_unknown_kind_has_no_size():
    content = bytearray(in_one_file([Image.new("L", (6, 6))] * 2, "TIFF"))
    places = [i for i in range(len(content)) if content[i : i + 8] == struct.pack("<HHI", 258, 3, 1)]
    content[places[1] + 8] = 13  # bits
    assert image_sizes(bytes(content)) == [(6, 6), None]


# ---- animations


def growing(count=4) -> list[Image.Image]:
    """Pictures that differ from the one before in a few rows: files hold these rows alone."""
    pixels, pictures = np.zeros((8, 8, 3), np.uint8), []
    for k in range(count):
        pixels[2 * k : 2 * k + 2] = (255, 0, 0) if k % 2 else (0, 255, 0)
        pictures.append(Image.fromarray(pixels.copy()))
    return pictures


@pytest.mark.parametrize(
    ("kind", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("PNG", {"default_image": True})]
)
def test_each_frame_is_the_whole_picture(kind, options):
    pictures = growing()
    content = in_one_file(pictures, kind, **options)
    assert frame_count(content) == 4 and image_sizes(content) == [(8, 8)] * 4
    for k, (decoded, picture) in enumerate(zip(decode_frames(content, Fit((8, 8)), None), pictures, strict=True)):
        np.testing.assert_array_equal(decoded.pixels, np.asarray(picture))
        np.testing.assert_array_equal(decode(content, Fit((8, 8)), None, frame=k).pixels, np.asarray(picture))
        assert decoded.stored_size == (8, 8)


def test_what_a_frame_of_a_gif_leaves_behind_is_taken_away():
    shades = [Image.new("L", (4, 4), shade) for shade in (250, 120)]
    spot = Image.new("LA", (4, 4), (0, 0))
    spot.putpixel((1, 1), (60, 255))
    frames = [shades[0].convert("RGBA"), spot.convert("RGBA"), shades[1].convert("RGBA")]
    content = in_one_file(frames, "GIF", disposal=[1, 3, 1])  # 3: the picture before comes back.
    read = [decoded.pixels[..., 0].astype(int) for decoded in decode_frames(content, Fit((4, 4)), None)]
    assert read[0].min() == 250 and read[2].max() == read[2].min() == 120
    assert read[1][1, 1] == 60 and (read[1] == 250).sum() == 15


def test_a_gif_that_is_cut_has_the_frames_that_are_there():
    content = in_one_file([Image.fromarray(noise(16, 16, seed)) for seed in range(4)], "GIF")
    cut = content[: len(content) * 3 // 4 - 20]
    items = list(decode_frames(cut, Fit((16, 16)), None))
    assert frame_count(cut) == len(items) == 3
    assert [why_not_decoded(item, cut) if isinstance(item, Exception) else "read" for item in items] == [
        "read",
        "read",
        "truncated",
    ]


def test_a_png_that_claims_more_frames_than_it_holds():
    content = in_one_file(growing(3), "PNG")
    place = content.index(b"acTL") + 4
    claim = content[place - 4 : place] + struct.pack(">I", 10**9) + content[place + 4 : place + 8]
    checksum = struct.pack(">I", zlib.crc32(claim))
    claiming = content[: place - 4] + claim + checksum + content[place + 12 :]
    assert Image.open(io.BytesIO(claiming)).n_frames == 10**9
    assert frame_count(claiming) == 3 and len(image_sizes(claiming)) == 3
    assert all(not isinstance(item, Exception) for item in decode_frames(claiming, Fit((8, 8)), None))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF"])
def test_one_image_is_one_frame(kind):
    content = encoded(noise(4, 6), kind)
    assert frame_count(content) == 1 and image_sizes(content) == [(4, 6)]
    (only,) = decode_frames(content, Fit((4, 6)), None)
    np.testing.assert_array_equal(only.pixels, decode(content, Fit((4, 6)), None).pixels)
    assert error_of(decode, content, (4, 6), None, frame=1) == error_of(image_size, content, 1) == "has no frame 1"


def test_the_second_image_of_a_jpeg_does_not_count():
    content = in_one_file([Image.new("L", (8, 8), 10), Image.new("L", (8, 8), 90)], "MPO")
    assert Image.open(io.BytesIO(content)).n_frames == 2 and is_image(content)
    assert frame_count(content) == 1
    assert error_of(decode, content, (8, 8), None, frame=1) == "has no frame 1"


def test_a_huge_animation_shows_its_first_frame_alone(monkeypatch):
    monkeypatch.setattr(pillow_file, "MAX_ANIMATION_PIXELS", 63)
    first, second, *_ = decode_frames(in_one_file(growing(), "GIF"), Fit((8, 8)), None)
    assert first.pixels.shape == (8, 8, 3)
    assert isinstance(second, UserError) and str(second) == "an animation of more than 63 pixels"


def test_a_gif_that_grows_huge_in_a_later_frame():
    content = bytearray(in_one_file([Image.new("L", (8, 8), shade) for shade in (10, 200, 90)], "GIF"))
    places = [i for i in range(len(content)) if content[i : i + 9] == b"," + struct.pack("<HHHH", 0, 0, 8, 8)]
    content[places[1] + 1 : places[1] + 3] = struct.pack("<H", 60_000)
    content[places[1] + 3 : places[1] + 5] = struct.pack("<H", 2_000)
    first, *others = decode_frames(bytes(content), Fit((8, 8)), None)
    assert first.pixels.shape == (8, 8, 3)
    assert [str(other) for other in others] == ["an animation of more than 16,777,216 pixels"] * 2


def test_leaving_the_frames_early_closes_the_file(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(in_one_file(growing(), "GIF"))
    items = decode_frames(path, Fit((8, 8)), None)
    next(items)
    items.close()
    pillow_file.memory().share(1).__enter__()  # Nothing is still taken that would make this wait.


# ---- orientation


def test_metadata_after_the_image_of_a_png_turn_it():
    tags = Image.Exif()
    tags[0x0112] = 6
    content = encoded(noise(4, 6), "PNG", exif=tags)
    start = content.index(b"eXIf") - 4
    length = 12 + struct.unpack(">I", content[start : start + 4])[0]
    end = content.index(b"IEND") - 4
    late = content[:start] + content[start + length : end] + content[start : start + length] + content[end:]
    assert image_size(content) == image_size(late) == (6, 4)
    np.testing.assert_array_equal(decode(late, Fit((6, 4)), None).pixels, decode(content, Fit((6, 4)), None).pixels)


def test_the_size_of_a_png_is_read_without_its_pixels():
    content = encoded(noise(4, 6), "PNG")
    place = content.index(b"IDAT") + 4
    assert image_size(content[:place] + bytes(20)) == (4, 6)
