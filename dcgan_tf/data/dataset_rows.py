"""Datasets in HDF5 files, of which only the rows asked for are read, and what is checked before that."""

import math
import os
import weakref

import h5py
import numpy as np

from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.text import size_text

MAX_BAND_BYTES = 2**26
MAX_PACKING_RATIO = 1100  # gzip packs nothing to less than a 1,032nd of its size.
MAX_CHUNK_GROWTH, MAX_CHUNK_EXTRA_BYTES = 1.01, 1024  # What cannot be packed becomes a little longer.
CHUNK_COPIES = 2  # A chunk is in memory as it is stored, and unpacked.


def check_dataset(dataset: h5py.Dataset, what: str) -> None:
    """Checks, without reading values, that a dataset of at least one axis can be read as what it claims to be.

    Raises:
        UserError: it is packed in a way that is not known here, was never filled, or its chunks do not fit into memory.
    """
    created = dataset.id.get_create_plist()
    for place in range(created.get_nfilters()):
        code, _, _, name = created.get_filter(place)
        if not h5py.h5z.filter_avail(code):
            shown = printable(name.decode("utf-8", "replace")) or "of no name"
            raise UserError(
                f"{what} is packed with the filter {code} ({shown}), which is not known here: pack it with gzip"
            )
    claimed = math.prod(dataset.shape) * dataset.dtype.itemsize
    if dataset.chunks is None:
        stored = min(dataset.id.get_storage_size(), os.stat(dataset.file.filename).st_size)
        is_whole = stored >= claimed
    else:
        sizes = _chunk_sizes(dataset, what)
        chunks = math.prod(-(-side // chunk) for side, chunk in zip(dataset.shape, dataset.chunks))
        stored = sum(sizes)
        is_whole = len(sizes) >= chunks and claimed <= stored * MAX_PACKING_RATIO
    if not is_whole:
        raise UserError(
            f"{what} claims {size_text(claimed)}, and the file holds {size_text(stored)} of it: "
            "it was never filled to its end; save the images again"
        )


def _chunk_sizes(dataset, what) -> list[int]:
    """Returns how many bytes of the file each chunk takes.

    Raises:
        UserError: a chunk does not fit into memory, or is longer than it would be unpacked: unpacking it would take far
            more memory than a chunk needs.
    """
    chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    check_fits(f"one chunk of {what}", CHUNK_COPIES * chunk_bytes, "save it with smaller chunks")
    sizes: list[int] = []
    dataset.id.chunk_iter(lambda chunk: sizes.append(chunk.size))
    if max(sizes, default=0) > chunk_bytes * MAX_CHUNK_GROWTH + MAX_CHUNK_EXTRA_BYTES:
        raise UserError(f"{what} is damaged: a chunk is longer than what it holds; copy the file again")
    return sizes


class DatasetRows:
    """A dataset of an open HDF5 file. ``rows[indices]`` reads rows of its first axis; threads may do so at once.

    The file is closed with it.

    Attributes:
        shape, dtype, ndim, itemsize: those of the array.
        is_packed: whether one row cannot be read without its neighbours, because chunks hold parts of many.
        band_rows: so many rows, from a multiple of it on, are read at once without reading any chunk twice.
    """

    def __init__(self, file: h5py.File, dataset: h5py.Dataset, what: str):
        self.shape, self.dtype = dataset.shape, np.dtype(dataset.dtype.str)
        self.ndim, self.itemsize = len(self.shape), self.dtype.itemsize
        self._dataset, self._what = dataset, what
        chunks = dataset.chunks
        has_filters = dataset.id.get_create_plist().get_nfilters() > 0
        self.is_packed = chunks is not None and chunks[0] > 1 and (has_filters or chunks[1:] != self.shape[1:])
        row_bytes = self.itemsize * math.prod(self.shape[1:])
        self.band_rows = max(1, min(chunks[0] if chunks else self.shape[0], MAX_BAND_BYTES // max(1, row_bytes)))
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """Reads the rows at `indices`, int [n], each from 0 to len - 1, into a new array [n, ...].

        Raises:
            IndexError: there is no such row.
            UserError: the file is damaged, or cannot be read any more.
        """
        rows, places = np.unique(indices, return_inverse=True)
        if len(rows) and not (0 <= rows[0] and rows[-1] < len(self)):
            raise IndexError(f"an index is not from 0 to {len(self) - 1}")
        # What is read at once: rows of one band of chunks, or rows that follow each other.
        groups = rows // self.band_rows if self.is_packed else rows - np.arange(len(rows))
        edges = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), len(rows)] if len(rows) else []
        content = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for start, stop in zip(edges, edges[1:]):
            self._read(rows[start:stop], content[start:stop])
        return content if np.array_equal(rows, indices) else content[places]

    def _read(self, rows, content):
        """Reads ascending rows into `content`, and those between them along."""
        first, last = int(rows[0]), int(rows[-1])
        try:
            if last - first + 1 == len(rows):
                self._dataset.read_direct(content, np.s_[first : last + 1])
            else:
                content[...] = self._dataset[first : last + 1][rows - first]
        except Exception as error:  # HDF5 raises almost anything for a damaged file.
            # With a cause, the cache would take it for an error of its own disk.
            raise UserError(f"{self._what} cannot be read: {first_line(error)}") from None
