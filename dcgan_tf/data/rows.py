"""Arrays in files, of which only the rows asked for are read, so that a file of any size needs little memory."""

import math
import os
import threading
import weakref

import numpy as np

from dcgan_tf.common.errors import UserError, printable


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
        self._file, self._lock = open(path, "rb", buffering=0), threading.Lock()
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


def open_npy(path) -> "Rows | np.ndarray":
    """Opens the array of a .npy file as `Rows`, or as a memory map where it is not in C order.

    Raises:
        Exception: whatever NumPy raises for a damaged file.
    """
    array = np.load(path, mmap_mode="r", allow_pickle=False)  # This checks the header and the length of the file.
    if array.ndim and array.flags.c_contiguous:
        return Rows(path, array.shape, array.dtype, array.offset)
    return array
