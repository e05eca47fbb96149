"""Arrays in files, of which only the rows asked for are read, so that a file of any size needs little memory."""

import io
import math
import os
import threading
import warnings
import weakref
from typing import NamedTuple

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.reading import open_regular

MAGIC_BYTES = 8  # of NumPy's format, with its version
MAX_HEADER_BYTES = 2**16  # That of an array of numbers has some hundred.
MAX_AXIS = 2**63 - 1
READ_CHUNK_BYTES = 2**24


class Rows:
    """An array in a file, in C order. ``rows[indices]`` reads rows of its first axis; threads may do so at once.

    A memory map would be less code. But every page of a map that was read once counts as memory of the process, up to
    the size of the file; and when the file is cut short meanwhile, a map kills the process, while a read raises.

    Attributes: shape, dtype, ndim and itemsize are those of the array.
    """

    def __init__(self, path, shape: tuple[int, ...], dtype, offset: int):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.ndim, self.itemsize = len(self.shape), self.dtype.itemsize
        self._what, self._offset = printable(path), offset
        self._row_bytes = self.itemsize * math.prod(self.shape[1:])
        self._file, self._lock = open_regular(path), threading.Lock()
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """Reads the rows at `indices`, int [n], each from 0 to len - 1, into a new array [n, ...].

        Raises:
            IndexError: there is no such row.
            UserError: the file is shorter than it was, or cannot be read any more.
        """
        count = len(indices)
        if count and not (0 <= np.min(indices) and np.max(indices) < len(self)):
            raise IndexError(f"an index is not from 0 to {len(self) - 1}")
        content = np.empty((count, self._row_bytes), np.uint8)
        breaks = np.flatnonzero(np.diff(indices) != 1) + 1  # Rows that follow each other are one read.
        edges = [0, *breaks.tolist(), count] if count else []
        for start, stop in zip(edges, edges[1:]):
            self._fill(content[start:stop].reshape(-1), self._offset + int(indices[start]) * self._row_bytes)
        return content.reshape(-1).view(self.dtype).reshape(count, *self.shape[1:])

    def _fill(self, content, position):
        """Reads bytes from `position` on until `content` is full; the system may give fewer at a time."""
        left = memoryview(content)
        while left:
            try:
                count = self._read_into(left, position)
            except OSError as error:
                raise UserError(f"{self._what} cannot be read: {printable(error.strerror or error)}") from error
            if count == 0:
                raise UserError(f"{self._what} is shorter than its header says: it is truncated, copy it again")
            left, position = left[count:], position + count

    def _read_into(self, view, position) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [view], position)
        with self._lock:  # Windows has no preadv, and a file has only one position.
            self._file.seek(position)
            return self._file.readinto(view)


class MappedRows:
    """Another array, of which each piece is passed through a function when it is read.

    Args:
        array: what is read: ``array[indices]``.
        function: takes rows [n, ...] of that array, and returns those of this one.
        shape, dtype: those of this array, [len(array), ...].
    """

    def __init__(self, array, function, shape: tuple[int, ...], dtype):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.ndim, self.itemsize = len(self.shape), self.dtype.itemsize
        self._array, self._function = array, function

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return self._function(self._array[indices])


class Header(NamedTuple):
    """What the header of an array in NumPy's format says; the values follow it."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype
    length: int  # of the header in bytes

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file) -> Header:
    """Reads the header that a file in NumPy's format begins with, up to the values.

    Raises:
        Exception: almost anything where it is damaged; a ValueError where it is of Python objects.
    """
    version = np.lib.format.read_magic(file)
    length_bytes = 2 if version == (1, 0) else 4  # Version 3 differs from 2 in the names of fields alone.
    parse = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    length_field = file.read(length_bytes)
    length = int.from_bytes(length_field, "little")
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {length:,} bytes")
    with warnings.catch_warnings():  # NumPy and Python warn of headers that Python 2 wrote, and of odd ones.
        warnings.simplefilter("ignore")
        try:
            shape, is_fortran, dtype = parse(io.BytesIO(length_field + file.read(length)))
        except (MemoryError, RecursionError):
            raise ValueError("it is nested too deeply") from None
    if dtype.hasobject:
        raise ValueError("Python objects")
    if any(not 0 <= n <= MAX_AXIS for n in shape):
        raise ValueError("an axis of a length that cannot be")
    return Header(tuple(map(int, shape)), is_fortran, dtype, MAGIC_BYTES + length_bytes + length)


def read_values(file, header: Header) -> np.ndarray:
    """Reads the values that follow a header into a new array in memory, piece by piece.

    Raises:
        EOFError: there are fewer.
    """
    content = np.empty(header.data_bytes, np.uint8)
    done = fill(content, file)
    if done < len(content):
        raise EOFError(f"it ends after {done:,} of {len(content):,} bytes")
    return content.view(header.dtype).reshape(header.shape, order="F" if header.is_fortran else "C")


def fill(content: np.ndarray, file) -> int:
    """Reads from any open file until `content`, uint8 [n], is full or the file ends. Returns the number of bytes read."""
    done = 0
    while done < len(content) and (count := file.readinto(memoryview(content)[done : done + READ_CHUNK_BYTES])):
        done += count
    return done


def open_npy(path) -> "Rows | np.ndarray":
    """Opens the array of a .npy file as `Rows`. One that is not in C order is read into memory.

    Raises:
        UserError: the file is shorter than its header says, or does not fit into memory.
        OSError: it cannot be read.
        Exception: almost anything for a damaged header.
    """
    with open_regular(path) as file:
        header = read_header(file)
        if header.data_bytes > os.fstat(file.fileno()).st_size - header.length:
            raise UserError(f"{printable(path)} is shorter than its header says: it is truncated, copy it again")
        if header.shape and not (header.is_fortran and len(header.shape) > 1):
            return Rows(path, header.shape, header.dtype, header.length)
        # The images of an array in Fortran order are spread over all of the file.
        check_fits(printable(path), header.data_bytes, "save it in C order, which is read piece by piece")
        return read_values(file, header)
