"""MATLAB files: of version 5, as SciPy writes them, and of 7.3, as MATLAB lays arrays out in HDF5."""

import os
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.sources import source_error

from dcgan_tf.data.layouts import in_memory
from dcgan_tf.data.mat5 import open_variable, read_variables
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 9, 3), dtype=np.uint8)
LAST = IMAGES.transpose(1, 2, 3, 0)  # [H, W, C, N], the order of SVHN
LABELS = np.arange(40) % 10 + 1
NOTE = "images-last array: [8, 9, 3, 40] is read as [H, W, C, N]"
DAMAGED = "is damaged and cannot be read as a MATLAB file: copy it again"


def saved(name="set.mat", packed=True, **arrays):
    io = pytest.importorskip("scipy.io")
    io.savemat(name, arrays, do_compression=packed)
    return name


def saved_73(**arrays):
    """As MATLAB saves with -v7.3: HDF5 after 512 bytes, the axes in reverse order."""
    with h5py.File("set.mat", "w", userblock_size=512) as file:
        for name, (array, kind) in arrays.items():
            chunks = {"chunks": True, "compression": "gzip"} if array.size > 1000 else {}
            file.create_dataset(name, data=array.T, **chunks).attrs["MATLAB_class"] = np.bytes_(kind)
    with open("set.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    return "set.mat"


@pytest.mark.parametrize("packed", [True, False])
def test_svhn(packed):
    source = open_source(saved(packed=packed, X=LAST, y=LABELS[:, None]))
    assert (source.name, len(source), source.image_shape, source.values) == ("set", 40, (8, 9, 3), "uint8 0..255")
    assert source.notes == [NOTE] and source.labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(source.read([39, 0, 3, 3]), IMAGES[[39, 0, 3, 3]])
    np.testing.assert_array_equal(source.read(range(40)), IMAGES)


def test_svhn_in_7_3():
    source = open_source(
        saved_73(X=(LAST, "uint8"), y=(LABELS[:, None] * 1.0, "double"), t=(np.array([[72]], "u2"), "char"))
    )
    assert source.notes == [NOTE] and source.labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(source.read([39, 0, 3, 3]), IMAGES[[39, 0, 3, 3]])


@pytest.mark.parametrize("packed", [True, False])
def test_images_that_come_first(packed):
    for path in (saved(packed=packed, images=IMAGES, labels=LABELS),):
        source = open_source(path)
        assert source.notes == [] and source.labels.tolist() == LABELS.tolist()
        np.testing.assert_array_equal(source.read([39, 0]), IMAGES[[39, 0]])
    source = open_source(saved_73(images=(IMAGES, "uint8"), labels=(LABELS[None], "int64")))
    assert source.notes == [] and source.labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(source.read([39, 0]), IMAGES[[39, 0]])


def test_grey_and_flat_images():
    np.testing.assert_array_equal(open_source(saved(X=IMAGES[..., 0])).read([39])[..., 0], IMAGES[[39], ..., 0])
    flat = IMAGES[:, :8, :8, 0].reshape(40, 64)
    for path in (saved(X=flat, y=LABELS), saved_73(X=(flat, "uint8"))):
        source = open_source(path)
        assert source.notes == ["flat rows: [40, 64] is read as 8x8 grey"]
        np.testing.assert_array_equal(source.read([39, 1])[..., 0], IMAGES[[39, 1], :8, :8, 0])


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("array", "values", "expected"),
    [
        (IMAGES / 255, "float64 0..1", IMAGES),
        ((IMAGES / 255).astype(np.float32), "float32 0..1", IMAGES),
        (IMAGES.astype(float), "float64 0..255", IMAGES),
        (IMAGES > 100, "bool 0..1", (IMAGES > 100) * 255),
        (IMAGES.astype(np.int16), "int16 0..255", IMAGES),
        (IMAGES.astype(np.uint16) * 257, "uint16 0..65535 (16 bits)", IMAGES),
    ],
)
def test_types(array, values, expected, packed):
    source = open_source(saved(packed=packed, images=array))
    assert source.values == values
    np.testing.assert_array_equal(source.read([39, 0]), expected[[39, 0]])


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(shape, values, kind=9, stored=2, name=b"X", claimed=None, flags=0):
    """An array, as its element; by default of doubles which are stored as bytes."""
    body = element(6, struct.pack("<II", kind | flags, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
    body += element(1, name)
    body += struct.pack("<II", stored, len(values) if claimed is None else claimed) + values + bytes(-len(values) % 8)
    return element(14, body)


def packed(content):
    content = zlib.compress(content)
    return struct.pack("<II", 15, len(content)) + content


def written(*elements):
    Path("set.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + b"".join(elements))
    return "set.mat"


@pytest.mark.parametrize("pack", [packed, bytes])
def test_doubles_that_matlab_stores_as_bytes(pack):
    ones = np.ascontiguousarray((IMAGES > 100).transpose(0, 3, 2, 1)).astype(np.uint8)  # MATLAB's order of [H, W, C, N]
    source = open_source(written(pack(matrix((8, 9, 3, 40), ones.tobytes(), kind=6))))
    assert source.values == "float64 0..1"
    np.testing.assert_array_equal(source.read([39, 0]), (IMAGES[[39, 0]] > 100) * 255)


def test_the_other_byte_order():
    body = b""
    for kind, content in ((6, struct.pack(">II", 11, 0)), (5, struct.pack(">3i", 4, 8, 8)), (1, b"images")):
        body += struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)
    numbers = np.arange(256, dtype=">u2") * 257
    body += struct.pack(">II", 4, 512) + numbers.tobytes()
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\1\0MI"
    Path("set.mat").write_bytes(header + struct.pack(">II", 14, len(body)) + body)
    source = open_source("set.mat")
    np.testing.assert_array_equal(source.read(range(4))[..., 0], np.arange(256).reshape(4, 8, 8, order="F"))


def test_which_array():
    path = saved(a=IMAGES, b=IMAGES[:4], s={"images": IMAGES}, c=np.array([IMAGES, "x"], object), t="text")
    assert source_error(path) == (
        "set.mat holds several sets of images, a (uint8 [40, 8, 9, 3]), b (uint8 [4, 8, 9, 3]): "
        "give one of them, --data 'set.mat::a'"
    )
    source = open_source("set.mat::b")
    assert (source.name, len(source)) == ("set-b", 4)
    assert source_error("set.mat::c") == "set.mat holds no array of numbers 'c', but a, b"
    assert source_error("set.mat::s/images") == "set.mat holds no array of numbers 's/images', but a, b"
    path = saved_73(a=(IMAGES, "uint8"), b=(IMAGES[:4], "uint8"))
    assert "give one of them, --data 'set.mat::a'" in source_error(path)
    assert len(open_source("set.mat::b")) == 4


def test_structs_cells_texts_and_complex_numbers_are_no_images():
    io = pytest.importorskip("scipy.sparse")
    path = saved(s={"images": IMAGES}, c=np.array([IMAGES, "x"], object), t="text", z=IMAGES * 1j, p=io.eye(100))
    assert source_error(path) == (
        "set.mat holds no images, no arrays at all: images are arrays of numbers [N, H, W, C]"
    )


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("length", [127, 136, 150, 200, 0.5, 0.99])
def test_truncated_files(length, packed):
    whole = Path(saved(packed=packed, X=LAST)).read_bytes()
    Path("set.mat").write_bytes(whole[: length if length > 1 else int(len(whole) * length)])
    assert source_error("set.mat") == f"set.mat {DAMAGED}"


@pytest.mark.parametrize("pack", [packed, bytes])
@pytest.mark.parametrize(
    ("content", "place"),
    [
        (lambda: matrix((8, 8, 3, 2**30), bytes(100), claimed=2**32 - 8), ""),
        (lambda: matrix((8, 8, 3, 40), bytes(100), claimed=2**32 - 8), ""),
        (lambda: matrix((8, 8, 3, 40), bytes(100)), ""),
        (lambda: matrix((8, 8, 3, -40), bytes(100)), ""),
        (lambda: matrix((2,) * 100, bytes(100)), ""),
        (lambda: matrix((8, 8, 3, 40), bytes(7680), stored=99), ""),
        (lambda: matrix((8, 8, 3, 40), bytes(7680))[:-4000], ""),
        (lambda: element(14, bytes(64) + b"\xff" * 40), ""),
    ],
)
def test_claims_that_are_not_true(content, place, pack):
    line = source_error(written(pack(content())))
    assert DAMAGED in line or line.startswith("set.mat holds no images, no arrays at all")


def test_a_packed_array_is_unpacked_no_further_than_it_claims():
    bomb = zlib.compress(matrix((8, 8, 3, 40), bytes(7680)) + bytes(2**26))
    path = written(struct.pack("<II", 15, len(bomb)) + bomb)
    tracemalloc.start()
    line = source_error(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert line == f"set.mat, array 'X' {DAMAGED}" and peak < 2**22


def test_a_packed_array_that_claims_more_than_could_be_packed_into_it():
    content = matrix((8, 8, 3, 20_000_000), bytes(8), claimed=8 * 8 * 3 * 20_000_000)
    content = struct.pack("<II", 14, 8 * 8 * 3 * 20_000_000 + 100) + content[8:]
    assert source_error(written(packed(content))) == f"set.mat, array 'X' {DAMAGED}"


def test_a_packed_array_that_does_not_fit_into_memory(monkeypatch):
    path = saved(X=LAST)
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: 8639)
    assert source_error(path) == (
        "set.mat, array 'X' needs 8.64 KB of memory, and 8.64 KB are free: "
        "save it with -v7.3, or as .npy, which are read piece by piece"
    )


def test_a_flipped_bit_in_a_packed_array():
    whole = bytearray(Path(saved(X=LAST)).read_bytes())
    whole[-2] ^= 1  # of the checksum
    Path("set.mat").write_bytes(whole)
    assert source_error("set.mat") == f"set.mat, array 'X' {DAMAGED}"


def test_two_arrays_of_one_name():
    one = matrix((8, 8, 3, 40), bytes(7680), name=b"a\x1b")
    assert source_error(written(one, one)) == "set.mat holds 2 arrays called 'a\\x1b': save it again with one of each"


def test_7_3_without_hdf5():
    Path("set.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(2000))
    assert source_error("set.mat") == f"set.mat {DAMAGED}"


def test_files_that_matlab_wrote_as_scipy_reads_them():
    """SciPy brings files of many versions of MATLAB, of both byte orders, for its own tests."""
    io = pytest.importorskip("scipy.io")
    files = sorted((Path(io.__file__).parent / "matlab/tests/data").glob("test*_[567].*.mat"))
    if not files:
        pytest.skip("this SciPy comes without its test files")
    compared = 0
    for path in files:
        if not path.read_bytes().startswith(b"MATLAB 5"):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = io.loadmat(path)
        loaded = {name: array for name, array in loaded.items() if isinstance(array, np.ndarray)}
        expected = {name: array for name, array in loaded.items() if array.dtype.kind in "buif"}
        variables = read_variables(path)
        assert variables.keys() == expected.keys(), path
        for name, variable in variables.items():
            array = in_memory(open_variable(path, variable, "it"), "it").T.astype(variable.dtype)
            np.testing.assert_array_equal(array, expected[name], err_msg=str(path))
            compared += 1
    assert compared > 10


def test_a_pipe():
    os.mkfifo("set.mat")
    assert source_error("set.mat").startswith("set.mat is neither a file nor a folder")
