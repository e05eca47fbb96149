"""Folders of images: every format and mode, what is skipped, classes, the cache."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import helpers

from dcgan_tf.common.errors import UserError
from dcgan_tf.data import cache as cache_module
from dcgan_tf.data import folders
from dcgan_tf.data.sources import open_source


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "set"
    path.mkdir()
    return path


def noise(height, width, seed=0, channels=3):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def put(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def error_of(data, **wanted):
    return helpers.error_of(open_source, str(data), **wanted)


def cached_files():
    home = Path(os.environ["DCGAN_TF_CACHE"])
    return sorted(home.iterdir()) if home.exists() else []


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files decoded so far."""
    names = []

    def counted(path, *args, real=folders.decode):
        names.append(os.path.basename(path))
        return real(path, *args)

    monkeypatch.setattr(folders, "decode", counted)
    return names


# ---- pixels


def test_images_of_one_size_are_read_as_they_are_in_path_order(folder):
    images = {"b.png": noise(6, 9, 1), "a/z.bmp": noise(6, 9, 2), "B.PNG": noise(6, 9, 3), "é.tiff": noise(6, 9, 4)}
    for name, pixels in images.items():
        put(folder / name, pixels)
    source = open_source(str(folder))
    assert (source.name, len(source), source.image_shape) == ("set", 4, (6, 9, 3))
    assert source.values == "uint8 0..255" and source.notes == ["4 images read"]
    expected = [images[name] for name in ("B.PNG", "a/z.bmp", "b.png", "é.tiff")]  # by bytes
    np.testing.assert_array_equal(source.read([0, 1, 2, 3]), expected)
    np.testing.assert_array_equal(source.read([3, 0]), [expected[3], expected[0]])


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
    assert source.notes == ["5 images read", "2 other files ignored: README.txt, Thumbs.db"]
    read = source.read(range(5))
    np.testing.assert_array_equal(read[:4], [pixels] * 4)
    assert np.abs(read[4].astype(int) - pixels).mean() < 25  # 256 colours, first frame


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
    assert source.read([0])[0, 0, :, 0].tolist() == [0, 4, 8, 16, 35]  # value / 257


def test_value_range_of_eight_bits(folder):
    put(folder / "a.png", np.array([[10, 20, 30, 40, 50]] * 5, np.uint8))
    assert open_source(str(folder), value_range=(10, 50)).read([0])[0, 0, :, 0].tolist() == [0, 64, 128, 191, 255]


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(folder, ending, orientation):
    # Stored so that, turned as EXIF says, the upright image is 16 wide and 8 high with a bright top left quarter.
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


# ---- grey or colour


def test_grey_content_is_one_channel(folder):
    grey = noise(32, 32, channels=1)
    put(folder / "a.jpg", np.stack([grey] * 3, axis=-1))
    put(folder / "b.png", np.stack([grey] * 3, axis=-1))
    source = open_source(str(folder))
    assert source.image_shape == (32, 32, 1) and source.notes == ["2 images read", "grey in content: one channel"]
    np.testing.assert_array_equal(source.read([1])[0, ..., 0], grey)
    assert open_source(str(folder), channels=3).image_shape == (32, 32, 3)


def test_one_coloured_image_keeps_the_set_in_colour(folder):
    for name in "abc":
        put(folder / f"{name}.png", noise(8, 8, channels=1))
    dot = np.full((8, 8, 3), 90, np.uint8)
    dot[4, 4] = (90, 103, 90)  # one pixel of 64, 13 levels off
    put(folder / "d.png", dot)
    source = open_source(str(folder))
    assert source.image_shape == (8, 8, 3)
    assert source.notes[1] == "three channels, though only 1 of 4 images have colour: d.png"
    np.testing.assert_array_equal(source.read([3])[0], dot)
    source = open_source(str(folder), channels=1)
    assert source.image_shape == (8, 8, 1) and source.notes[1] == "1 image in colour turned to grey"


# ---- what is skipped, what is refused


@pytest.mark.parametrize("cache", [True, False])
def test_damaged_files_are_skipped_and_named(folder, cache):
    put(folder / "good.jpg", noise(40, 40))
    whole = (folder / "good.jpg").read_bytes()
    (folder / "a_cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "b_empty.png").touch()
    (folder / "c_rubbish.png").write_bytes(bytes(noise(1, 99)))
    (folder / "d_link.jpg").symlink_to(folder / "nowhere.jpg")
    source = open_source(str(folder), cache=cache)
    assert len(source) == 1
    assert source.notes[0] == (
        "1 image read, 4 skipped: a_cut.jpg (truncated), b_empty.png (empty file), "
        "c_rubbish.png (not a readable JPEG, PNG, WebP, BMP, TIFF or GIF image), ..."
    )


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # pytest undoes the filter of decode.py
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


def test_hidden_files_and_folders_are_passed_over(folder):
    put(folder / "a.png", noise(8, 8))
    for name in (".hidden.png", ".git/b.png", "__MACOSX/c.png", "__MACOSX/._d.png"):
        put(folder / name, noise(9, 9))
    assert open_source(str(folder)).notes == ["1 image read"]


def test_links_to_folders_are_followed_but_not_round_and_round(folder):
    put(folder / "one/a.png", noise(8, 8))
    (folder / "one/loop").symlink_to(folder, target_is_directory=True)
    (folder / "two").symlink_to(folder / "one", target_is_directory=True)
    outside = folder.parent / "outside"
    put(outside / "b.png", noise(8, 8, 1))
    (folder / "three").symlink_to(outside, target_is_directory=True)
    source = open_source(str(folder))
    assert len(source) == 2 and source.class_names == ["one", "three"]


def test_many_sizes_need_a_wanted_one(folder):
    for i, (height, width) in enumerate([(20, 30), (40, 25), (50, 50), (20, 30)]):
        put(folder / f"{i}.png", noise(height, width))
    assert error_of(folder) == (
        f"{folder} holds images of 3 sizes (shorter side: smallest 20, median 20): "
        "choose one with --image-size H W or --preset NAME"
    )
    assert cached_files() == []


def test_folders_without_images(folder):
    kinds = "JPEG, PNG, WebP, BMP, TIFF or GIF"
    assert error_of(folder) == f"{folder} holds no images ({kinds}), no files at all"
    (folder / "notes.txt").write_text("hello")
    assert error_of(folder) == f"{folder} holds no images ({kinds}), only notes.txt"
    (folder / "a.png").touch()
    assert error_of(folder) == f"{folder}: none of 1 image can be read: a.png (empty file)"
    assert cached_files() == []


def test_a_folder_that_may_not_be_listed(folder, monkeypatch):
    def refuse(path, **options):
        options["onerror"](PermissionError(13, "Permission denied", str(path)))
        yield

    monkeypatch.setattr(os, "walk", refuse)
    assert error_of(folder) == f"{folder} cannot be read: permission denied"


# ---- classes


def test_class_folders_become_labels(folder):
    for i, name in enumerate(["Training/glioma/a", "Training/none/b", "Testing/glioma/c", "Testing/pituitary/d"]):
        put(folder / f"{name}.png", noise(8, 8, i))
    source = open_source(str(folder))
    assert source.class_names == ["glioma", "none", "pituitary"]
    assert source.labels.tolist() == [0, 2, 0, 1]  # Testing comes first
    assert source.labels.dtype == np.int64


def test_no_classes_in_one_folder_nor_with_images_in_the_root(folder):
    put(folder / "only/a.png", noise(8, 8))
    put(folder / "only/b.png", noise(8, 8))
    assert open_source(str(folder)).labels is None
    put(folder / "other/c.png", noise(8, 8))
    assert open_source(str(folder)).labels.tolist() == [0, 0, 1]
    put(folder / "root.png", noise(8, 8))
    source = open_source(str(folder))
    assert source.labels is None and source.class_names is None


# ---- the cache


def test_decoded_once(folder, decoded, capsys):
    for i in range(5):
        put(folder / f"class{i % 2}/{i}.png", noise(8, 8, i))
    first = open_source(str(folder))
    assert len(decoded) == 5 and capsys.readouterr().err == "decoding 5 images ...\n"
    second = open_source(str(folder))
    assert len(decoded) == 5 and capsys.readouterr().err == ""
    np.testing.assert_array_equal(first.read(range(5)), second.read(range(5)))
    for fact in ("image_shape", "class_names", "notes", "values", "fingerprint"):
        assert getattr(first, fact) == getattr(second, fact)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert [path.suffix for path in cached_files()] == [".npy", ".json"]


def test_each_wanted_shape_has_its_own(folder, decoded):
    put(folder / "a.png", noise(8, 8))
    wanted = [{}, {"size": (4, 4)}, {"channels": 1}, {"value_range": (0, 100)}, {"size": [4, 4]}]
    shapes = [open_source(str(folder), **one).image_shape for one in wanted]
    assert shapes == [(8, 8, 3), (4, 4, 3), (8, 8, 1), (8, 8, 3), (4, 4, 3)]
    assert len(decoded) == 4 and len(cached_files()) == 8


def add(folder):
    put(folder / "new.png", noise(8, 8, 9))


def remove(folder):
    (folder / "b.png").unlink()


def change(folder):
    put(folder / "b.png", noise(8, 8, 9))


def touch(folder):
    os.utime(folder / "b.png", ns=(0, 1))


def rename(folder):
    (folder / "b.png").rename(folder / "Z.png")


@pytest.mark.parametrize("edit", [add, remove, change, touch, rename])
def test_decoded_again_when_the_folder_changes_and_the_old_one_goes(folder, decoded, edit):
    for i, name in enumerate("abc"):
        put(folder / f"{name}.png", noise(8, 8, i))
    before = open_source(str(folder))
    old_pixels = before.read(range(3))
    edit(folder)
    after = open_source(str(folder))
    count = len(list(folder.iterdir()))
    assert len(after) == count and len(decoded) == 3 + count and len(cached_files()) == 2
    assert (after.fingerprint == before.fingerprint) == (edit is touch)
    np.testing.assert_array_equal(before.read(range(3)), old_pixels)  # a run that goes on keeps its images


def test_a_moved_folder_is_still_the_same_images(folder):
    for i in range(3):
        put(folder / f"{i}.png", noise(8, 8, i))
    fingerprint = open_source(str(folder)).fingerprint
    shutil.copytree(folder, folder.with_name("copy"), copy_function=shutil.copyfile)
    assert open_source(str(folder.with_name("copy"))).fingerprint == fingerprint


@pytest.mark.parametrize("grey", [False, True])
def test_without_cache_nothing_is_written_and_all_is_the_same(folder, grey):
    for i in range(4):
        put(folder / f"{i % 2}/{i}.jpg", noise(30, 20, i, channels=1 if grey else 3))
    (folder / "0/bad.jpg").write_bytes(b"no image")
    before = sorted(folder.parent.rglob("*"))
    dry = open_source(str(folder), size=(8, 8), cache=False)
    pixels = dry.read([3, 0, 2, 1])
    assert cached_files() == [] and sorted(folder.parent.rglob("*")) == before
    real = open_source(str(folder), size=(8, 8))
    assert dry.image_shape == real.image_shape == (8, 8, 1 if grey else 3)
    assert dry.notes == real.notes and dry.class_names == real.class_names and dry.fingerprint == real.fingerprint
    np.testing.assert_array_equal(dry.labels, real.labels)
    np.testing.assert_array_equal(real.read([3, 0, 2, 1]), pixels)


def test_without_cache_a_file_that_vanishes_is_named(folder):
    put(folder / "a.png", noise(8, 8))
    source = open_source(str(folder), cache=False)
    (folder / "a.png").unlink()
    with pytest.raises(UserError) as caught:
        source.read([0])
    assert str(caught.value) == f"{folder / 'a.png'} cannot be read any more: missing"


def cut(path):
    path.write_bytes(path.read_bytes()[:-7])


def swap(path):
    np.save(path, np.zeros((2, 8, 8, 1), np.uint8))


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".npy", cut),
        (".npy", Path.unlink),
        (".npy", swap),
        (".npy", lambda path: path.write_bytes(b"")),
        (".json", cut),
        (".json", lambda path: path.write_text("[]")),
        (".json", lambda path: path.write_text('{"stamp": 1}')),
        (".json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    ],
)
def test_a_damaged_cache_is_made_again(folder, decoded, suffix, damage):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    damage(next(path for path in cached_files() if path.suffix == suffix))
    np.testing.assert_array_equal(open_source(str(folder)).read([0])[0], noise(8, 8))
    assert len(decoded) == 2
    open_source(str(folder))
    assert len(decoded) == 2


def test_a_cache_that_cannot_be_written(folder, monkeypatch, capsys):
    put(folder / "a.png", noise(8, 8))
    home = folder.parent / "file"
    home.write_text("in the way")
    monkeypatch.setenv("DCGAN_TF_CACHE", str(home))
    assert error_of(folder) == (
        f"the decoded images cannot be kept in {home} (File exists): set DCGAN_TF_CACHE to a folder with free space"
    )
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_or_read_only_disk(folder, monkeypatch, code):
    put(folder / "a.png", noise(8, 8))

    def fail(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(cache_module, "_write_header", fail)
    assert error_of(folder) == (
        f"the decoded images cannot be kept in {os.environ['DCGAN_TF_CACHE']} ({os.strerror(code)}): "
        "set DCGAN_TF_CACHE to a folder with free space"
    )
    assert cached_files() == []


def test_leftovers_of_killed_processes_go_but_not_those_of_living_ones(folder):
    put(folder / "a.png", noise(8, 8))
    home = Path(os.environ["DCGAN_TF_CACHE"])
    home.mkdir(exist_ok=True)
    old, new = home / ".x.1.part.npy", home / ".y.2.part.npy"
    old.touch(), new.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    open_source(str(folder))
    assert not old.exists() and new.exists()


def run_python(code, *arguments, **environment):
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": path} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


OPEN = "import sys; from dcgan_tf.data.sources import open_source; s = open_source(sys.argv[1], size=(64, 64)); "


def test_two_processes_at_once(folder):
    for i in range(200):
        put(folder / f"{i:03}.jpg", noise(64, 64, i))
    both = [run_python(OPEN + "print(len(s), s.fingerprint)", str(folder)) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0] and outputs[0][0].startswith("200 ")
    assert len(cached_files()) == 2


def test_interrupted_leaves_nothing_behind(folder):
    put(folder / "0.jpg", noise(400, 400))
    for i in range(1, 3000):
        os.link(folder / "0.jpg", folder / f"{i}.jpg")
    process = run_python(OPEN, str(folder))
    assert process.stderr.readline() == "decoding 3,000 images ...\n"
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.communicate(timeout=30)
    assert time.monotonic() - started < 3 and process.returncode != 0
    assert cached_files() == []


@pytest.mark.parametrize("name", ["山水465.png", b"caf\xe9 \xff.png"])
@pytest.mark.parametrize("environment", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_any_file_name_in_any_locale(folder, name, environment):
    name = os.fsdecode(name)
    put(folder / "a" / "x.png", noise(8, 8))
    try:
        shutil.copy(folder / "a" / "x.png", folder / name)
        (folder / ("bad" + name)).write_bytes(b"rubbish")
        (folder / name.replace(".png", "")).mkdir()
        shutil.copy(folder / "a" / "x.png", folder / name.replace(".png", "") / "y.png")
    except OSError as error:
        pytest.skip(f"this disk refuses such names: {error}")
    code = OPEN + "from dcgan_tf.common.errors import printable; print(len(s), ascii(s.notes), s.fingerprint)"
    for _ in range(2):  # decoded, then from the cache
        process = run_python(code, str(folder), LC_ALL="C", **environment)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert output.startswith("3 [") and "1 skipped" in output
    # The same order, and so the same images, as here.
    assert output.split()[-1] == open_source(str(folder), size=(64, 64)).fingerprint


# ---- real sets


def test_real_mri(real_data):
    source = open_source(str(real_data / "mri"), size=(96, 96))
    assert len(source) == 3000 and source.image_shape == (96, 96, 1)
    assert source.class_names == ["glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor"]
    assert source.notes[0] == "3,000 images read"
    assert 25 < source.read(range(0, 3000, 10)).mean() < 80


def test_real_mri_as_found(real_data):
    assert "holds images of 184 sizes (shorter side: smallest 150, " in error_of(real_data / "mri-native")
    source = open_source(str(real_data / "mri-native"), size=(96, 96), channels=1)
    assert len(source) == 253 and source.class_names == ["no", "yes"]
    source = open_source(str(real_data / "mri-native"), size=(96, 96))
    assert source.image_shape == (96, 96, 3) and "only 9 of 253 images have colour" in source.notes[2]


def test_real_paintings(real_data):
    source = open_source(str(real_data / "paintings"), size=(32, 32))
    assert len(source) == 1610 and source.image_shape == (32, 32, 3)
    assert source.class_names == ["bobross", "chinese-landscape", "vangogh"]


def test_json_of_the_cache_is_small_and_plain(folder):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    entry = json.loads(next(path for path in cached_files() if path.suffix == ".json").read_text())
    assert set(entry) == {"stamp", "facts"}
    assert set(entry["facts"]) == {"count", "image_shape", "labels", "class_names", "notes"}
