"""Arrays of images: .npy files (read row by row), .npz archives, arrays in memory; their layout and value range."""

import collections
import math
import zipfile
from typing import NamedTuple

import numpy as np

from dcgan_tf.common import pixels
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import first_three, shape_text
from dcgan_tf.data.archives import Archive
from dcgan_tf.data.layouts import NUMBER_KINDS, Layout, find_layout, in_memory, layout_by_shape
from dcgan_tf.data.members import find_labels
from dcgan_tf.data.ranges import ValueRange, find_range, not_finite
from dcgan_tf.data.rows import READ_CHUNK_BYTES, open_npy
from dcgan_tf.data.sizes import shape_of_most
from dcgan_tf.data.source import ImageSource, Wanted, channels_note

IMAGE_KEYS = ("images", "x_train", "x", "arr_0")
LABEL_KEYS = ("labels", "y_train", "y")

WORK_FACTOR = 3  # Reading and converting an image takes about this many times its size.


def npy_source(path, name, wanted: Wanted) -> ImageSource:
    """Makes a source of a .npy file. Images are read from the file when asked for; none is kept in memory.

    Raises:
        UserError: the file is damaged, holds no images, or its value range is not clear.
    """
    what = printable(path)
    try:
        array = open_npy(path)
    except (UserError, OSError):
        raise
    except Exception as error:  # A damaged header raises almost anything.
        raise UserError(_why_not_loaded(what, error)) from error
    return array_source(name, array, wanted, what=what)


def npz_source(path, name, wanted: Wanted) -> ImageSource:
    """Makes a source of a .npz archive, with its labels. All its images are loaded into memory.

    The images are the array called `images`, `x_train`, `x` or `arr_0`, or the only one that has the shape of images;
    the labels are the one called `labels`, `y_train` or `y`.

    Raises:
        UserError: the file is damaged, holds no images, or their value range is not clear.
    """
    what = printable(path)
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            arrays = Archive(archive, what)
            key = _images_key(arrays, what, wanted.size)
            images = arrays.load(key)
            labels, notes = _labels(arrays, images.shape, wanted.size)
    except (UserError, OSError):
        raise
    except Exception as error:  # A damaged archive raises almost anything.
        raise UserError(_why_not_loaded(what, error)) from error
    return array_source(name, images, wanted, what=f"{what}, array '{printable(key)}'", labels=labels, notes=notes)


def array_source(name, array, wanted: Wanted, *, what, labels=None, notes=()) -> ImageSource:
    """Makes a source of an array of numbers: [N, H, W], [N, H, W, C] or [N, C, H, W], with C of 1 to 4.

    [H, W, C, N] is taken, too, and [N, D], where D is sure to be the values of one image: see `dcgan_tf.data.layouts`.

    Args:
        what: the file or set in words, for messages.
        labels: int [N] or None.
        notes: what is known already, for `ImageSource.notes`.

    Raises:
        UserError: the array holds no images, NaN or infinity, or its value range is not clear.
    """
    layout = find_layout(array, what, wanted.size)
    notes = [*notes, *layout.notes(array.shape)]
    if layout.images_are_last:
        array = np.moveaxis(in_memory(array, what), -1, 0)
    check_fits(f"one image of {what}", WORK_FACTOR * _image_bytes(array), "make the images smaller")
    value_range = find_range(array, what, wanted.value_range)
    *stored_size, stored_channels = layout.image_shape
    fit = wanted.fit._replace(size=tuple(wanted.size or stored_size))
    channels = wanted.channels or (1 if stored_channels <= 2 else 3)
    if stored_channels in (2, 4):
        notes.append("alpha composited on white")
    if (channels == 1) != (stored_channels <= 2):
        notes.append(channels_note(channels))
    if list(fit.size) != stored_size:
        notes.append(f"resized from {shape_text(stored_size)} to {shape_text(fit.size)}")
    return ImageSource(
        name,
        (*fit.size, channels),
        len(array),
        _Pixels(array, layout, value_range, channels, fit, what).read,
        value_range.text,
        labels=None if labels is None else np.asarray(labels, np.int64),
        notes=notes,
        headroom=fit.headroom(stored_size),
        shape_of_most=shape_of_most(collections.Counter([tuple(stored_size)]), fit),
        hardly_used=value_range.hardly_used,
        is_cut=wanted.is_cut,
    )


class _Pixels(NamedTuple):
    """Images made from the rows of an array. what: the array in words."""

    array: np.ndarray
    layout: Layout
    value_range: ValueRange
    channels: int
    fit: Fit
    what: str

    def read(self, indices, at=None) -> np.ndarray:
        """See `ImageSource.pixels`. Few images are read at a time: the stored ones may be much larger than the wanted."""
        step = max(1, READ_CHUNK_BYTES // _image_bytes(self.array))
        if len(indices) <= step:
            return self._read(indices, at)
        pieces = (slice(start, start + step) for start in range(0, len(indices), step))
        return np.concatenate([self._read(indices[piece], None if at is None else at[piece]) for piece in pieces])

    def _read(self, indices, at):
        images = self.layout.to_images(self.array[indices])
        if images.dtype.kind == "f" and not np.isfinite(images).all():
            bad = indices[~np.isfinite(images).all(axis=(1, 2, 3))][0]
            raise UserError(not_finite(self.what, bad))
        images = pixels.to_uint8(images, self.value_range.low, self.value_range.high)
        return self.fit.images(pixels.to_channels(images, self.channels), at)


def _image_bytes(array):
    return array.itemsize * math.prod(array.shape[1:])


def _images_key(arrays, what, size):
    """The name of the array of images in an archive: a usual name, or the only array that has the shape of images."""
    for key in IMAGE_KEYS:
        if key in arrays.keys:
            return key
    shapes = {key: shape for key in arrays.keys if (shape := _shape_of_numbers(arrays, key)) is not None}
    like_images = [key for key, shape in shapes.items() if len(shape) in (3, 4)]
    like_images = like_images or [key for key, shape in shapes.items() if layout_by_shape(shape, size)]
    if len(like_images) == 1:
        return like_images[0]
    raise UserError(f"{what} holds {first_three(map(printable, arrays.keys))}: call the array of the images 'images'")


def _shape_of_numbers(arrays, key):
    """The shape of an array, or None where it holds no numbers."""
    try:
        header = arrays.header(key)
    except ValueError:  # It holds Python objects.
        return None
    return header.shape if header.dtype.kind in NUMBER_KINDS else None


def _labels(arrays, images_shape, size):
    """Returns the labels in an archive as int64 [N], or None where none fit the images, and notes."""

    def header_of(key):
        header = arrays.header(key)
        return header.shape, header.dtype

    layout = layout_by_shape(images_shape, size)
    keys = [key for key in LABEL_KEYS if key in arrays.keys][:1]
    return find_labels(keys, header_of, arrays.load, layout.count(images_shape)) if layout else (None, [])


def _why_not_loaded(what, error):
    if isinstance(error, MemoryError):
        return f"{what} does not fit into memory: save its images as .npy, which is read piece by piece"
    if "Python objects" in str(error):
        return f"{what} holds Python objects, not numbers: save the images as a uint8 or float array [N, H, W, C]"
    return f"{what} is damaged and cannot be read as an array: copy it again"
