"""Reads the tensors in a file of PyTorch or of safetensors, without PyTorch and without running what is in it.

`torch.save` has had two formats. Since PyTorch 1.6 it writes a ZIP archive: `<root>/data.pkl`, a pickle of the table of
tensors, which refers to storages by key, and each storage as a member, `<root>/data/<key>`, not compressed. Before, it
wrote four pickles (a number that marks the format, its version, facts of the machine, the table), a fifth with the
storages' keys in their order, then of each storage its number of values, 8 bytes, and the values.

`dcgan_tf.nets.pytorch.pickles` reads the pickles, `dcgan_tf.nets.pytorch.safetensors` the other format.
"""

import io
import zipfile
from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import free_bytes
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import size_text
from dcgan_tf.nets.pytorch.number_types import ITEM_BYTES, to_numbers
from dcgan_tf.nets.pytorch.pickles import MAX_PICKLE_BYTES, PickleReader, Storage, Tensor
from dcgan_tf.nets.pytorch.safetensors import is_safetensors, read_safetensors
from dcgan_tf.nets.words import reason, shown

MAGIC_NUMBER, FORMAT_VERSION = 0x1950A86A20F9469CFC6C, 1001
ZIP_START, ZIP_DIRECTORY_ENTRY, PICKLE_START = b"PK\x03\x04", b"PK\x01\x02", b"\x80"
# The content, its numbers as float32 (twice as long as the 16 bits that may be there), and what is at work.
MEMORY_FACTOR = 4
MAX_NESTING, MAX_VALUES, MAX_TENSORS, MAX_NAME_CHARACTERS = 32, 2**20, 20_000, 500
MAX_MEMBERS = 2 * MAX_TENSORS
SAVE_STATE_DICT = "save torch.save(model.state_dict(), path)"


def read_tensors(path) -> dict[str, np.ndarray]:
    """The tensors in a file by name, in the order in which they are there, with numbers of 16 bits as float32.

    Where dicts or lists are within each other, their keys are joined by "/": "generator/main.0.weight". Whatever is no
    tensor is left out. Tensors that share a storage share memory.

    Raises:
        UserError: there is no such file; it is damaged, of another format, needs more memory than is free, or holds
            anything but tables of tensors and plain values.
    """
    try:
        with open_regular(path) as file:
            size = file.seek(0, io.SEEK_END)
            _check_memory(size)
            file.seek(0)
            content = file.read(size)
        tensors = _read(content)
        if not tensors:
            raise UserError(f"holds no tensors with names: {SAVE_STATE_DICT}")
        return tensors
    except UserError as error:
        raise UserError(f"{printable(path)}: {error}") from error.__cause__
    except Exception as error:  # A damaged file raises errors of nearly every kind.
        raise UserError(f"{printable(path)}: cannot be read as tensors of PyTorch ({reason(error)})") from error


def _check_memory(size: int) -> None:
    needed, free = MEMORY_FACTOR * size, free_bytes()
    if needed > free:
        raise UserError(
            f"needs {size_text(needed)} of memory to be read, and {size_text(free)} are free: give the file of one net"
        )


def _read(content: bytes) -> dict[str, np.ndarray]:
    if content.startswith(ZIP_START):
        return _read_zip(content)
    if is_safetensors(content, len(content)):
        return read_safetensors(content)
    if content.startswith(PICKLE_START):
        return _read_pickles(content)
    raise UserError(f"is no file of torch.save or safetensors: {SAVE_STATE_DICT}")


def _read_zip(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of the format since PyTorch 1.6."""
    # The module zipfile makes an object of each entry, which takes far more memory than the entry in the file.
    if content.count(ZIP_DIRECTORY_ENTRY) > MAX_MEMBERS:
        raise UserError(f"holds over {MAX_MEMBERS:,} members: {SAVE_STATE_DICT}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        root = _root(archive.namelist())
        members = _members(archive, len(content))
        table = members[f"{root}/data.pkl"]
        if table.file_size > MAX_PICKLE_BYTES:
            raise UserError(
                f"has a table of tensors of {size_text(table.file_size)}, {size_text(MAX_PICKLE_BYTES)} at most are "
                f"read: {SAVE_STATE_DICT}"
            )
        order = members.get(f"{root}/byteorder")  # PyTorch before 2.1 wrote none.
        byte_order = archive.read(order).decode() if order and order.file_size < 10 else "little"

        def numbers(storage: Storage) -> np.ndarray:
            member = members.get(f"{root}/data/{storage.key}")
            size = storage.size * ITEM_BYTES[storage.code]
            if member is None or member.file_size < size:
                raise ValueError("it has fewer numbers than its table tells of")
            return to_numbers(memoryview(archive.read(member))[:size], storage.code, byte_order)

        return _arrays(PickleReader().load(io.BytesIO(archive.read(table))), numbers)


def _members(archive: zipfile.ZipFile, archive_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, none of which takes more memory than it takes of the file.

    Raises:
        UserError: there are some that would; or two of one name, an encrypted one, or a name that leads elsewhere.
    """
    members = {member.filename: member for member in archive.infolist()}
    if len(members) < len(archive.infolist()):
        raise UserError(f"holds two members of one name: {SAVE_STATE_DICT}")
    for name, member in members.items():
        if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts:
            raise UserError(f"holds {shown(name)!r}, which leads out of the archive: {SAVE_STATE_DICT}")
        if member.flag_bits & 1:
            raise UserError("is encrypted: unpack it, and pack it without a password and without compression")
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise UserError(f"holds compressed members, which PyTorch never writes: {SAVE_STATE_DICT}")
    if sum(member.file_size for member in members.values()) > archive_bytes:
        raise UserError(f"holds members that are larger than the file: {SAVE_STATE_DICT}")
    return members


def _root(names: list[str]) -> str:
    """The folder in which all members of PyTorch's archives lie. names: those of all members.

    Raises:
        UserError: it is no archive of torch.save.
    """
    roots = [name.rpartition("/")[0] for name in set(names) if PurePosixPath(name).name == "data.pkl"]
    if any(PurePosixPath(name).name == "constants.pkl" or "/code/" in name for name in names):
        raise UserError(
            "is TorchScript (torch.jit.save), which is a program, and no code of a file is run: load it in PyTorch "
            "and save torch.save(model.state_dict(), path)"
        )
    if len(roots) != 1 or not roots[0]:
        raise UserError(f"is a ZIP archive, but not one of torch.save: {SAVE_STATE_DICT}")
    return roots[0]


def _read_pickles(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of the format before PyTorch 1.6."""
    file, reader = io.BytesIO(content), PickleReader()
    if [reader.load(file), reader.load(file)] != [MAGIC_NUMBER, FORMAT_VERSION]:
        raise UserError(f"is a pickle, but not one of torch.save: {SAVE_STATE_DICT}")
    reader.load(file)
    table, keys = reader.load(file), reader.load(file)
    # Some keys would take for ever to be looked up: tuples of tuples of tuples.
    if type(keys) is not list or any(type(key) is not str for key in keys):
        raise ValueError("it has keys of storages that are no texts")
    if sorted(keys) != sorted(reader.storages):
        raise ValueError("it has other storages than its table tells of")
    places, start = {}, file.tell()
    for key in keys:
        storage = reader.storages[key]
        count = int.from_bytes(content[start : start + 8], "little")
        places[key] = start + 8
        start += 8 + count * ITEM_BYTES[storage.code]
        if count < storage.size or start > len(content):
            raise ValueError("it ends too soon")

    def numbers(storage: Storage) -> np.ndarray:
        start = places[storage.key]
        return to_numbers(memoryview(content)[start : start + storage.size * ITEM_BYTES[storage.code]], storage.code)

    return _arrays(table, numbers)


def _arrays(table, numbers: Callable[[Storage], np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors in a table by name. numbers: reads a storage; each is read once."""
    storages, arrays = {}, {}
    for name, tensor in _named(table):
        if name in arrays:
            raise UserError(f"holds two tensors named {shown(name)!r}: {SAVE_STATE_DICT}")
        key = tensor.storage.key
        if key not in storages:
            storages[key] = numbers(tensor.storage)
        arrays[name] = _array(storages[key], tensor)
    return arrays


def _named(table):
    """Lists (name, tensor), in order, of dicts and lists within each other; the keys on the way are joined by "/".

    A short pickle can refer to one dict from many places: so it is counted what is looked at, not what is there.

    Raises:
        UserError: they are nested over MAX_NESTING deep, hold over MAX_VALUES values or MAX_TENSORS tensors, or have
            names of over MAX_NAME_CHARACTERS.
    """
    found, seen = [], 0

    def look(value, keys, characters):
        nonlocal seen
        seen += 1
        is_much = seen > MAX_VALUES or len(found) > MAX_TENSORS
        if is_much or len(keys) > MAX_NESTING or characters > MAX_NAME_CHARACTERS:
            raise UserError(
                f"holds over {MAX_TENSORS:,} tensors or {MAX_VALUES:,} values, nested over {MAX_NESTING} deep, or with "
                f"names of over {MAX_NAME_CHARACTERS} characters: {SAVE_STATE_DICT}"
            )
        if isinstance(value, Tensor):
            if keys:
                found.append(("/".join(keys), value))
        elif isinstance(value, dict | list | tuple):
            for key, member in value.items() if isinstance(value, dict) else enumerate(value):
                look(member, [*keys, str(key)], characters + len(str(key)) + 1)

    look(table, [], 0)
    return found


def _array(storage: np.ndarray, tensor: Tensor) -> np.ndarray:
    """The values of a tensor, within the memory of its storage, each at a place of its own."""
    if 0 in tensor.shape:
        return np.zeros(tensor.shape, storage.dtype)
    reach = tensor.start
    for stride, side in sorted(zip(tensor.strides, tensor.shape, strict=True)):
        if side > 1 and stride <= reach - tensor.start:
            raise ValueError("a tensor has values that overlap")
        reach += (side - 1) * stride
    if reach >= len(storage):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.start :], tensor.shape, strides)
