"""Folders of images: which files are images, in which order, what is skipped, grey or colour, classes, any file name."""

import errno
import os
import shutil

import numpy as np
import pytest
from support.helpers import error_of
from support.image_files import cached_files, noise, put
from support.python_process import run_python
from support.sources import source_error

from dcgan_tf.data import decode
from dcgan_tf.data.files import survey
from dcgan_tf.data.sources import open_source

# ---- which files, in which order


def test_images_of_one_size_are_read_as_they_are_in_path_order(folder):
    images = {"b.png": noise(6, 9, 1), "a/z.bmp": noise(6, 9, 2), "B.PNG": noise(6, 9, 3), "é.tiff": noise(6, 9, 4)}
    for name, pixels in images.items():
        put(folder / name, pixels)
    source = open_source(str(folder))
    assert (source.name, len(source), source.image_shape) == ("set", 4, (6, 9, 3))
    assert source.values == "uint8 0..255" and source.notes == ["4 images read"]
    for opened in (source, open_source(str(folder)), open_source(str(folder), cache=False)):
        assert opened.names == ["B.PNG", "a/z.bmp", "b.png", "é.tiff"]
    expected = [images[name] for name in ("B.PNG", "a/z.bmp", "b.png", "é.tiff")]  # Names are sorted by their bytes.
    np.testing.assert_array_equal(source.read([0, 1, 2, 3]), expected)
    np.testing.assert_array_equal(source.read([3, 0]), [expected[3], expected[0]])


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
    dot[4, 4] = (90, 103, 90)  # One pixel of 64 is 13 levels off.
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
        "c_rubbish.png (not a readable JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM image), ..."
    )


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
    assert source_error(folder) == (
        f"{folder} holds images of 3 sizes (shorter side: smallest 20, median 20): choose one, such as --image-size 20"
    )
    assert cached_files() == []


def test_a_size_is_chosen_where_there_are_many(folder):
    for i, (height, width) in enumerate([(20, 30), (44, 25), (50, 50), (30, 23), (9, 90)]):
        put(folder / f"{i}.png", noise(height, width))
    # The median of 20, 25, 50, 23, 9 is 23; nets like multiples of 4.
    source = open_source(str(folder), max_chosen_side=64)
    assert (source.image_shape, source.size_is_chosen, source.headroom) == ((20, 20, 3), True, 23 / 20)
    assert open_source(str(folder), max_chosen_side=16).image_shape == (16, 16, 3)
    # The same size, asked for, is in the cache already.
    before = cached_files()
    asked = open_source(str(folder), size=(20, 20))
    assert (asked.size_is_chosen, asked.headroom, cached_files()) == (False, 23 / 20, before)


def test_images_of_one_size_keep_it_unless_it_is_large(folder):
    for i in range(2):
        put(folder / f"{i}.png", noise(40, 90))
    source = open_source(str(folder), max_chosen_side=16)
    assert (source.image_shape, source.size_is_chosen, source.headroom) == ((40, 90, 3), False, 1.0)
    for i in range(2):
        put(folder / f"{i}.png", noise(300, 280))
    for in_cache in (False, True):
        assert open_source(str(folder)).image_shape == (300, 280, 3), in_cache
        assert open_source(str(folder), max_chosen_side=16).image_shape == (16, 16, 3), in_cache


def test_folders_without_images(folder):
    kinds = "JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM"
    assert source_error(folder) == f"{folder} holds no images ({kinds}), no files at all"
    (folder / "notes.txt").write_text("hello")
    assert source_error(folder) == f"{folder} holds no images ({kinds}), only notes.txt"
    (folder / "a.png").touch()
    assert source_error(folder) == f"{folder}: none of 1 image can be read: a.png (empty file)"
    assert cached_files() == []


def test_a_folder_that_may_not_be_listed(folder, monkeypatch):
    def refuse(path, **options):
        options["onerror"](PermissionError(13, "Permission denied", str(path)))
        yield

    monkeypatch.setattr(os, "walk", refuse)
    assert source_error(folder) == f"{folder} cannot be read: permission denied"


# ---- classes


def test_class_folders_become_labels(folder):
    for i, name in enumerate(["Training/glioma/a", "Training/none/b", "Testing/glioma/c", "Testing/pituitary/d"]):
        put(folder / f"{name}.png", noise(8, 8, i))
    source = open_source(str(folder))
    assert source.class_names == ["glioma", "none", "pituitary"]
    assert source.labels.tolist() == [0, 2, 0, 1]  # Images of Testing come first, sorted by path.
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


# ---- names of files


@pytest.mark.parametrize("environment", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_any_file_name_in_any_locale(folder, environment):
    put(folder / "a" / "x.png", noise(8, 8))
    try:
        for name in map(os.fsdecode, ("山水465.png", b"caf\xe9 \xff.png")):
            shutil.copy(folder / "a" / "x.png", folder / name)
            (folder / ("bad" + name)).write_bytes(b"rubbish")
            (folder / name.replace(".png", "")).mkdir()
            shutil.copy(folder / "a" / "x.png", folder / name.replace(".png", "") / "y.png")
    except OSError as error:
        pytest.skip(f"this disk refuses such names: {error}")
    code = (
        "import sys; from dcgan_tf.data.sources import open_source; s = open_source(sys.argv[1], size=(64, 64)); "
        "from dcgan_tf.common.errors import printable; print(len(s), ascii(s.notes), s.fingerprint)"
    )
    for _ in range(2):  # The first time decodes, the second reads the cache.
        process = run_python(code, str(folder), LC_ALL="C", **environment)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert output.startswith("5 [") and "2 skipped" in output
    # The fingerprint shows that the order of the images is the same in that locale and in this one.
    assert output.split()[-1] == open_source(str(folder), size=(64, 64)).fingerprint


# ---- real sets


def test_real_mri(real_data):
    source = open_source(str(real_data / "mri"), size=(96, 96))
    assert len(source) == 3000 and source.image_shape == (96, 96, 1)
    assert source.class_names == ["glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor"]
    assert source.notes[0] == "3,000 images read"
    assert 25 < source.read(range(0, 3000, 10)).mean() < 80


def test_real_mri_as_found(real_data):
    assert "holds images of 184 sizes (shorter side: smallest 150, " in source_error(real_data / "mri-native")
    source = open_source(str(real_data / "mri-native"), size=(96, 96), channels=1)
    assert len(source) == 253 and source.class_names == ["no", "yes"]
    source = open_source(str(real_data / "mri-native"), size=(96, 96))
    assert source.image_shape == (96, 96, 3) and "only 9 of 253 images have colour" in source.notes[2]


def test_real_paintings(real_data):
    source = open_source(str(real_data / "paintings"), size=(32, 32))
    assert len(source) == 1610 and source.image_shape == (32, 32, 3)
    assert source.class_names == ["bobross", "chinese-landscape", "vangogh"]


def test_pipes_and_devices_among_images_are_skipped_and_named(folder):
    put(folder / "a.png", noise(4, 4))
    os.mkfifo(folder / "b.png")
    (folder / "c.png").symlink_to("/dev/zero")
    (folder / "d.png").symlink_to("d.png")
    os.mkfifo(folder / "pipe")
    put(folder / "e\x1b[2J\n.png", noise(4, 4, 1))
    assert open_source(str(folder)).notes == [
        "2 images read, 3 skipped: b.png (not a regular file), c.png (not a regular file), "
        "d.png (Too many levels of symbolic links)",
        "1 other file ignored: pipe",
    ]
    (folder / "a.png").unlink()
    (folder / "e\x1b[2J\n.png").write_bytes(b"")
    assert source_error(folder).endswith("d.png (Too many levels of symbolic links), ...")


def test_a_disk_that_fails_is_no_damaged_image_and_is_not_remembered(folder, monkeypatch):
    for i in range(3):
        put(folder / f"{i}.png", noise(8, 8, i))

    def failing(path, *args, **options):
        if path.endswith("1.png"):
            raise OSError(errno.EIO, "Input/output error")
        return decode.decode_first(path, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(survey, "decode_first", failing)
        assert error_of(open_source, str(folder), size=(8, 8)) == (
            f"{folder / '1.png'} cannot be read: Input/output error: check the disk, and run the same command again"
        )
    assert len(open_source(str(folder), size=(8, 8))) == 3


def test_an_image_counts_once_it_may_be_read(folder, monkeypatch):
    for i in range(3):
        put(folder / f"{i}.png", noise(8, 8, i))
    opened, allowed = decode._open, os.access

    def refusing(path):
        if str(path).endswith("1.png"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path)

    with monkeypatch.context() as patch:
        patch.setattr(decode, "_open", refusing)
        patch.setattr(os, "access", lambda path, mode: not path.endswith("1.png") and allowed(path, mode))
        assert len(open_source(str(folder), size=(8, 8))) == 2
    assert len(open_source(str(folder), size=(8, 8))) == 3
