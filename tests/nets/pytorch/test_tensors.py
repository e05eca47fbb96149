"""Tensors that PyTorch and safetensors have saved; files/README.md says how the files here were made.

Files that no library would write are put together from single operations of a pickle, see `pickletools`.
"""

import builtins
import contextlib
import io
import itertools
import json
import os
import pickle
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.helpers import error_of

from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.pytorch import tensors
from dcgan_tf.nets.pytorch.tensors import FORMAT_VERSION, MAGIC_NUMBER, read_tensors

ROWS_FILE = Path(__file__).parents[2] / "metrics" / "imagenet" / "tensors.pth"
TORCH = Path(__file__).parent / "files"
FORMATS = ("types.pth", "types_before_1_6.pth")
SAVE = "save torch.save(model.state_dict(), path)"
CODE = (
    "which no table of tensors needs, and no code of a file is run; if a whole net was saved (torch.save(model)), "
    "load it in PyTorch and save torch.save(model.state_dict(), path)"
)
PROTOCOL, STOP = b"\x80\x02", b"."


def name(module, word):
    return f"c{module}\n{word}\n".encode()


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value):
    content = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
    return b"\x8a" + bytes([len(content)]) + content


def tuple_of(*values):
    return b"(" + b"".join(values) + b"t"


def dict_of(**values):
    return b"}(" + b"".join(text(key) + value for key, value in values.items()) + b"u"


def storage(size, key="0", kind="FloatStorage"):
    return tuple_of(text("storage"), name("torch", kind), text(key), text("cpu"), number(size)) + b"Q"


def tensor(of=None, start=0, shape=(2,), strides=(1,), function="_rebuild_tensor_v2"):
    of = of if of is not None else storage(6)
    return (
        name("torch._utils", function)
        + tuple_of(of, number(start), tuple_of(*map(number, shape)), tuple_of(*map(number, strides)))
        + b"R"
    )


NUMBERS = np.arange(6, dtype="<f4")


@pytest.fixture
def zipped(tmp_path):
    """Writes an archive as torch.save does: a pickle without its start and end, storages by key, further members."""

    def write(table, data=None, compression=zipfile.ZIP_STORED, **members):
        path = tmp_path / "x.pth"
        data = {"0": NUMBERS.tobytes()} if data is None else data
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("x/data.pkl", PROTOCOL + table + STOP)
            for key, content in (members | {f"data/{key}": content for key, content in data.items()}).items():
                archive.writestr(f"x/{key}", content)
        return path

    return write


@pytest.fixture
def safetensors(tmp_path):
    """Writes a file with that header, which may be a text, and so many zeros as numbers."""

    def write(header, data_bytes=0):
        header = (header if isinstance(header, str) else json.dumps(header)).encode()
        path = tmp_path / "x.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(data_bytes))
        return path

    return write


def row(shape, place, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": place}


def test_tensors_are_read_as_they_were_saved():
    tensors = read_tensors(ROWS_FILE)
    assert list(tensors) == ["rows", "turned", "count"]
    np.testing.assert_array_equal(tensors["rows"], np.arange(12, dtype=np.float32).reshape(3, 4))
    np.testing.assert_array_equal(tensors["turned"], np.arange(12, 24, dtype=np.float32).reshape(3, 4).T)
    np.testing.assert_array_equal(tensors["count"], 7)
    assert [tensors[name].dtype for name in tensors] == [np.float32, np.float32, np.int64]


@pytest.mark.parametrize("file", FORMATS)
def test_all_number_types_views_and_empty_tensors(file):
    tensors = read_tensors(TORCH / file)
    signed = np.array([[-1.5, 0, 2], [3, 4, 1]])
    for kind in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8"):
        np.testing.assert_array_equal(tensors.pop(kind), signed if "float" in kind else np.trunc(signed))
    np.testing.assert_array_equal(tensors["uint8"], [[1, 0, 2], [3, 4, 1]])
    np.testing.assert_array_equal(tensors["bool"], [[True, False, True], [True, True, True]])
    np.testing.assert_array_equal(tensors["turned"], signed.T)
    np.testing.assert_array_equal(tensors["rows"], signed[:, 1:])
    assert {name: str(values.dtype) for name, values in read_tensors(TORCH / file).items()} == {
        "float64": "float64", "float32": "float32", "float16": "float32", "bfloat16": "float32", "int64": "int64",
        "int32": "int32", "int16": "int16", "int8": "int8", "uint8": "uint8", "bool": "bool", "turned": "float32",
        "rows": "float32", "none": "float32", "scalar": "int64",
    }  # fmt: skip
    assert tensors["none"].shape == (0, 3) and tensors["scalar"].shape == () and tensors["scalar"] == 7
    assert np.shares_memory(tensors["turned"], tensors["rows"])


def test_a_checkpoint_of_two_nets_and_an_optimizer():
    names = list(read_tensors(TORCH / "mri_checkpoint.pth"))
    assert names[0] == "netG/module.main.0.weight"
    assert names[13] == "netD/main.0.weight"
    assert {name.rpartition("/")[0] for name in names} == {"netG", "netD", *(f"optimizerD/state/{n}" for n in range(7))}
    assert "optimizerD/state/0/exp_avg" in names


def test_lists_keys_that_are_numbers_and_what_is_no_tensor(zipped):
    nested = b"](" + tensor() + number(5) + b"}" + number(3) + tensor(start=4) + b"se"
    tensors = read_tensors(zipped(dict_of(a=nested, b=number(4), c=text("d"))))
    assert list(tensors) == ["a/0", "a/2/3"]
    np.testing.assert_array_equal(tensors["a/2/3"], [4, 5])


def test_how_python_2_and_the_first_versions_of_pytorch_wrote(zipped):
    pair = b"](" + text("a") + tensor(function="_rebuild_tensor") + b"e"
    table = name("collections", "OrderedDict") + tuple_of(b"](" + pair + b"e") + b"R"
    np.testing.assert_array_equal(read_tensors(zipped(table))["a"], [0, 1])


def test_the_order_of_bytes(zipped):
    big = {"0": NUMBERS.astype(">f4").tobytes()}
    np.testing.assert_array_equal(read_tensors(zipped(dict_of(a=tensor()), big, byteorder=b"big"))["a"], [0, 1])
    assert "cannot be read as tensors" in error_of(read_tensors, zipped(dict_of(a=tensor()), byteorder=b"odd"))


class Call:
    """Where a pickle of it is loaded as pickles usually are, the function is called."""

    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def calls(marker):
    return {
        f"{os.mkdir.__module__}.mkdir": Call(os.mkdir, str(marker)),
        f"{os.system.__module__}.system": Call(os.system, f"mkdir {marker}"),
        "builtins.eval": Call(builtins.eval, f"__import__('os').mkdir({str(marker)!r})"),
        "builtins.getattr": Call(
            builtins.getattr, Call(builtins.eval, f"__import__('os').mkdir({str(marker)!r})"), "x"
        ),
    }


@pytest.mark.parametrize("kind", range(4))
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_code_is_refused_and_never_run(tmp_path, kind, protocol):
    marker, path = tmp_path / "made", tmp_path / "evil.pth"
    called, value = list(calls(marker).items())[kind]
    called = called if protocol > 2 else called.replace("builtins", "__builtin__")
    message = f"{path}: names {called}, {CODE}"
    for place in range(5):  # In the format before PyTorch 1.6, in each of its pickles.
        parts = [MAGIC_NUMBER, FORMAT_VERSION, {}, {"a": 1}, []]
        parts[place] = value
        path.write_bytes(b"".join(pickle.dumps(part, protocol=protocol) for part in parts))
        assert error_of(read_tensors, path) == message
    for table in (value, {"a": value}, [1, [value]], {"a": (1, value)}):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/data.pkl", pickle.dumps(table, protocol=protocol))
        assert error_of(read_tensors, path) == message
    assert not marker.exists()
    with contextlib.suppress(AttributeError):  # Of `getattr`, called last.
        pickle.loads(pickle.dumps(value, protocol=protocol))
    assert marker.exists()  # Python itself runs what is in these files.


def test_code_in_the_oldest_protocol(tmp_path):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Call(os.mkdir, str(tmp_path / "made")), protocol=0))
    assert error_of(read_tensors, path) == f"{path}: is no file of torch.save or safetensors: {SAVE}"
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "table",
    [
        name("os", "system") + text("x") + b"\x85R",
        dict_of(a=tensor(of=name("os", "system"))),
        dict_of(a=name("collections", "OrderedDict") + name("os", "system") + b"\x85R"),
        dict_of(a=tensor()) + dict_of(b=name("os", "system")) + b"b",  # as attributes
        text("os") + text("system") + b"\x93",
        name("os system", ""),
    ],
    ids=itertools.count(),
)
def test_names_anywhere_are_refused(zipped, table):
    assert ": names os.system" in error_of(read_tensors, zipped(table))


@pytest.mark.parametrize("file", FORMATS)
def test_a_whole_module_is_refused(file):
    path = TORCH / f"whole_{file}"
    assert error_of(read_tensors, path) == f"{path}: names torch.nn.modules.container.Sequential, {CODE}"


def test_torchscript_is_refused(zipped):
    path = zipped(b"}", **{"constants.pkl": b"", "code/__torch__.py": b"", "version": b"3\n"})
    assert error_of(read_tensors, path) == (
        f"{path}: is TorchScript (torch.jit.save), which is a program, and no code of a file is run: load it in "
        "PyTorch and save torch.save(model.state_dict(), path)"
    )


@pytest.mark.parametrize(
    "table, message",
    [
        (b"}", f"holds no tensors with names: {SAVE}"),
        (tensor(), f"holds no tensors with names: {SAVE}"),
        (
            b"}(" + text("a/b") + tensor() + text("a") + dict_of(b=tensor()) + b"u",
            f"holds two tensors named 'a/b': {SAVE}",
        ),
    ],
)
def test_tables_without_names(zipped, table, message):
    path = zipped(table)
    assert error_of(read_tensors, path) == f"{path}: {message}"


BEYOND, OVERLAP = "a tensor reaches beyond its storage", "a tensor has values that overlap"
SHAPE = "it has a tensor of an impossible shape, start or strides"


@pytest.mark.parametrize(
    "table, reason",
    [
        (tensor(start=5), BEYOND),
        (tensor(shape=(3, 4), strides=(4, 1)), BEYOND),
        (tensor(shape=(2, 1), strides=(2**200, 1)), BEYOND),
        (tensor(shape=(2**31,)), BEYOND),
        (tensor(storage(0), shape=(), strides=()), BEYOND),
        (tensor(shape=(5, 2), strides=(1, 1)), OVERLAP),
        (tensor(shape=(2**31,), strides=(0,)), OVERLAP),
        (tensor(shape=(2, 3), strides=(1, 1)), OVERLAP),
        (tensor(shape=(2**31 + 1, 0), strides=(1, 1)), SHAPE),
        (tensor(shape=(-1,)), SHAPE),
        (tensor(strides=(-1,)), SHAPE),
        (tensor(start=-1), SHAPE),
        (tensor(shape=(1,) * 17, strides=(1,) * 17), SHAPE),
        (tensor(strides=(1, 1)), SHAPE),
        (tensor(storage(7)), "it has fewer numbers than its table tells of"),
        (tensor(storage(10**18)), "it has fewer numbers than its table tells of"),
        (tensor(storage(6, key="../0")), "it has fewer numbers than its table tells of"),
        (tensor(number(1)), "it has a tensor without a storage, a shape and strides"),
        (tensor() + b"0", "it uses the operation POP, which no table of tensors needs"),
        (
            b"(" + tensor() + tensor(storage(3, kind="DoubleStorage")) + b"t",
            "it refers to one storage as two kinds of numbers",
        ),
        (name("torch", "FloatStorage") + b")R", "it calls torch.FloatStorage, which is no function"),
        (name("collections", "OrderedDict") + tuple_of(*9 * [b"N"]) + b"R", "it calls something that is no function"),
        (name("torch._utils", "_rebuild_parameter") + tuple_of(b"N") + b"R", "it has a parameter that is no tensor"),
        (text("os") + b")R", "it calls something that is no function"),
        (b"}" + b")" + b"N" + b"s", "it has a key that is neither a text nor a number"),
        (b")" + text("a") + b"N" + b"s", "it sets a value in something that is no dict"),
        (b"}" + b"Na", "it appends to something that is no list"),
        (
            tuple_of(text("module"), b"N", b"N", b"N", b"N") + b"Q",
            "it refers to something that is no whole storage of numbers",
        ),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_tensors_that_cannot_be(zipped, table, reason):
    path = zipped(dict_of(a=table))
    assert error_of(read_tensors, path) == f"{path}: cannot be read as tensors of PyTorch ({reason})"


LIMITS = (
    f"holds over 20,000 tensors or 1,048,576 values, nested over 32 deep, or with names of over 500 characters: {SAVE}"
)
DOUBLED = b"".join(b"(" + b"h" + bytes([n]) + b"h" + bytes([n]) + b"t" + b"q" + bytes([n + 1]) for n in range(30))


@pytest.mark.parametrize(
    "table, message",
    [
        (b"]" * 100_000 + b"a" * 99_999, LIMITS),
        (b")" + b"\x85" * 100_000, LIMITS),
        (b"}q\x00" + text("a") + b"h\x00s", LIMITS),  # a dict within itself
        (b")q\x00" + DOUBLED, LIMITS),  # a tuple of two, of two, of two: 2^30 of them
        (tensor() + b"q\x00" + DOUBLED, LIMITS),  # 2^30 tensors
        (dict_of(**{"a" * 501: tensor()}), LIMITS),
        (b"N" * (2**22), "has a table of tensors of 4.19 MB, 4.19 MB at most are read: " + SAVE),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_what_would_never_end(zipped, table, message):
    path = zipped(table)
    assert error_of(read_tensors, path) == f"{path}: {message}"


@pytest.mark.parametrize(
    "table",
    [
        b"X" + struct.pack("<I", 2**32 - 1) + b"a",  # a text of 4 GB
        b"\x8d" + struct.pack("<Q", 2**62) + b"a",  # a text of 2^62 bytes
        b"\x96" + struct.pack("<Q", 2**40) + b"a",  # a bytearray of a TB
        b"\x8b" + struct.pack("<I", 2**31 - 1),  # a number of 2 GB
        b"Nr" + struct.pack("<I", 2**32 - 1),  # the last of 2^32 remembered values
        b"\x95" + struct.pack("<Q", 2**62),  # a frame
        dict_of(a=tensor(storage(2**60), shape=(2**30, 2**30), strides=(2**30, 1))),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_claims_take_no_memory(zipped, table):
    path = zipped(table)
    tracemalloc.start()
    try:
        error_of(read_tensors, path)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_members_that_would_take_more_than_the_file(zipped, tmp_path):
    path = zipped(dict_of(a=tensor(storage(10**7), shape=(10**7,))), {"0": bytes(4 * 10**7)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**5
    assert error_of(read_tensors, path) == f"{path}: holds compressed members, which PyTorch never writes: {SAVE}"

    path = zipped(dict_of(a=tensor()))
    archive = path.read_bytes()
    sizes = struct.pack("<II", 24, 24)
    assert archive.count(sizes) == 2  # at the member, and in the directory
    path.write_bytes(archive.replace(sizes, struct.pack("<II", 10**9, 10**9)))
    assert error_of(read_tensors, path) == f"{path}: holds members that are larger than the file: {SAVE}"


def test_members_that_are_encrypted_doubled_or_lead_out(zipped):
    path = zipped(dict_of(a=tensor()))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert error_of(read_tensors, path) == (
        f"{path}: is encrypted: unpack it, and pack it without a password and without compression"
    )
    for name in ("../../evil", "data/..", "a\\b"):
        path = zipped(dict_of(a=tensor()), **{name: b""})
        shown = f"x/{name}"
        assert error_of(read_tensors, path) == f"{path}: holds {shown!r}, which leads out of the archive: {SAVE}"
    path = zipped(dict_of(a=tensor()))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("x/data.pkl", b"")
    assert error_of(read_tensors, path) == f"{path}: holds two members of one name: {SAVE}"


def test_an_archive_of_very_many_members(zipped, monkeypatch):
    path = zipped(dict_of(a=tensor()))
    monkeypatch.setattr(tensors, "MAX_MEMBERS", 2)
    read_tensors(path)
    path = zipped(dict_of(a=tensor()), version=b"3\n")
    assert error_of(read_tensors, path) == f"{path}: holds over 2 members: {SAVE}"


ZEROTH = b"](" + text("0") + b"e"
OTHER_STORAGES = "it has other storages than its table tells of"


def pickles(*parts):
    """The format before PyTorch 1.6."""
    start = [pickle.dumps(part, protocol=2) for part in (MAGIC_NUMBER, FORMAT_VERSION, {})]
    return b"".join([*start, *(PROTOCOL + part + STOP for part in parts)])


@pytest.mark.parametrize(
    "content, reason",
    [
        (pickles(dict_of(a=tensor()), ZEROTH) + struct.pack("<Q", 5) + bytes(24), "it ends too soon"),
        (pickles(dict_of(a=tensor()), ZEROTH) + struct.pack("<Q", 2**63) + bytes(24), "it ends too soon"),
        (pickles(dict_of(a=tensor()), b"](" + text("1") + b"e") + struct.pack("<Q", 6) + bytes(24), OTHER_STORAGES),
        (pickles(dict_of(a=tensor()), b"]"), OTHER_STORAGES),
        (pickles(dict_of(a=tensor()), b"]()q\x00" + DOUBLED + b"e"), "it has keys of storages that are no texts"),
        (pickles(dict_of(a=tensor()), text("0")), "it has keys of storages that are no texts"),
        (pickles(dict_of(a=tensor())), "pickle exhausted before seeing STOP"),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_storages_that_are_not_as_the_pickles_say(tmp_path, content, reason):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    assert error_of(read_tensors, path) == f"{path}: cannot be read as tensors of PyTorch ({reason})"


def test_other_files(tmp_path, zipped):
    path = tmp_path / "y.pth"
    no_archive = f"{path}: is a ZIP archive, but not one of torch.save: {SAVE}"
    for members in ((), ("data.pkl",), ("a/data.pkl", "b/data.pkl"), ("config.json", "model.weights.h5")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other", b"")
            for name in members:
                archive.writestr(name, b"")
        assert error_of(read_tensors, path) == no_archive
    for content in (b"", b"version https://git-lfs.github.com/spec/v1", b"\x89HDF\r\n\x1a\n", b"<!DOCTYPE html>"):
        path.write_bytes(content)
        assert error_of(read_tensors, path) == f"{path}: is no file of torch.save or safetensors: {SAVE}"
    path.write_bytes(pickle.dumps({"a": 1}, protocol=2) * 2)
    assert error_of(read_tensors, path) == f"{path}: is a pickle, but not one of torch.save: {SAVE}"


def test_what_is_no_regular_file(tmp_path):
    cannot = "cannot be read as tensors of PyTorch"
    none, pipe = tmp_path / "none.pth", tmp_path / "pipe.pth"
    os.mkfifo(pipe)
    assert error_of(read_tensors, none) == f"{none}: {cannot} (No such file or directory)"
    assert error_of(read_tensors, pipe) == f"{pipe}: {cannot} (not a regular file)"
    assert error_of(read_tensors, tmp_path) == f"{tmp_path}: {cannot} (Is a directory)"


def test_a_file_that_does_not_fit_into_the_memory(zipped, monkeypatch):
    path = zipped(dict_of(a=tensor()))
    size = path.stat().st_size
    monkeypatch.setattr(tensors, "free_bytes", lambda: 4 * size - 1)
    assert error_of(read_tensors, path) == (
        f"{path}: needs {4 * size / 1000:.3g} KB of memory to be read, and {(4 * size - 1) / 1000:.3g} KB are free: "
        "give the file of one net"
    )
    monkeypatch.setattr(tensors, "free_bytes", lambda: 4 * size)
    read_tensors(path)


def test_files_that_were_cut(tmp_path):
    path = tmp_path / "x.pth"
    for file in (ROWS_FILE, TORCH / "mlp_generator.pth", TORCH / "types.pth", TORCH / "faces_generator.safetensors"):
        whole = file.read_bytes()
        for size in range(0, len(whole), 29):
            path.write_bytes(whole[:size])
            assert error_of(read_tensors, path).startswith(f"{path}: ")
    path.write_bytes(ROWS_FILE.read_bytes()[:-1])
    assert error_of(read_tensors, path) == f"{path}: cannot be read as tensors of PyTorch (it ends too soon)"


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # Of pickletools, for texts of protocol 0.
@pytest.mark.parametrize("file", [*FORMATS, "mri_checkpoint.pth", "mlp_generator.pth", "faces_generator.safetensors"])
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path, file):
    path, draw = tmp_path / "x.pth", random.Random(0)
    whole = (TORCH / file).read_bytes()
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(draw.choice([1, 1, 3, 20])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(content)
        try:
            assert all(isinstance(values, np.ndarray) for values in read_tensors(path).values())
        except UserError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)


def test_safetensors_of_all_number_types_in_natural_order(tmp_path):
    values = {
        "10.F64": np.array([1.5, -2]), "9.F32": np.array([[1.5], [-2]], "f4"), "9.F16": np.array([1.5, -2], "f2"),
        "I64": np.array(-3), "I32": np.array([3], "i4"), "I16": np.array([3], "i2"), "I8": np.array([-3], "i1"),
        "U8": np.array([3], "u1"), "BOOL": np.array([0, 1], "?"), "empty.F32": np.zeros([0, 3], "f4"),
    }  # fmt: skip
    header, content = {"__metadata__": {"format": "pt"}}, b""
    for name, array in values.items():
        header[name] = row(list(array.shape), [len(content), len(content) + array.nbytes], name.rpartition(".")[2])
        content += array.tobytes()
    header["2.BF16"] = row([2], [len(content), len(content) + 4], "BF16")
    content += np.array([1.5, -2], "f4").view("u2")[1::2].tobytes()  # the upper halves
    text = json.dumps(header).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)
    tensors = read_tensors(path)
    assert list(tensors) == ["2.BF16", "9.F16", "9.F32", "10.F64", "BOOL", "I8", "I16", "I32", "I64", "U8", "empty.F32"]
    np.testing.assert_array_equal(tensors.pop("2.BF16"), np.array([1.5, -2], "f4"), strict=True)
    for name, array in tensors.items():
        wanted = values[name].astype("f4") if "16" in name and "F" in name else values[name]
        np.testing.assert_array_equal(array, wanted, strict=True)


OTHER_SHAPE = "tensor 'a' has another shape than its numbers fill: the file is damaged"


@pytest.mark.parametrize(
    "header, data_bytes, message",
    [
        ({"a": row([2], [0, 4])}, 8, OTHER_SHAPE),
        ({"a": row([2**31, 2**31], [0, 8])}, 8, OTHER_SHAPE),
        ({"a": row([-2], [0, -8])}, 8, OTHER_SHAPE),
        ({"a": row([2**40, 0], [0, 0])}, 0, OTHER_SHAPE),
        ({"a": row([1] * 17, [0, 4])}, 4, OTHER_SHAPE),
        ({"a": row([2], [0, 8])}, 4, "has 4 B of numbers, but its header tells of 8 B: the file is damaged"),
        ({"a": row([2], [0, 8])}, 9, "has 9 B of numbers, but its header tells of 8 B: the file is damaged"),
        ({"a": row([2], [1, 9])}, 9, "has tensors that overlap or leave gaps: the file is damaged"),
        (
            {"a": row([2], [0, 8]), "b": row([2], [0, 8])}, 8,
            "has tensors that overlap or leave gaps: the file is damaged",
        ),
        (
            {"a": row([2], [0, 2], "F8_E4M3")}, 2,
            "tensor 'a' has numbers of type F8_E4M3; F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL are read",
        ),
        ('{"a": 1, "a": 2}', 0, "has two tensors of one name in its header: save it anew"),
        ({}, 0, f"holds no tensors with names: {SAVE}"),
        ("{" + " " * 2**22 + "}", 0, "has a header of 4.19 MB, 4.19 MB at most are read: give the file of one net"),
        ("{" + '"a":{' * 100_000, 0, "cannot be read as tensors of PyTorch ("),
        ("{a", 0, "cannot be read as tensors of PyTorch ("),
        ({"a": 1}, 0, "cannot be read as tensors of PyTorch ("),
        ({"a": row("2", [0, 4])}, 4, OTHER_SHAPE),
        ({"a": row([1], [0.0, 4.0])}, 4, "cannot be read as tensors of PyTorch ("),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_safetensors_that_cannot_be(safetensors, header, data_bytes, message):
    path = safetensors(header, data_bytes)
    assert error_of(read_tensors, path).startswith(f"{path}: {message}")


def test_what_pytorch_itself_saves_with_any_protocol(tmp_path):
    torch = pytest.importorskip("torch")
    state = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()
    shared = torch.arange(4.0)
    table = {"net": state, "views": [shared[1:], shared[::2]], "half": torch.ones(2, dtype=torch.bfloat16), "loss": 0.5}
    for protocol in (2, 3, 4, 5):
        for is_zip in (True, False):
            path = tmp_path / "x.pt"
            torch.save(table, path, pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip)
            tensors = read_tensors(path)
            assert list(tensors) == [*(f"net/{name}" for name in state), "views/0", "views/1", "half"]
            for name, values in state.items():
                np.testing.assert_array_equal(tensors[f"net/{name}"], values.numpy(), strict=True)
            np.testing.assert_array_equal(tensors["views/0"], [1, 2, 3])
            np.testing.assert_array_equal(tensors["views/1"], [0, 2])
            np.testing.assert_array_equal(tensors["half"], np.ones(2, np.float32), strict=True)
    torch.jit.script(torch.nn.Linear(1, 1)).save(tmp_path / "script.pt")
    assert "is TorchScript" in error_of(read_tensors, tmp_path / "script.pt")
    buffer = io.BytesIO()
    torch.save(torch.zeros(1, dtype=torch.uint16), buffer)
    (tmp_path / "x.pt").write_bytes(buffer.getvalue())
    assert "names torch._utils._rebuild_tensor_v3" in error_of(read_tensors, tmp_path / "x.pt")
