"""Files of several arrays: which of them are the images, and which their labels, told by names, types and shapes."""

from collections.abc import Callable, Iterable

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import first_three
from dcgan_tf.data.layouts import NUMBER_KINDS, axes_text, layout_by_shape

IMAGE_NAMES = ("images", "x_train", "x", "X", "data")
LABEL_NAMES = ("labels", "y_train", "y", "label")
LABELS_IGNORED = "labels ignored: "  # A note that begins so says why a set has no classes.
MAX_WHOLE_FLOAT = 2**53  # Beyond it, not every whole number is a float64.


def choose_images(arrays: dict[str, tuple], what: str, size=None, prefix="") -> str:
    """Returns the name of the images among arrays, by name: (shape, dtype).

    They are those of a usual name, or else the only ones whose shape is that of images. Flat rows count only where no
    array has three or four axes.

    prefix: what names have to begin with where one of them is given in full.

    Raises:
        UserError: there are none, or it is not clear which.
    """
    numbers = {name: shape for name, (shape, dtype) in arrays.items() if dtype.kind in NUMBER_KINDS}
    like_images = [name for name, shape in numbers.items() if layout_by_shape(shape, size)]
    found = [name for name in like_images if len(numbers[name]) > 2] or like_images
    usual = next((name for name in IMAGE_NAMES if name in found), None)
    if usual is not None:
        return usual
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{what} holds several sets of images, {first_three(_described(found, arrays))}: "
            f"give one of them, --data '{what}::{printable(prefix + found[0])}'"
        )
    there_is = f"only {first_three(_described(arrays, arrays))}" if arrays else "no arrays at all"
    raise UserError(f"{what} holds no images, {there_is}: images are arrays of numbers [N, H, W, C]")


def label_names(images: str) -> list[str]:
    """The names that the labels of `images` may have, the most likely first: its own counterpart, then the usual ones."""
    counterpart = images.replace("images", "labels")
    if images[:2] in ("x_", "X_"):
        counterpart = "y_" + images[2:]
    return list(dict.fromkeys([name for name in (counterpart, *LABEL_NAMES) if name != images]))


def find_labels(
    names: Iterable[str], header: Callable[[str], tuple], load: Callable[[str], np.ndarray], count: int
) -> tuple[np.ndarray | None, list[str]]:
    """Returns int64 [count] or None, and notes: of the first array that has one whole number for each image.

    Args:
        names: of arrays that may be the labels, the most likely first.
        header: gives the (shape, dtype) of an array by its name.
        load: reads an array by its name.
    """
    notes = []
    for name in names:
        shape, dtype = header(name)
        # Keras stores the labels of CIFAR-10 as [count, 1], and MATLAB has no arrays of one axis.
        if shape in ((count,), (count, 1), (1, count)) and dtype.kind in NUMBER_KINDS:
            labels = _whole(load(name).reshape(-1))
            if labels is not None:
                return labels, []
        kind = f"{dtype.name} {axes_text(shape)}"
        notes.append(f"{LABELS_IGNORED}'{printable(name)}' is {kind}, not one whole number for each image")
    return None, notes[:1]


def _whole(values):
    """Returns numbers as int64, or None where they are not whole or too large."""
    if values.dtype.kind == "f" and not (np.abs(values) <= MAX_WHOLE_FLOAT).all():  # NaN is refused here, too.
        return None
    if values.dtype.kind == "u" and values.max(initial=0) > np.iinfo(np.int64).max:
        return None
    labels = values.astype(np.int64)
    return labels if np.array_equal(labels, values) else None


def _described(names, arrays):
    """Texts such as "x (uint8 [4, 28, 28])"."""
    return [f"{printable(name)} ({arrays[name][1].name} {axes_text(arrays[name][0])})" for name in names]
