"""How images lie in an array: which axis counts them, which are height, width and channels; told by its shape."""

import math
from typing import NamedTuple

import numpy as np

from dcgan_tf.common import pixels
from dcgan_tf.common.errors import UserError
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.text import shape_text

NUMBER_KINDS = "buif"  # NumPy's letters for the types that images may have
MAX_CHANNELS = 4
MIN_FLAT_VALUES = 64  # Shorter rows are hardly images, but rows of a table.
MIN_STRETCH = 16  # An image so many times wider than high is taken for many images, one behind the other.
MAX_COMPARED_IMAGES, MAX_COMPARED_BYTES = 64, 2**26
MAX_AXES_SHOWN = 8
USUAL_AXES = "images are [N, H, W], [N, H, W, C] or [N, C, H, W]"


class Layout(NamedTuple):
    """Where the images are in an array.

    axes: the stored axes in order, such as "NHWC" or "HWCN". is_flat: whether all but the first are one axis.
    image_shape: (H, W, C) of one image.
    """

    axes: str
    image_shape: tuple[int, int, int]
    is_flat: bool = False

    @property
    def images_are_last(self) -> bool:
        return self.axes[-1] == "N"

    def count(self, shape) -> int:
        """The number of images in an array of this layout and of a shape."""
        return shape[-1 if self.images_are_last else 0]

    def to_images(self, rows) -> np.ndarray:
        """Turns rows of the axis of the images, moved to the front, into images [n, H, W, C]."""
        inner = self.axes.replace("N", "")
        if self.is_flat:
            sides = dict(zip("HWC", self.image_shape))
            rows = rows.reshape(len(rows), *(sides[axis] for axis in inner))
        if inner == "HW":
            return rows[..., None]
        return np.moveaxis(rows, 1, -1) if inner == "CHW" else rows

    def notes(self, shape) -> list[str]:
        """What to say of this layout of an array of a shape; nothing of the usual ones."""
        if self.is_flat:
            order = {"CHW": ", channel by channel (planar)", "HWC": ", pixel by pixel (interleaved)"}
            colours = "grey" if self.image_shape[2] == 1 else "colour"
            stored = order.get(self.axes[1:], "")
            return [f"flat rows: {axes_text(shape)} is read as {shape_text(self.image_shape[:2])} {colours}{stored}"]
        if self.axes == "NCHW":
            return [f"channels-first array: {axes_text(shape)} is read as [N, C, H, W]"]
        if self.images_are_last:
            return [f"images-last array: {axes_text(shape)} is read as [{', '.join(self.axes)}]"]
        return []


def layout_by_shape(shape, size=None) -> Layout | None:
    """Returns the layout that the shape of an array shows, or None where it shows none.

    size: the wanted (H, W) or None. It settles what flat rows are. Those of colour are said to be interleaved, as only
    their values tell whether they are.
    """
    if 0 in shape:
        return None
    if len(shape) == 2:
        image_shape = flat_shape(shape[1], size)
        # A square array may as well be one grey image.
        if image_shape is None or (shape[0] == shape[1] and image_shape[:2] != tuple(size or ())):
            return None
        return Layout("NHW" if image_shape[2] == 1 else "NHWC", image_shape, is_flat=True)
    if len(shape) == 3 and shape[-1] > MAX_CHANNELS:
        if shape[0] == shape[1] and shape[2] >= MIN_STRETCH * shape[1]:
            return Layout("HWN", (*shape[:2], 1))
        return Layout("NHW", (*shape[1:], 1))
    if len(shape) == 4 and shape[-1] <= MAX_CHANNELS:
        return Layout("NHWC", shape[1:])
    if len(shape) == 4 and shape[1] <= MAX_CHANNELS:
        return Layout("NCHW", (*shape[2:], shape[1]))
    if len(shape) == 4 and shape[2] <= MAX_CHANNELS:
        return Layout("HWCN", shape[:3])
    return None


def flat_shape(values: int, size=None) -> tuple[int, int, int] | None:
    """Returns the (H, W, C) of an image of so many values, or None where it is not sure.

    It is the wanted size, where that has so many pixels; else a square. C is 1 or 3.
    """
    if values < MIN_FLAT_VALUES:
        return None
    for channels in (1, 3):
        if size is not None and math.prod(size) * channels == values:
            return (*size, channels)
    for channels in (1, 3):
        side = math.isqrt(values // channels)
        if side * side * channels == values:
            return side, side, channels
    return None


def find_layout(array, what, size=None) -> Layout:
    """Returns the layout of an array of images, in memory or read by rows.

    Raises:
        UserError: its type or shape is none of images.
    """
    if array.dtype.kind not in NUMBER_KINDS:
        raise UserError(f"{what} holds {array.dtype.name}, not numbers: images are uint8 or float arrays [N, H, W, C]")
    layout = layout_by_shape(array.shape, size)
    if layout is None:
        raise no_images(what, array.shape)
    if layout.is_flat and layout.image_shape[2] == 3 and _is_planar(array, layout.image_shape):
        layout = layout._replace(axes="NCHW")
    return layout


def no_images(what, shape) -> UserError:
    """The error that an array of such a shape holds no images."""
    return UserError(f"{what} has the shape {axes_text(shape)}{_why_no_images(shape)}")


def in_memory(array, what) -> np.ndarray:
    """Returns an array as it is, or reads all of its rows into memory, for images that are spread over all of it.

    Raises:
        UserError: it does not fit.
    """
    if isinstance(array, np.ndarray):
        return array
    needed = math.prod(array.shape) * array.itemsize
    check_fits(what, needed, "save the images as .npy [N, H, W, C], which is read piece by piece")
    return array[np.arange(len(array))]


def axes_text(shape) -> str:
    """(4, 28, 28) -> "[4, 28, 28]": the axes of an array, as the messages name axes ("[N, H, W]")."""
    return "[" + ", ".join([*map(str, shape[:MAX_AXES_SHOWN]), *(["..."] if len(shape) > MAX_AXES_SHOWN else [])]) + "]"


def _why_no_images(shape):
    """The end of a message, after the shape, on an array that holds no images."""
    if len(shape) == 2 and 0 not in shape and shape[1] >= MIN_FLAT_VALUES:
        if shape[0] == shape[1]:
            return ", which looks like one grey image [H, W]: a set of images is [N, H, W]"
        return (
            f": rows of {shape[1]} values are no square images: give --image-size HEIGHT WIDTH, "
            f"of as many pixels, or a third of them where the images have colour"
        )
    if len(shape) not in (3, 4):
        return f": {USUAL_AXES}"
    if 0 in shape:
        return ": there are no images in it"
    if len(shape) == 3:
        return ", which looks like one image [H, W, C]: a set of images is [N, H, W, C]"
    return ": images have 1 to 4 channels, [N, H, W, C] or [N, C, H, W]"


def _is_planar(array, image_shape):
    """Whether flat rows of colour are channel by channel, not pixel by pixel: so their neighbours differ less."""
    height, width, channels = image_shape
    row_bytes = array.shape[1] * array.itemsize
    compared = max(1, min(MAX_COMPARED_IMAGES, MAX_COMPARED_BYTES // row_bytes))
    rows = np.asarray(array[pixels.spread(len(array), compared)], np.float64)

    def roughness(images):  # [n, H, W, C]
        return sum(np.abs(np.diff(images, axis=axis)).mean() for axis in (1, 2) if images.shape[axis] > 1)

    planar = np.moveaxis(rows.reshape(-1, channels, height, width), 1, -1)
    return roughness(planar) < roughness(rows.reshape(-1, height, width, channels))
