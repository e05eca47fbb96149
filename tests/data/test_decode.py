"""Images of every format and mode, upright, on white, in 8 bits; damaged ones, and in which words they are refused."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError
from support.image_files import encoded, noise, put
from support.sources import source_error

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.memory import Budget
from dcgan_tf.common.program import program
from dcgan_tf.data.decode import decode, image_size, is_image, size_and_channels, why_not_decoded
from dcgan_tf.data.decoding import eight_bits, pillow_file
from dcgan_tf.data.sources import open_source

# ---- formats and modes, read through a folder


@pytest.mark.parametrize("cache", [True, False])
def test_formats_are_told_by_content_not_by_name(folder, cache):
    pixels = noise(6, 9)
    put(folder / "a.jpg", pixels, format="PNG")
    put(folder / "b", pixels, format="BMP")
    put(folder / "c.dat", pixels, format="WEBP", lossless=True)
    put(folder / "d.PNG", pixels, format="TIFF")
    Image.fromarray(pixels).quantize(256).save(
        folder / "e.gif", save_all=True, append_images=[Image.new("RGB", (9, 6))]
    )
    (folder / "README.txt").write_text("BMW is no bitmap")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    source = open_source(str(folder), cache=cache)
    assert source.notes[:2] == ["5 images read", "2 other files ignored: README.txt, Thumbs.db"]
    assert source.notes[2:] == [
        "1 further frame left out: e.gif (1): --frames all takes them",
        "4 duplicates (b of a.jpg, c.dat of a.jpg, d.PNG of a.jpg, ...) among them: --drop-duplicates leaves them out, "
        f"{program()} inspect tells more",
    ]
    read = source.read(range(5))
    np.testing.assert_array_equal(read[:4], [pixels] * 4)
    assert np.abs(read[4].astype(int) - pixels).mean() < 25  # A GIF has 256 colours; its first frame counts.


MODES = {
    "L": (lambda: Image.new("L", (4, 4), 77), [77] * 3),
    "LA": (lambda: Image.new("LA", (4, 4), (77, 0)), [255] * 3),
    "RGBA": (lambda: Image.new("RGBA", (4, 4), (200, 100, 0, 128)), [227, 177, 127]),
    "1": (lambda: Image.new("1", (4, 4), 1), [255] * 3),
    "P": (lambda: Image.new("RGB", (4, 4), (200, 100, 0)).quantize(4), [200, 100, 0]),
    "I;16": (lambda: Image.fromarray(np.full((4, 4), 100 * 257 + 100, np.uint16)), [100] * 3),
}


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_png(folder, mode):
    make, expected = MODES[mode]
    image = make()
    assert image.mode == mode
    image.save(folder / "a.png")
    read = open_source(str(folder), channels=3).read([0])
    np.testing.assert_allclose(read[0], np.broadcast_to(np.uint8(expected), (4, 4, 3)), atol=1)


def test_transparent_palette_and_transparent_colour_become_white(folder):
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([200, 0, 0, 0, 200, 0])
    palette.putpixel((1, 0), 1)
    palette.save(folder / "a.png", transparency=0)
    Image.new("RGB", (4, 4), (9, 8, 7)).save(folder / "b.png", transparency=(9, 8, 7))
    read = open_source(str(folder)).read([0, 1])
    assert read[0, 0, 0].tolist() == [255] * 3 and read[0, 0, 1].tolist() == [0, 200, 0]
    assert read[1].min() == 255


def test_cmyk_jpeg(folder):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(folder / "red.jpg", quality=95)
    np.testing.assert_allclose(open_source(str(folder)).read([0])[0, 0, 0], [255, 0, 0], atol=6)


def test_value_range_of_sixteen_and_of_thirty_two_bits(folder):
    ramp = np.array([[0, 1000, 2000, 4000, 9000]] * 5)
    put(folder / "a.tif", ramp.astype(np.uint16))
    put(folder / "b.tif", ramp.astype(np.int32))
    put(folder / "c.tif", ramp.astype(np.float32))
    source = open_source(str(folder), value_range=(0, 4000))
    assert source.values == "0..4000 (given)" and source.image_shape == (5, 5, 1)
    for image in source.read([0, 1, 2]):
        assert image[0, :, 0].tolist() == [0, 64, 128, 255, 255]
    source = open_source(str(folder))
    assert source.notes[0] == (
        "1 image read, 2 skipped: b.tif (32-bit values: give --value-range LO HI), "
        "c.tif (32-bit values: give --value-range LO HI)"
    )
    assert source.read([0])[0, 0, :, 0].tolist() == [0, 16, 31, 62, 140]  # of 14 bits, 0..16383


def test_value_range_of_eight_bits(folder):
    put(folder / "a.png", np.array([[10, 20, 30, 40, 50]] * 5, np.uint8))
    assert open_source(str(folder), value_range=(10, 50)).read([0])[0, 0, :, 0].tolist() == [0, 64, 128, 191, 255]


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(folder, ending, orientation):
    # The image is stored in such a way that, turned as EXIF says, it is 16 wide and 8 high, its top left quarter bright.
    upright = np.zeros((8, 16), np.uint8)
    upright[:4, :8] = 240
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.T,
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].T,
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100} if ending == "jpg" else {"lossless": True} if ending == "webp" else {}
    Image.fromarray(np.ascontiguousarray(undo(upright))).save(folder / f"a.{ending}", exif=exif, **options)
    source = open_source(str(folder))
    assert source.image_shape == (8, 16, 1)
    np.testing.assert_allclose(source.read([0])[0, ..., 0], upright, atol=3)


def test_covers_the_size_and_keeps_the_centre(folder):
    wide = np.full((32, 96, 3), (250, 0, 0), np.uint8)
    wide[:, 32:64] = (0, 0, 250)
    put(folder / "wide.png", wide)
    put(folder / "tall.png", np.ascontiguousarray(wide.transpose(1, 0, 2)))
    put(folder / "small.png", np.full((8, 8, 3), (0, 0, 250), np.uint8))
    source = open_source(str(folder), size=(16, 16))
    centres = source.read([0, 1, 2])[:, 2:-2, 2:-2]
    np.testing.assert_allclose(centres, np.broadcast_to([0, 0, 250], centres.shape), atol=4)
    assert source.notes[1] == "3 sizes, shorter side 8 to 32, resized and cropped to 16x16; 1 image enlarged"


def test_large_jpeg_is_as_antialiased_as_without_the_shortcut(folder):
    smooth = np.asarray(Image.fromarray(noise(12, 18)).resize((1800, 1200), Image.Resampling.BICUBIC))
    put(folder / "large.jpg", smooth, quality=95)
    read = open_source(str(folder), size=(32, 32)).read([0])[0]
    with Image.open(folder / "large.jpg") as image:
        slow = image.crop((300, 0, 1500, 1200)).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.abs(read.astype(int) - np.asarray(slow)).mean() < 1.5


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # pytest replaces the filter that decode.py sets.
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "bmp", "tiff", "gif"])
def test_every_cut_and_flipped_byte_is_survived(folder, ending):
    put(folder / f"whole.{ending}", noise(24, 24))
    whole = (folder / f"whole.{ending}").read_bytes()
    random = np.random.default_rng(0)
    for i, length in enumerate(np.linspace(0, len(whole) - 1, 12).astype(int)):
        (folder / f"cut{i}.{ending}").write_bytes(whole[:length])
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 8):
            damaged[place] ^= 0xFF
        (folder / f"flipped{i}.{ending}").write_bytes(damaged)
    source = open_source(str(folder), size=(24, 24))
    assert 1 <= len(source) <= 25 and source.read(range(len(source))).shape[1:] == (24, 24, 3)


def test_decompression_bomb_is_skipped(folder, monkeypatch):
    put(folder / "small.png", noise(10, 10))
    put(folder / "bomb.png", noise(50, 50))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    source = open_source(str(folder), size=(10, 10))
    assert source.notes[0] == "1 image read, 1 skipped: bomb.png (more than 2,000 pixels)"


# ---- one image, as a file or as its content


def test_a_file_and_its_content_are_decoded_alike(tmp_path):
    pixels = noise(4, 6)
    put(tmp_path / "a.png", pixels)
    for given in (tmp_path / "a.png", (tmp_path / "a.png").read_bytes()):
        image, stored_size = decode(given, Fit((4, 6)), None)
        np.testing.assert_array_equal(image, pixels)
        assert image.dtype == np.uint8 and stored_size == (4, 6)


@pytest.mark.parametrize(
    ("mode", "kind", "channels"),
    [
        ("1", "PNG", 1),
        ("L", "PNG", 1),
        ("LA", "PNG", 1),
        ("I;16", "PNG", 1),
        ("F", "TIFF", 1),
        ("P", "PNG", 3),
        ("RGB", "PNG", 3),
        ("RGBA", "PNG", 3),
        ("CMYK", "JPEG", 3),
    ],
)
def test_size_and_channels_are_told_by_the_header(mode, kind, channels):
    content = io.BytesIO()
    Image.new(mode, (6, 4)).save(content, kind)
    assert size_and_channels(content.getvalue()) == ((4, 6), channels)


def test_sizes_are_those_of_the_upright_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # The image is stored lying on its side.
    content = encoded(noise(4, 6), "JPEG", exif=exif)
    (tmp_path / "a.jpg").write_bytes(content)
    assert size_and_channels(content) == ((6, 4), 3) and image_size(tmp_path / "a.jpg") == (6, 4)
    image, stored_size = decode(content, Fit((3, 2)), None)
    assert image.shape == (3, 2, 3) and stored_size == (6, 4)


def test_the_content_tells_an_image_not_the_name(tmp_path):
    put(tmp_path / "image.txt", noise(4, 6), format="PNG")
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    names = ["image.txt", "text.png", "empty.png", "missing.png"]
    assert [is_image(tmp_path / name) for name in names] == [True, False, False, False]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(bad):
    values = np.full((4, 4), 0.5, np.float32)
    assert decode(encoded(values, "TIFF"), Fit((4, 4)), (0, 1)).pixels[0, 0].tolist() == [
        128
    ]  # 127.5 is rounded to the even number.
    values[2, 1] = bad
    with pytest.raises(UserError, match="^holds NaN or infinity$"):
        decode(encoded(values, "TIFF"), Fit((4, 4)), (0, 1))


@pytest.mark.parametrize(
    ("error", "content", "words"),
    [
        (UserError("holds NaN or infinity"), b"x", "holds NaN or infinity"),
        (FileNotFoundError(2, "No such file or directory"), b"x", "missing"),
        (PermissionError(13, "Permission denied"), b"x", "permission denied"),
        (Image.DecompressionBombError("too large"), b"x", "more than 178,956,970 pixels"),
        (UnidentifiedImageError("cannot identify"), b"", "empty file"),
        (
            UnidentifiedImageError("cannot identify"),
            b"x",
            "not a readable JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM image",
        ),
        (OSError("image file is truncated (3 bytes not processed)"), b"x", "truncated"),
        (OSError("Truncated File Read"), b"x", "truncated"),
        (SyntaxError("broken PNG file"), b"x", "damaged: broken PNG file"),
        (ValueError("a\nb" + "c" * 100), b"x", "damaged: a\\nb" + "c" * 56),
        (ValueError(), b"x", "damaged"),
    ],
)
def test_why_an_image_could_not_be_decoded(error, content, words):
    assert why_not_decoded(error, content) == words


def test_an_empty_file_is_told_by_its_length(tmp_path):
    (tmp_path / "a.png").touch()
    assert why_not_decoded(UnidentifiedImageError("cannot identify"), tmp_path / "a.png") == "empty file"


# ---- memory


def test_a_large_image_is_converted_in_bands(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    transparent = Image.fromarray(noise(9, 8)).quantize(16)
    transparent.info["transparency"] = 3
    images = [
        (Image.fromarray(noise(9, 8).astype(np.uint16)[..., 0] * 200), None),
        (Image.fromarray(noise(9, 8, channels=4)), None),
        (Image.fromarray(noise(9, 8)), (10, 200)),
        (transparent, None),
    ]
    for image, value_range in images:
        image.save(path)
        monkeypatch.setattr(eight_bits, "BAND_PIXELS", 10**6)
        whole = decode(path, Fit((4, 4)), value_range).pixels
        monkeypatch.setattr(eight_bits, "BAND_PIXELS", 20)
        np.testing.assert_array_equal(decode(path, Fit((4, 4)), value_range).pixels, whole)


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize(
    ("image", "kind", "options", "expected"),
    [
        (lambda: Image.new("L", (10, 20)), "PNG", {}, 200),
        (lambda: Image.new("RGB", (10, 20)), "PNG", {}, 800),
        (lambda: Image.fromarray(np.zeros((20, 10), np.uint16)), "PNG", {}, 400 + 200),
        (lambda: Image.new("RGBA", (10, 20)), "PNG", {}, 800 + 800),
        (lambda: Image.new("RGB", (10, 20)), "JPEG", {"progressive": True}, 800 + 1200),
        (lambda: Image.new("RGB", (10, 20)), "JPEG", {"exif": exif(6)}, 800 + 800),
    ],
)
def test_what_decoding_takes_is_told_by_the_header(monkeypatch, image, kind, options, expected):
    content, taken = io.BytesIO(), []
    image().save(content, kind, **options)

    class Counted(Budget):
        def share(self, amount):
            taken.append(amount)
            return super().share(amount)

    monkeypatch.setattr(pillow_file, "memory", lambda: Counted(10))
    decode(content.getvalue(), Fit((20, 10)), None)
    assert taken == [expected]


def test_a_file_that_is_too_long_for_an_image(tmp_path):
    put(tmp_path / "a.png", noise(4, 4))
    os.truncate(tmp_path / "a.png", 2**31 + 1)  # A sparse file takes no room on the disk.
    assert source_error(tmp_path) == f"{tmp_path}: none of 1 image can be read: a.png (larger than 2.15 GB)"


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert not is_image(tmp_path / "a.png")
    with pytest.raises(OSError) as raised:
        decode(tmp_path / "a.png", Fit((4, 4)), None)
    assert why_not_decoded(raised.value, tmp_path / "a.png") == "not a regular file"
    assert why_not_decoded(UnidentifiedImageError(), tmp_path / "gone.png").startswith("not a readable JPEG")


@pytest.mark.parametrize("kind", [b"tEXt", b"iCCP", b"eXIf", b"zzZz"])
def test_long_metadata_is_not_loaded(tmp_path, kind):
    whole, path = encoded(noise(4, 4)), tmp_path / "a.png"
    after_header = 8 + 25
    path.write_bytes(whole[:after_header] + struct.pack(">I4s", 300_000_000, kind))
    assert source_error(tmp_path) == f"{tmp_path}: none of 1 image can be read: a.png (metadata of 300 MB)"
    content = b"k\0" + bytes(1000)
    chunk = struct.pack(">I4s", len(content), b"tEXt") + content + struct.pack(">I", zlib.crc32(b"tEXt" + content))
    path.write_bytes(whole[:after_header] + chunk + whole[after_header:])
    assert open_source(str(tmp_path)).image_shape == (4, 4, 3)
