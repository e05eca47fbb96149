"""IDX, the format of the original MNIST files: images, plain or gzipped, with their labels in a file beside them."""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.data.arrays import array_source
from dcgan_tf.data.rows import Rows
from dcgan_tf.data.source import ImageSource, Wanted

UINT8_CODE = 0x08  # The third byte of a file is one of these codes.
TYPE_NAMES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}


def is_idx(head) -> bool:
    """Whether the first four bytes of a file begin an IDX header: two zeros, a known type, 1 to 4 axes."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in TYPE_NAMES and 1 <= head[3] <= 4


def training_images(folder) -> Path | None:
    """Returns the file ``train-images*`` of a folder, the plain one before the gzipped, or None. MNIST names it so."""
    found = [Path(folder) / name for name in sorted(os.listdir(folder)) if name.startswith("train-images")]
    return next((path for path in found if path.is_file()), None)


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
            labels, notes = None, [f"labels ignored: {error}"]
    return array_source(name, images, wanted, what=printable(path), labels=labels, notes=notes)


def read_idx(path) -> Rows | np.ndarray:
    """Returns the uint8 array of an IDX file: as `Rows`, or in memory when the file is gzipped or has one axis.

    Raises:
        UserError: the file is no IDX of unsigned bytes, or its length is not the one its header says.
    """
    what = printable(path)
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if zipped else open(path, "rb") as file:
            head = file.read(4)
            if not is_idx(head):
                hint = "unpack it and give what is inside" if zipped else "it must begin with an IDX header"
                raise UserError(f"{what} is no {'gzipped ' if zipped else ''}IDX file: {hint}")
            if head[2] != UINT8_CODE:
                raise UserError(f"{what} is an IDX file of {TYPE_NAMES[head[2]]}, only uint8 is read: save it as .npy")
            sizes = file.read(4 * head[3])
            if len(sizes) < 4 * head[3]:
                raise EOFError("the header is cut off")
            shape = struct.unpack(f">{head[3]}I", sizes)
            data_bytes = math.prod(shape)
            # One byte more than the header says shows a file that is too long, without unpacking all of it.
            content = file.read(data_bytes + 1) if zipped else b""
            found = len(content) if zipped else os.path.getsize(path) - 4 - len(sizes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{what} is damaged ({printable(error)}): download or copy it again") from error
    if found != data_bytes:
        amount = "more than" if found > data_bytes else f"{found:,} of"
        raise UserError(f"{what} is damaged: it holds {amount} the {data_bytes:,} bytes that its header says")
    if zipped or data_bytes == 0:
        return np.frombuffer(content, np.uint8).reshape(shape)
    rows = Rows(path, shape, np.uint8, offset=4 + 4 * len(shape))
    return rows if rows.ndim > 1 else rows[np.arange(len(rows))]


def _labels_beside(path):
    """The file of the labels that belong to a file of images, or None."""
    path = Path(path)
    before, images, _ = path.name.rpartition("images")
    if not images:
        return None
    found = [path.with_name(name) for name in sorted(os.listdir(path.parent)) if name.startswith(before + "labels")]
    return next((path for path in found if path.is_file()), None)
