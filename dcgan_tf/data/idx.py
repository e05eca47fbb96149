"""IDX, the format of the original MNIST files: images, plain or gzipped, with their labels in a file beside them."""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.reading import open_regular
from dcgan_tf.data.arrays import array_source
from dcgan_tf.data.members import LABELS_IGNORED
from dcgan_tf.data.rows import Rows, fill
from dcgan_tf.data.source import ImageSource, Wanted

GZIP_START = b"\x1f\x8b"
MAX_GZIP_RATIO = 1100  # No file is packed to less than a 1,032nd of its size.
UINT8_CODE = 0x08  # The third byte of a file is one of these codes.
TYPE_NAMES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}


def is_idx(head) -> bool:
    """Whether the first four bytes of a file begin an IDX header: two zeros, a known type, 1 to 4 axes."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in TYPE_NAMES and 1 <= head[3] <= 4


def training_images(folder) -> Path | None:
    """Returns the file ``train-images*`` of a folder, the plain one before the gzipped, or None. MNIST names it so."""
    return _first_file(Path(folder), "train-images")


def idx_source(path, name, wanted: Wanted) -> ImageSource:
    """Makes a source of an IDX file, with the labels of the file beside it.

    The name of that file has ``labels`` where the name of this one has ``images``. Labels that cannot be read, or do
    not fit the images, are left out with a note.

    Raises:
        UserError: the file is damaged, or holds labels or other numbers than bytes.
    """
    images = read_idx(path)
    if images.ndim == 1:
        raise UserError(f"{printable(path)} holds {len(images):,} labels, no images: give the file of the images")
    labels, notes = None, []
    beside = _labels_beside(path)
    if beside is not None:
        try:
            labels = read_idx(beside)
            if labels.shape != images.shape[:1]:
                raise UserError(f"{printable(beside)} has {len(labels):,} labels for {len(images):,} images")
        except UserError as error:
            labels, notes = None, [f"{LABELS_IGNORED}{error}"]
    return array_source(name, images, wanted, what=printable(path), labels=labels, notes=notes)


def read_idx(path) -> Rows | np.ndarray:
    """Returns the uint8 array of an IDX file: as `Rows`, or in memory when the file is gzipped or has one axis.

    Raises:
        UserError: the file is no IDX of unsigned bytes, its length is not the one its header says, it does not fit into
            memory, or it cannot be read.
    """
    what = printable(path)
    try:
        with open_regular(path) as file:
            is_zipped, file_bytes = file.read(2) == GZIP_START, os.fstat(file.fileno()).st_size
            file.seek(0)
            with gzip.GzipFile(fileobj=file) if is_zipped else file as content:
                shape = _read_shape(content, what, is_zipped)
                if is_zipped:
                    return _load(content, what, shape, file_bytes * MAX_GZIP_RATIO)
                _check_length(what, shape, file_bytes - content.tell())
                if len(shape) > 1:
                    return Rows(path, shape, np.uint8, offset=content.tell())
                return _load(content, what, shape, file_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{what} is damaged ({printable(error)}): download or copy it again") from error
    except OSError as error:
        raise UserError(f"{what} cannot be read: {printable(error.strerror or error)}") from error


def _read_shape(file, what, is_zipped):
    """Reads the header and returns the length of each axis."""
    head = file.read(4)
    if not is_idx(head):
        hint = "unpack it and give what is inside" if is_zipped else "it must begin with an IDX header"
        raise UserError(f"{what} is no {'gzipped ' if is_zipped else ''}IDX file: {hint}")
    if head[2] != UINT8_CODE:
        raise UserError(f"{what} is an IDX file of {TYPE_NAMES[head[2]]}, only uint8 is read: save it as .npy")
    axes = head[3]
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise EOFError("the header is cut off")
    return struct.unpack(f">{axes}I", sizes)


def _load(file, what, shape, at_most):
    """Reads the values into memory, and no more of the file than its header says. at_most: the bytes that it can hold."""
    data_bytes = math.prod(shape)
    # A header may claim anything. What the file cannot hold is not allocated, nor what would not fit.
    if data_bytes > at_most:
        raise UserError(f"{what} is damaged: it holds less than the {data_bytes:,} bytes that its header says")
    check_fits(what, data_bytes, "unpack it, then it is read piece by piece")
    content = np.empty(data_bytes, np.uint8)
    _check_length(what, shape, fill(content, file) + len(file.read(1)))
    return content.reshape(shape)


def _check_length(what, shape, found):
    data_bytes = math.prod(shape)
    if found != data_bytes:
        amount = "more than" if found > data_bytes else f"{found:,} of"
        raise UserError(f"{what} is damaged: it holds {amount} the {data_bytes:,} bytes that its header says")


def _labels_beside(path):
    """The file of the labels that belong to a file of images, or None."""
    path = Path(path)
    before, images, _ = path.name.rpartition("images")
    return _first_file(path.parent, before + "labels") if images else None


def _first_file(folder, start):
    """The first path in a folder, by name, that begins so and is no folder. What is no file is told when it is read."""
    found = [folder / name for name in sorted(os.listdir(folder)) if name.startswith(start)]
    return next((path for path in found if not path.is_dir()), None)
