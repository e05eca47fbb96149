"""Tables of tensors that PyTorch has saved; tests/metrics/imagenet/make.py says how the file here was made."""

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.helpers import error_of

from dcgan_tf.metrics.torch_file import FORMAT_VERSION, MAGIC_NUMBER, read_tensors

SAVED = Path(__file__).parent / "imagenet" / "tensors.pth"


def test_tensors_are_read_as_they_were_saved():
    tensors = read_tensors(SAVED)
    assert list(tensors) == ["rows", "turned", "count"]
    np.testing.assert_array_equal(tensors["rows"], np.arange(12, dtype=np.float32).reshape(3, 4))
    np.testing.assert_array_equal(tensors["turned"], np.arange(12, 24, dtype=np.float32).reshape(3, 4).T)
    np.testing.assert_array_equal(tensors["count"], 7)
    assert [tensors[name].dtype for name in tensors] == [np.float32, np.float32, np.int64]


class Command:
    """Where a pickle of it is loaded as pickles usually are, it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("place", range(4))
def test_code_in_a_file_is_refused_and_never_run(tmp_path, place):
    parts = [MAGIC_NUMBER, FORMAT_VERSION, {}, {}]
    parts[place] = Command(tmp_path / "made")
    path = tmp_path / "evil.pth"
    path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts))
    assert error_of(read_tensors, path) == (
        f"{path}: cannot be read as tensors of PyTorch (it names {os.mkdir.__module__}.mkdir, which no table of tensors needs)"
    )
    assert not (tmp_path / "made").exists()


def test_a_damaged_file_is_one_line(tmp_path):
    whole = SAVED.read_bytes()
    path = tmp_path / "x.pth"
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        assert error_of(read_tensors, path).startswith(f"{path}: cannot be read as tensors of PyTorch (")
    path.write_bytes(whole[:-1])
    assert error_of(read_tensors, path).endswith("(it ends too soon)")


def test_the_newer_format_and_a_missing_file(tmp_path):
    path = tmp_path / "x.pth"
    shutil.make_archive(str(tmp_path / "x"), "zip", Path(__file__).parent / "imagenet")
    (tmp_path / "x.zip").rename(path)
    assert "cannot be read as tensors of PyTorch" in error_of(read_tensors, path)
    assert "No such file" in error_of(read_tensors, tmp_path / "none.pth")


def test_a_tensor_beyond_its_storage_is_refused(tmp_path):
    path = tmp_path / "x.pth"
    # The first tensor of 3x4 is made 9x4; its storage, which it shares with the second, has 24 values.
    path.write_bytes(SAVED.read_bytes().replace(b"K\x03K\x04\x86", b"K\x09K\x04\x86"))
    assert error_of(read_tensors, path).endswith("(a tensor reaches beyond its storage)")
