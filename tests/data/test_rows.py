"""Rows of arrays in files: what is read, and that memory stays flat."""

import os
import subprocess
import sys
import tokenize
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support import helpers

from dcgan_tf.data.rows import MappedRows, Rows, open_npy


@pytest.fixture(params=["preadv", "seek"])
def way(request, monkeypatch):
    """Both ways to read; systems without preadv, such as Windows, take the second."""
    if request.param == "seek":
        monkeypatch.delattr(os, "preadv", raising=False)
    elif not hasattr(os, "preadv"):
        pytest.skip("this system has no preadv")


@pytest.mark.parametrize("dtype", ["u1", ">f4", "<f8", "?", [("a", "<i4"), ("b", "u1")]])
@pytest.mark.parametrize("shape", [(50,), (50, 3), (50, 3, 2, 2)])
def test_rows_are_those_of_the_array(tmp_path, way, dtype, shape):
    array = np.frombuffer(np.random.default_rng(0).bytes(50 * 12 * 9), "u1")[: 50 * 12]
    array = np.resize(array, shape).astype("u1").astype(dtype)
    np.save(tmp_path / "a.npy", array)
    rows = open_npy(tmp_path / "a.npy")
    assert isinstance(rows, Rows) and (rows.shape, rows.dtype, len(rows)) == (shape, array.dtype, 50)
    for indices in ([3], [49, 0, 7, 8, 9, 9, 2], range(50), []):
        indices = np.array(indices, np.int64)
        np.testing.assert_array_equal(rows[indices], array[indices])


@pytest.mark.parametrize("index", [-1, 4])
def test_rows_that_are_not_there(tmp_path, index):
    np.save(tmp_path / "a.npy", np.zeros((4, 2)))
    with pytest.raises(IndexError, match="^an index is not from 0 to 3$"):
        open_npy(tmp_path / "a.npy")[np.array([0, index])]


def test_a_file_cut_short_meanwhile_is_one_line(tmp_path, way):
    np.save(tmp_path / "a.npy", np.zeros((4, 100)))
    rows = open_npy(tmp_path / "a.npy")
    os.truncate(tmp_path / "a.npy", 1000)
    line = f"{tmp_path}/a.npy is shorter than its header says: it is truncated, copy it again"
    assert helpers.error_of(lambda: rows[np.array([0, 3])]) == line


def test_many_threads_at_once(tmp_path, way):
    array = np.arange(1000, dtype=np.uint16)[:, None].repeat(500, axis=1)
    np.save(tmp_path / "a.npy", array)
    rows, orders = open_npy(tmp_path / "a.npy"), [np.random.default_rng(i).permutation(1000) for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for order, read in zip(orders, pool.map(rows.__getitem__, orders)):
            np.testing.assert_array_equal(read, array[order])


def test_an_array_in_fortran_order_is_read_into_memory(tmp_path, monkeypatch):
    array = np.asfortranarray(np.arange(12).reshape(4, 3))
    np.save(tmp_path / "a.npy", array)
    in_memory = open_npy(tmp_path / "a.npy")
    os.truncate(tmp_path / "a.npy", 0)  # A memory map would now kill the process.
    np.testing.assert_array_equal(in_memory[np.array([3, 1])], array[[3, 1]])
    np.save(tmp_path / "a.npy", array)
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: 95)
    assert helpers.error_of(open_npy, tmp_path / "a.npy") == (
        f"{tmp_path}/a.npy needs 96 B of memory, and 95 B are free: save it in C order, which is read piece by piece"
    )


def header(length: bytes, text: bytes, version=b"\1\0") -> bytes:
    return b"\x93NUMPY" + version + length + text


@pytest.mark.parametrize(
    "content",
    [
        header(b"\0\xe1\xf5\x05", b" " * 1000, b"\2\0"),  # It claims 100 MB.
        header(b"\x28\x23", b"(" * 9000),
        header(b"\x60\0", b"{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 2)}".ljust(96)),
        header(b"\x60\0", b"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 9223372036854775808)}".ljust(96)),
        header(b"\x60\0", b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}".ljust(96)),
    ],
)
def test_a_header_that_cannot_be(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises((ValueError, tokenize.TokenError)):  # The second is what NumPy raises for open brackets.
        open_npy(tmp_path / "a.npy")


def test_values_that_the_file_cannot_hold(tmp_path):
    text = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776, 1099511627776, 3)}"
    (tmp_path / "a.npy").write_bytes(header(b"\x60\0", text.ljust(96)) + b"x")
    line = f"{tmp_path}/a.npy is shorter than its header says: it is truncated, copy it again"
    assert helpers.error_of(open_npy, tmp_path / "a.npy") == line


def test_only_a_regular_file_is_opened(tmp_path):
    os.mkfifo(tmp_path / "a.npy")
    for call in (open_npy, lambda path: Rows(path, (1, 1), "u1", 0)):
        with pytest.raises(OSError, match="not a regular file"):
            call(tmp_path / "a.npy")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="/proc tells the memory of a process, on Linux")
def test_memory_stays_flat_whatever_is_read(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((1000, 100_000), np.uint8))  # The file has 100 MB.
    code = """if True:
        import numpy as np
        from dcgan_tf.data.rows import open_npy

        def resident():
            return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0]) // 1000

        rows = open_npy("a.npy")
        rows[np.arange(16)]
        before = resident()
        for i in np.random.default_rng(0).permutation(1000).reshape(-1, 10):
            rows[i]
        print(resident() - before)
    """
    path = os.pathsep.join(p for p in sys.path if p)
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 20  # With a memory map it would be 100.


def test_rows_that_are_mapped_when_they_are_read():
    array = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    rows = MappedRows(array, lambda rows: rows.transpose(0, 2, 1) / 2, (4, 2, 3), np.float64)
    assert (len(rows), rows.shape, rows.dtype, rows.ndim, rows.itemsize) == (4, (4, 2, 3), np.float64, 3, 8)
    np.testing.assert_array_equal(rows[np.array([3, 0])], array[[3, 0]].transpose(0, 2, 1) / 2)
