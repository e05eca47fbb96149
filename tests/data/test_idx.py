"""IDX files: what is one, plain and gzipped, with labels beside; wrong lengths, damage and other numbers are one line."""

import gzip
import math
import os
import struct

import numpy as np
import pytest
from support import helpers
from support.idx import idx_bytes
from support.sources import source_error

from dcgan_tf.data.idx import idx_source, is_idx, read_idx, training_images
from dcgan_tf.data.rows import Rows
from dcgan_tf.data.source import Wanted
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_file_with_labels_beside(tmp_path, pack):
    images, labels = noise(6, 7, 5), np.array([3, 1, 4, 1, 5, 9], np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(pack(idx_bytes(images)))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    source = open_source("t10k-images-idx3-ubyte")
    assert source.image_shape == (7, 5, 1) and source.values == "uint8 0..255" and source.notes == []
    np.testing.assert_array_equal(source.read([5, 0])[..., 0], images[[5, 0]])
    assert source.labels.tolist() == labels.tolist()


def test_idx_folder_takes_the_training_images(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/t10k-images-idx3-ubyte").write_bytes(idx_bytes(noise(2, 5, 5)))
    (tmp_path / "set/train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(noise(4, 5, 5))))
    (tmp_path / "set/train-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(4, dtype=np.uint8)))
    source = open_source("set")
    assert len(source) == 4 and source.labels.tolist() == [0, 1, 2, 3]


def test_idx_labels_that_do_not_fit_are_noted(tmp_path):
    (tmp_path / "images").write_bytes(idx_bytes(noise(4, 5, 5)))
    (tmp_path / "labels").write_bytes(idx_bytes(np.arange(3, dtype=np.uint8)))
    source = open_source("images")
    assert source.labels is None
    assert source.notes == ["labels ignored: labels has 3 labels for 4 images"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_of_a_wrong_length(tmp_path, pack):
    whole = idx_bytes(noise(4, 5, 5))
    path = tmp_path / "images"
    path.write_bytes(pack(whole[:-1]))
    assert source_error("images") == "images is damaged: it holds 99 of the 100 bytes that its header says"
    path.write_bytes(pack(whole + b"\0\0"))
    assert source_error("images") == "images is damaged: it holds more than the 100 bytes that its header says"
    path.write_bytes(pack(whole[:9]))
    assert source_error("images") == "images is damaged (the header is cut off): download or copy it again"
    path.write_bytes(pack(idx_bytes(noise(0, 5, 5))))
    assert source_error("images") == "images has the shape [0, 5, 5]: there are no images in it"


def test_truncated_and_foreign_gz(tmp_path):
    whole = gzip.compress(idx_bytes(noise(40, 5, 5)))
    (tmp_path / "images.gz").write_bytes(whole[: len(whole) // 2])
    expected = (
        "images.gz is damaged (Compressed file ended before the end-of-stream marker was reached): "
        "download or copy it again"
    )
    assert source_error("images.gz") == expected
    (tmp_path / "images.gz").write_bytes(whole[:100] + b"\xff" * 50 + whole[150:])
    assert source_error("images.gz").startswith("images.gz is damaged (")
    (tmp_path / "other.gz").write_bytes(gzip.compress(b"\x93NUMPY..."))
    assert source_error("other.gz") == "other.gz is no gzipped IDX file: unpack it and give what is inside"


def test_idx_of_labels_and_of_floats(tmp_path):
    (tmp_path / "labels").write_bytes(idx_bytes(np.arange(30, dtype=np.uint8)))
    assert source_error("labels") == "labels holds 30 labels, no images: give the file of the images"
    (tmp_path / "floats").write_bytes(idx_bytes(np.zeros((2, 5, 5), ">f4"), kind=0x0D))
    assert source_error("floats") == "floats is an IDX file of float32, only uint8 is read: save it as .npy"


# ---- files by themselves


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\0\0\x08\x03", True),
        (b"\0\0\x0d\x01", True),
        (b"\0\0\x0e\x04", True),
        (b"\0\0\x08\x00", False),
        (b"\0\0\x08\x05", False),
        (b"\0\0\x0a\x03", False),
        (b"\0\1\x08\x03", False),
        (b"\1\0\x08\x03", False),
        (b"\0\0\x08", False),
        (b"", False),
    ],
)
def test_a_header_is_two_zeros_a_type_and_one_to_four_axes(head, expected):
    assert is_idx(head) == expected


def test_a_plain_file_is_read_by_rows_all_else_in_memory(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    (tmp_path / "plain").write_bytes(idx_bytes(array))
    (tmp_path / "zipped").write_bytes(gzip.compress(idx_bytes(array)))
    (tmp_path / "labels").write_bytes(idx_bytes(array[:, 0, 0]))
    rows, in_memory, labels = (read_idx(tmp_path / name) for name in ("plain", "zipped", "labels"))
    assert isinstance(rows, Rows) and rows.shape == (4, 3, 2)
    assert rows[np.array([3, 1])].tolist() == [[[18, 19], [20, 21], [22, 23]], [[6, 7], [8, 9], [10, 11]]]
    np.testing.assert_array_equal(in_memory, array)
    assert isinstance(labels, np.ndarray) and labels.tolist() == [0, 6, 12, 18]


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "text").write_bytes(b"hello")
    (tmp_path / "cut").write_bytes(struct.pack(">BBBBI", 0, 0, 8, 3, 10))
    assert helpers.error_of(read_idx, "text") == "text is no IDX file: it must begin with an IDX header"
    assert helpers.error_of(read_idx, "cut") == "cut is damaged (the header is cut off): download or copy it again"


def test_the_plain_training_images_come_before_the_gzipped(tmp_path):
    (tmp_path / "t10k-images-idx3-ubyte").touch()
    (tmp_path / "train-images").mkdir()
    assert training_images(tmp_path) is None
    (tmp_path / "train-images-idx3-ubyte.gz").touch()
    assert training_images(tmp_path) == tmp_path / "train-images-idx3-ubyte.gz"
    (tmp_path / "train-images-idx3-ubyte").touch()
    assert training_images(tmp_path) == tmp_path / "train-images-idx3-ubyte"


@pytest.mark.parametrize(
    ("name", "labels_name", "found"),
    [
        ("my-images.idx", "my-labels.idx", True),
        ("images of images", "images of labels", True),  # Only the last `images` of a name is replaced.
        ("my-images.idx", "labels.idx", False),
        ("pictures", "labels", False),
    ],
)
def test_labels_are_found_by_the_name_of_the_images(tmp_path, name, labels_name, found):
    (tmp_path / name).write_bytes(idx_bytes(noise(3, 5, 5)))
    (tmp_path / labels_name).write_bytes(idx_bytes(np.array([2, 0, 1], np.uint8)))
    source = idx_source(tmp_path / name, "set", Wanted())
    assert (source.name, len(source), source.image_shape, source.notes) == ("set", 3, (5, 5, 1), [])
    assert (None if source.labels is None else source.labels.tolist()) == ([2, 0, 1] if found else None)


# ---- what is hostile


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("shape", [(2**20, 2**10, 2**10), (2**32 - 1,) * 4])
def test_more_than_the_file_can_hold_is_not_allocated(tmp_path, pack, shape):
    content = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + b"x"
    (tmp_path / "images").write_bytes(pack(content))
    claimed = f"{math.prod(shape):,} bytes that its header says"
    amount = "less than" if pack is gzip.compress else "1 of"
    assert source_error("images") == f"images is damaged: it holds {amount} the {claimed}"


def test_what_does_not_fit_into_memory(tmp_path, monkeypatch):
    (tmp_path / "images").write_bytes(gzip.compress(idx_bytes(noise(4, 5, 5))))
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: 99)
    assert source_error("images") == (
        "images needs 100 B of memory, and 99 B are free: unpack it, then it is read piece by piece"
    )


def test_pipes_are_not_read(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train-images").write_bytes(idx_bytes(noise(4, 5, 5)))
    os.mkfifo("set/train-labels")
    source = open_source("set")
    assert source.labels is None
    assert source.notes == ["labels ignored: set/train-labels cannot be read: not a regular file"]
    os.unlink("set/train-images")
    os.mkfifo("set/train-images")
    assert source_error("set") == "set/train-images cannot be read: not a regular file"
