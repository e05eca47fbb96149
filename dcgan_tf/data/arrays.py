"""Arrays of images: .npy files (read row by row), .npz archives, arrays in memory; their layout and value range."""

import math
import zipfile

import numpy as np

from dcgan_tf.common import pixels
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import first_three, shape_text
from dcgan_tf.data.archives import Archive
from dcgan_tf.data.rows import READ_CHUNK_BYTES, open_npy
from dcgan_tf.data.source import ImageSource, Wanted, channels_note

IMAGE_KEYS = ("images", "x_train", "x", "arr_0")
LABEL_KEYS = ("labels", "y_train", "y")

# The value range is judged on a sample of the images: as many as both limits allow, yet never fewer than the least.
MAX_SAMPLE_IMAGES, MAX_SAMPLE_BYTES, MIN_SAMPLE_IMAGES = 4096, 2**27, 16
WORK_FACTOR = 3  # Reading and converting an image takes about this many times its size.
MAX_AXES_SHOWN = 8
RANGE_TOLERANCE = 1e-3  # Rounding may put values outside their range by this share of it.


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
            key = _images_key(arrays, what)
            images = arrays.load(key)
            label_key = next((key for key in LABEL_KEYS if key in arrays.keys), None)
            labels, notes = _labels(arrays, label_key, len(images) if images.ndim else 0)
    except (UserError, OSError):
        raise
    except Exception as error:  # A damaged archive raises almost anything.
        raise UserError(_why_not_loaded(what, error)) from error
    return array_source(name, images, wanted, what=f"{what}, array '{printable(key)}'", labels=labels, notes=notes)


def array_source(name, array, wanted: Wanted, *, what, labels=None, notes=()) -> ImageSource:
    """Makes a source of an array of numbers: [N, H, W], [N, H, W, C] or [N, C, H, W], with C of 1 to 4.

    Args:
        what: the file or set in words, for messages.
        labels: int [N] or None.
        notes: what is known already, for `ImageSource.notes`.

    Raises:
        UserError: the array holds no images, NaN or infinity, or its value range is not clear.
    """
    channels_first, stored_shape = _layout(array, what)
    check_fits(f"one image of {what}", WORK_FACTOR * _image_bytes(array), "make the images smaller")
    low, high, values = _value_range(array, what, wanted.value_range)
    *stored_size, stored_channels = stored_shape
    size = tuple(wanted.size or stored_size)
    channels = wanted.channels or (1 if stored_channels <= 2 else 3)

    notes = list(notes)
    if channels_first:
        notes.append(f"channels-first array: {_axes_text(array.shape)} is read as [N, C, H, W]")
    if stored_channels in (2, 4):
        notes.append("alpha composited on white")
    if (channels == 1) != (stored_channels <= 2):
        notes.append(channels_note(channels))
    if list(size) != stored_size:
        notes.append(f"resized from {shape_text(stored_size)} to {shape_text(size)}")

    def read(indices):
        images = array[indices]
        if images.ndim == 3:
            images = images[..., None]
        elif channels_first:
            images = np.moveaxis(images, 1, -1)
        if images.dtype.kind == "f" and not np.isfinite(images).all():
            bad = indices[~np.isfinite(images).all(axis=(1, 2, 3))][0]
            raise UserError(_not_finite(what, bad))
        images = pixels.to_uint8(images, low, high)
        return pixels.fit_all(pixels.to_channels(images, channels), size)

    def read_in_pieces(indices):
        """Reads few images at a time, because the stored ones may be much larger than the wanted."""
        if len(indices) <= images_a_piece:
            return read(indices)
        starts = range(0, len(indices), images_a_piece)
        return np.concatenate([read(indices[start : start + images_a_piece]) for start in starts])

    images_a_piece = max(1, READ_CHUNK_BYTES // _image_bytes(array))
    labels = None if labels is None else np.asarray(labels, np.int64)
    headroom = min(stored / side for stored, side in zip(stored_size, size))
    return ImageSource(
        name, (*size, channels), len(array), read_in_pieces, values, labels=labels, notes=notes, headroom=headroom
    )


def _layout(array, what):
    """Returns whether the channels come first, and the shape (H, W, C) of one image. Refuses arrays of other shapes."""
    shape = array.shape
    if array.dtype.kind not in "buif":
        raise UserError(f"{what} holds {array.dtype.name}, not numbers: images are uint8 or float arrays [N, H, W, C]")
    if array.ndim not in (3, 4):
        raise UserError(f"{what} has the shape {_axes_text(shape)}: images are [N, H, W], [N, H, W, C] or [N, C, H, W]")
    if 0 in shape:
        raise UserError(f"{what} has the shape {_axes_text(shape)}: there are no images in it")
    if array.ndim == 3 and shape[-1] <= 4:
        raise UserError(
            f"{what} has the shape {_axes_text(shape)}, which looks like one image [H, W, C]: "
            "a set of images is [N, H, W, C]"
        )
    if array.ndim == 3:
        return False, (*shape[1:], 1)
    if shape[-1] <= 4:
        return False, shape[1:]
    if shape[1] <= 4:
        return True, (*shape[2:], shape[1])
    raise UserError(
        f"{what} has the shape {_axes_text(shape)}: images have 1 to 4 channels, [N, H, W, C] or [N, C, H, W]"
    )


def _value_range(array, what, given):
    """Returns the values that become 0 and 255, and a text for people that says them.

    given: (low, high) as the user gave them, or None to recognise them.
    """
    dtype = array.dtype.newbyteorder("=")
    if given is not None:
        if dtype.kind == "f":
            _min_max(array, what)  # Refuses NaN.
        low, high = given
        return low, high, f"{dtype.name} {low:g}..{high:g} (given)"
    if dtype.kind == "b":
        return 0, 1, "bool 0..1"
    least, most = _min_max(array, what)
    recognised = _recognised(dtype, least, most)
    if recognised is None:
        raise UserError(
            f"{what}: the value range is not clear ({dtype.name}, {least:g} to {most:g} seen): "
            "give --value-range LO HI, the values that mean black and white"
        )
    low, high = recognised
    return low, high, f"{dtype.name} {low}..{high}"


def _recognised(dtype, least, most):
    """Returns the range (low, high) that values from `least` to `most` clearly use, or None where it is not clear.

    Values that fill less than half of a range could as well be of another one.
    """

    def within(low, high):
        slack = RANGE_TOLERANCE * (high - low)
        return low - slack <= least and most <= high + slack

    if dtype == np.uint8:
        return (0, 255) if most >= 32 else None  # Smaller values may be class numbers of a mask, or greys of 4 bits.
    if dtype == np.int8:  # These are 0..255 shifted by 128; 0..127 could as well be 7 bits.
        return (-128, 127) if least < 0 and int(most) - int(least) >= 128 else None
    if dtype == np.uint16:
        return None  # Cameras and scanners use 10, 12, 14 or 16 of the bits; the values do not tell which.
    if dtype.kind == "f" and within(0, 1) and most >= 0.5:
        return 0, 1
    if dtype.kind == "f" and within(-1, 1) and least <= -0.5 and most >= 0.5:
        return -1, 1
    if within(0, 255) and most >= 127:
        return 0, 255
    return None


def _min_max(array, what):
    """Returns the least and the greatest value of a sample spread over the array. Refuses NaN and infinity."""
    image_bytes = _image_bytes(array)
    sample = pixels.spread(len(array), min(MAX_SAMPLE_IMAGES, max(MIN_SAMPLE_IMAGES, MAX_SAMPLE_BYTES // image_bytes)))
    least, most = np.inf, -np.inf
    step = max(1, READ_CHUNK_BYTES // image_bytes)
    for start in range(0, len(sample), step):
        indices = sample[start : start + step]
        chunk = array[indices]
        low, high = chunk.min(), chunk.max()  # Both are NaN when any value is.
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
            raise UserError(_not_finite(what, indices[~finite][0]))
        least, most = min(least, low), max(most, high)
    return least, most


def _image_bytes(array):
    return array.itemsize * math.prod(array.shape[1:])


def _images_key(arrays, what):
    """The name of the array of images in an archive: a usual name, or the only array that has the shape of images."""
    for key in IMAGE_KEYS:
        if key in arrays.keys:
            return key
    like_images = [key for key in arrays.keys if _looks_like_images(arrays, key)]
    if len(like_images) == 1:
        return like_images[0]
    raise UserError(f"{what} holds {first_three(map(printable, arrays.keys))}: call the array of the images 'images'")


def _looks_like_images(arrays, key):
    try:
        header = arrays.header(key)
    except ValueError:  # It holds Python objects.
        return False
    return len(header.shape) in (3, 4) and header.dtype.kind in "buif"


def _labels(arrays, key, count):
    """Returns the labels as int64 [count], or None where they do not fit the images, and a note that says so."""
    if key is None:
        return None, []
    header = arrays.header(key)
    # Keras stores the labels of CIFAR-10 as [count, 1].
    if header.shape in ((count,), (count, 1)) and header.dtype.kind in "bui":
        labels = arrays.load(key).reshape(-1)
        if header.dtype.kind != "u" or labels.max(initial=0) <= np.iinfo(np.int64).max:
            return labels.astype(np.int64), []
    shape = _axes_text(header.shape)
    return None, [f"labels ignored: '{key}' is {header.dtype.name} {shape}, not one whole number for each image"]


def _why_not_loaded(what, error):
    if isinstance(error, MemoryError):
        return f"{what} does not fit into memory: save its images as .npy, which is read piece by piece"
    if "Python objects" in str(error):
        return f"{what} holds Python objects, not numbers: save the images as a uint8 or float array [N, H, W, C]"
    return f"{what} is damaged and cannot be read as an array: copy it again"


def _not_finite(what, index):
    return f"{what}: image {index} holds NaN or infinity; mend or remove it"


def _axes_text(shape):
    """(4, 28, 28) -> "[4, 28, 28]": the axes of an array, as the messages here name axes ("[N, H, W]")."""
    return "[" + ", ".join([*map(str, shape[:MAX_AXES_SHOWN]), *(["..."] if len(shape) > MAX_AXES_SHOWN else [])]) + "]"
