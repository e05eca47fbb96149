"""Lists of images: which lines count, where their paths lead from, in which order."""

import os

import numpy as np
import pytest
from support.image_files import cached_files, noise, put
from support.sources import source_error

from dcgan_tf.common.errors import UserError
from dcgan_tf.data.files.listed import list_text
from dcgan_tf.data.places import find_place
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture
def images(tmp_path):
    for i in range(4):
        put(tmp_path / f"set/{'ab'[i % 2]}/{i}.png", noise(8, 8, i))
    return [noise(8, 8, i) for i in range(4)]


def test_paths_are_meant_from_the_folder_of_the_list_or_whole(images, tmp_path):
    lines = ["# chosen by hand", "b/3.png", "", f"{tmp_path}/set/a/0.png", "b/3.png", "  a/2.png  "]
    (tmp_path / "set/clean.txt").write_bytes("\r\n".join(lines).encode())
    for data in ("@set/clean.txt", f"@{tmp_path}/set/clean.txt"):
        source = open_source(data)
        assert source.name == find_place(data).name == "clean"
        assert source.names == ["b/3.png", f"{tmp_path}/set/a/0.png", "a/2.png"]  # in its order, each once
        assert source.labels.tolist() == [1, 0, 0] and source.class_names == ["a", "b"]
        np.testing.assert_array_equal(source.read([0, 1, 2]), [images[3], images[0], images[2]])


def test_a_list_below_data_and_one_at_home(images, tmp_path, monkeypatch):
    os.makedirs("data/set")
    put(tmp_path / "data/set/x.png", noise(8, 8))
    (tmp_path / "data/few.txt").write_text("set/x.png")
    assert len(open_source("@few.txt")) == 1
    monkeypatch.setenv("HOME", str(tmp_path / "set"))
    (tmp_path / "set/mine.txt").write_text("a/0.png\na/2.png")
    assert len(open_source("@~/mine.txt")) == 2


def test_a_changed_list_or_image_is_read_anew(images, tmp_path):
    (tmp_path / "some.txt").write_text("set/a/0.png\nset/b/1.png")
    assert open_source("@some.txt").read([1])[0].tolist() == images[1].tolist()
    before = cached_files()
    open_source("@some.txt")
    assert cached_files() == before
    put(tmp_path / "set/b/1.png", noise(8, 8, 7))
    assert open_source("@some.txt").read([1])[0].tolist() == noise(8, 8, 7).tolist()
    (tmp_path / "some.txt").write_text("set/a/0.png")
    assert len(open_source("@some.txt")) == 1


def test_what_cannot_be_read_is_skipped_and_named(images, tmp_path):
    (tmp_path / "some.txt").write_text("set/a/0.png\ngone.png\nset\nset/some.txt")
    (tmp_path / "set/some.txt").write_text("words")
    assert open_source("@some.txt").notes == [
        "1 image read, 3 skipped: gone.png (missing), set (Is a directory), "
        "set/some.txt (not a readable JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM image)"
    ]


def test_lists_that_are_none(tmp_path):
    assert source_error("@gone.txt") == "gone.txt cannot be read: No such file or directory"
    (tmp_path / "none.txt").write_text("\n# only words\n")
    assert source_error("@none.txt") == "none.txt lists no images: it must have a path of an image on each line"
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\0\0")
    assert source_error("@picture.txt") == (
        "picture.txt is no list: it must be a text with a path of an image on each line"
    )
    os.mkfifo("pipe.txt")
    assert source_error("@pipe.txt") == "pipe.txt cannot be read: not a regular file"
    assert source_error("@.") == ". cannot be read: Is a directory"


def test_a_folder_whose_name_begins_with_the_mark(tmp_path):
    put(tmp_path / "@home/a.png", noise(8, 8))
    assert open_source("@home").names == ["a.png"]


def test_a_list_that_is_written_reads_the_same_images(images, tmp_path):
    os.mkdir("lists")
    source = open_source("set")
    paths = [os.path.join(source.home, name) for name in source.names]
    for folder in ("lists", "set", "."):
        (tmp_path / folder / "all.txt").write_bytes(list_text(paths, folder, "all of\nset"))
        again = open_source(f"@{folder}/all.txt")
        assert again.fingerprint == source.fingerprint and again.class_names == source.class_names
    assert (tmp_path / "set/all.txt").read_text().splitlines()[:2] == ["# all of\\nset", "a/0.png"]
    assert (tmp_path / "lists/all.txt").read_text().splitlines()[1] == f"{tmp_path}/set/a/0.png"
    for name in ("#a.png", " a.png", "a\n.png"):
        with pytest.raises(UserError, match="has a name that no list can hold: rename it"):
            list_text([name], ".", "x")
