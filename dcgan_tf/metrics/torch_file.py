"""Reads the tensors of a file that PyTorch's `torch.save` has written, without PyTorch and without running what is in it.

Such a file is a pickle, and a pickle may name any function of any module to be called with any values. Here the only names
that are known are the few that a table of tensors needs; any other one is refused before it is looked up. The files are
those of PyTorch before 1.6, without a ZIP archive around: four pickles (a number that marks the format, its version, facts
of the machine, the table of tensors, which refers to storages by key), a fifth with the storages' keys in their order, then
of each storage its number of values, 8 bytes, and the values.
"""

import pickle
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from dcgan_tf.common.errors import UserError, printable

MAGIC_NUMBER, FORMAT_VERSION = 0x1950A86A20F9469CFC6C, 1001


class _Tensor(NamedTuple):
    """Which values of a storage a tensor is made of. The shape and strides are counted in values."""

    key: str
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _tensor(storage, start, shape, strides, *_):
    """Stands in for torch._utils._rebuild_tensor_v2, whose last arguments only gradients need."""
    return _Tensor(storage, start, tuple(shape), tuple(strides))


_KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Reader(pickle.Unpickler):
    def __init__(self, file):
        super().__init__(file)
        self.types: dict[str, np.dtype] = {}  # of the storages, by key

    def find_class(self, module, name):
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no table of tensors needs")
        return _KNOWN[module, name]

    def persistent_load(self, saved):
        """The key of a storage. saved: ("storage", its type, its key, the device, its number of values, a view or None)."""
        kind, type_, key, _, _, view = saved
        if kind != "storage" or not isinstance(type_, np.dtype) or view is not None:
            raise pickle.UnpicklingError("it refers to something that is no whole storage of numbers")
        self.types[key] = type_
        return key


def read_tensors(path) -> dict[str, np.ndarray]:
    """The tensors of a file by name, float32 or int64, as they are there.

    Raises:
        UserError: the file is damaged, of another format, or holds anything but a table of such tensors.
    """
    try:
        with open(path, "rb") as file:
            start = [_Reader(file).load() for _ in range(2)]
            if start != [MAGIC_NUMBER, FORMAT_VERSION]:
                raise ValueError("it is of another format")
            _Reader(file).load()
            reader = _Reader(file)
            table = reader.load()
            storages = {key: _storage(file, reader.types[key]) for key in _Reader(file).load()}
        return {name: _values(storages[tensor.key], tensor) for name, tensor in table.items()}
    except Exception as error:  # A damaged pickle raises errors of nearly every kind.
        raise UserError(f"{printable(path)}: cannot be read as tensors of PyTorch ({printable(error)})") from error


def _storage(file, type_: np.dtype) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    values = file.read(count * type_.itemsize)
    if len(values) != count * type_.itemsize:
        raise ValueError("it ends too soon")
    return np.frombuffer(values, type_)


def _values(storage: np.ndarray, tensor: _Tensor) -> np.ndarray:
    """A copy of the values of a tensor, which lie within the storage."""
    reach = tensor.start + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    if min(tensor.start, *tensor.shape, *tensor.strides, 0) < 0 or reach >= len(storage):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.start :], tensor.shape, strides).copy()
