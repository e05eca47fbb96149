"""How many frames files hold, by headers made by hand: cycles, false claims, thumbnails, and ends that are missing."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of

from dcgan_tf.data.decoding import frames
from dcgan_tf.data.decoding.frames import gif_frames, png_frames, tiff_pages


def opened(*parts: bytes):
    return io.BytesIO(b"".join(parts))


# ---- pages of TIFF


def tiff(pages, *, order="<", big=False) -> bytes:
    """A TIFF of pages without pixels. pages: for each, its one tag, its value, and the number of the page that follows."""
    head = (b"MM" if order == ">" else b"II") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    start, length = (16, 8 + 20 + 8) if big else (8, 2 + 12 + 4)
    page_format = order + ("QHHQI4xQ" if big else "HHHIII")
    places = [start + length * i for i in range(len(pages))]
    return head + b"".join(
        struct.pack(page_format, 1, tag, 4, 1, value, 0 if after is None else places[after])
        for tag, value, after in pages
    )


WIDTH, KIND = 256, 254


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pages_are_followed_in_both_byte_orders_and_lengths(order, big):
    content = tiff([(WIDTH, 9, 1), (WIDTH, 9, 2), (WIDTH, 9, None)], order=order, big=big)
    assert tiff_pages(opened(content)) == [0, 1, 2]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_thumbnails_smaller_copies_and_masks_are_no_pages(order, big):
    kinds = [0b001, 0b010, 0b000, 0b100, 0b101]  # 0b010 is a page among others.
    pages = [(KIND, kind, i + 1) for i, kind in enumerate(kinds)] + [(WIDTH, 9, None)]
    assert tiff_pages(opened(tiff(pages, order=order, big=big))) == [1, 2, 5]


def test_thumbnails_count_where_there_is_nothing_else():
    assert tiff_pages(opened(tiff([(KIND, 1, 1), (KIND, 1, None)]))) == [0, 1]


@pytest.mark.parametrize(("pages", "count"), [([(WIDTH, 9, 0)], 1), ([(WIDTH, 9, 1), (WIDTH, 9, 2), (WIDTH, 9, 1)], 3)])
def test_pages_in_a_circle_end(pages, count):
    assert tiff_pages(opened(tiff(pages))) == list(range(count))


@pytest.mark.parametrize("place", [1, 2**31, 2**32 - 1])
def test_a_chain_that_leaves_the_file_ends_there(place):
    content = tiff([(WIDTH, 9, 1), (WIDTH, 9, None)])
    assert tiff_pages(opened(content[:-4], struct.pack("<I", place))) in ([0, 1], [0, 1, 2])
    big = tiff([(WIDTH, 9, None)], big=True)
    assert tiff_pages(opened(big[:-8], struct.pack("<Q", 2**64 - 1))) == [0]


def test_cut_headers_have_one_page():
    content = tiff([(WIDTH, 9, 1), (WIDTH, 9, None)])
    assert [tiff_pages(opened(content[:n])) for n in (4, 8, 12, 26)] == [[0], [0], [0], [0]]
    assert tiff_pages(opened(content[: len(content) - 4])) == [0, 1]


def test_pages_are_those_that_pillow_finds():
    content = io.BytesIO()
    images = [Image.new("L", (4, 4 + i)) for i in range(5)]
    images[0].save(content, "TIFF", save_all=True, append_images=images[1:])
    assert len(tiff_pages(content)) == Image.open(content).n_frames == 5


# ---- animations


def gif(*blocks: bytes) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0x80, 0, 0) + bytes(6) + b"".join(blocks)


PICTURE = b"," + struct.pack("<HHHHB", 0, 0, 4, 4, 0) + b"\x02" + b"\x03,!;" + b"\x00"
WITH_PALETTE = b"," + struct.pack("<HHHHB", 0, 0, 4, 4, 0x81) + b",,,,,,,,,,,," + b"\x02" + b"\x01;" + b"\x00"
COMMENT = b"!\xfe" + b"\x04;,;," + b"\x00"


@pytest.mark.parametrize(
    ("blocks", "count"),
    [
        ([PICTURE, b";"], 1),
        ([PICTURE, COMMENT, PICTURE, WITH_PALETTE, PICTURE, b";", PICTURE], 4),
        ([COMMENT, b"\0\0", PICTURE, PICTURE[:15]], 2),
        ([COMMENT], 1),
        ([], 1),
    ],
)
def test_pictures_of_a_gif(blocks, count):
    assert gif_frames(opened(gif(*blocks))) == (count, 16)


def test_frames_of_a_gif_may_reach_beyond_its_size():
    wide = b"," + struct.pack("<HHHHB", 1, 2, 9, 1, 0) + PICTURE[10:]
    high = b"," + struct.pack("<HHHHB", 0, 65535, 1, 65535, 0) + PICTURE[10:]
    assert gif_frames(opened(gif(PICTURE, wide))) == (2, 10 * 4)
    assert gif_frames(opened(gif(PICTURE, wide, high))) == (3, 10 * 131070)


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


IDAT, FCTL, FDAT = chunk(b"IDAT", b"x"), chunk(b"fcTL", bytes(26)), chunk(b"fdAT", b"1234x")


@pytest.mark.parametrize(
    ("chunks", "count"),
    [
        ([IDAT, IDAT], 1),
        ([FCTL, IDAT, IDAT, FCTL, FDAT, FCTL, FDAT], 3),
        ([IDAT, IDAT, FCTL, FDAT, FCTL, FDAT], 3),
        ([FCTL, IDAT, FCTL[:6]], 1),
        ([], 1),
    ],
)
def test_pictures_of_a_png(chunks, count):
    assert png_frames(opened(frames.PNG_START, *chunks)) == count


def test_very_many_frames_are_refused(monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAMES", 1000)
    chain = [(WIDTH, 9, i + 1) for i in range(1000)]
    assert len(tiff_pages(opened(tiff([*chain[:-1], (WIDTH, 9, None)])))) == 1000
    for count, content in [
        (tiff_pages, tiff([*chain, (WIDTH, 9, None)])),
        (gif_frames, gif(*[PICTURE] * 1001)),
        (png_frames, frames.PNG_START + (FCTL + FDAT) * 1001),
    ]:
        assert error_of(count, opened(content)) == "more than 1,000 frames"


def test_a_gif_that_pillow_wrote():
    content, random = io.BytesIO(), np.random.default_rng(0)
    images = [Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)) for _ in range(7)]
    images[0].save(content, "GIF", save_all=True, append_images=images[1:], comment=b";,;,!" * 99)
    assert gif_frames(content) == (7, 600) and Image.open(content).n_frames == 7
