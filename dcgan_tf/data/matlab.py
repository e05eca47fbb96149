"""MATLAB files: those of versions 5 to 7.2, and how arrays lie in any of them, also in those of 7.3, which are HDF5."""

import zlib

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import first_three
from dcgan_tf.data.arrays import array_source
from dcgan_tf.data.layouts import Layout, in_memory, layout_by_shape, no_images
from dcgan_tf.data.mat5 import Damaged, open_variable, read_variables
from dcgan_tf.data.members import choose_images, find_labels, label_names
from dcgan_tf.data.rows import MappedRows
from dcgan_tf.data.source import ImageSource, Wanted


def mat_source(path, variable: str | None, name, wanted: Wanted) -> ImageSource:
    """Makes a source of an array in a MATLAB file of version 5 to 7.2, with the labels beside it.

    Images that are not packed, and come last among the axes, are read from the file when asked for.

    Args:
        variable: the name of the images; None: those of a usual name, or the only ones whose shape is that of images.

    Raises:
        UserError: the file is damaged, holds no images or several, or they do not fit into memory.
    """
    what = printable(path)
    try:
        variables = read_variables(path)
        headers = {found: (header.shape, header.dtype) for found, header in variables.items()}
        images = variable or choose_images(headers, what, wanted.size)
        if images not in variables:
            there_is = first_three(map(printable, variables)) or "none at all"
            raise UserError(f"{what} holds no array of numbers '{printable(images)}', but {there_is}")
        what = f"{what}, array '{printable(images)}'"
        shape, dtype = headers[images]
        layout = layout_by_shape(shape, wanted.size)
        if layout is None:
            raise no_images(what, shape)

        def load(label):
            return in_memory(open_variable(path, variables[label], f"the labels of {what}"), what)

        names = [label for label in label_names(images) if label in variables]
        labels, notes = find_labels(names, headers.get, load, layout.count(shape))
        stored = open_variable(path, variables[images], what)
    except (Damaged, zlib.error) as error:
        raise UserError(f"{what} is damaged and cannot be read as a MATLAB file: copy it again") from error
    array, more_notes = images_of_matlab(stored, dtype, layout, what)
    return array_source(name, array, wanted, what=what, labels=labels, notes=[*notes, *more_notes])


def images_of_matlab(stored, dtype, layout: Layout, what) -> tuple[MappedRows, list[str]]:
    """Returns an array of images as MATLAB shows it, but that images which come last are the first axis; and notes.

    Args:
        stored: the array with its axes in reverse order, as files have it.
        dtype: what its values mean, whatever they are stored in.
        layout: that of the array as MATLAB shows it.

    Raises:
        UserError: images that come first lie spread over all of the array, and it does not fit into memory.
    """
    shape = stored.shape[::-1]
    if not layout.images_are_last:
        return MappedRows(in_memory(stored, what).T, lambda rows: rows.astype(dtype, copy=False), shape, dtype), []

    def turned(rows):
        return rows.transpose(0, *range(rows.ndim - 1, 0, -1)).astype(dtype, copy=False)

    return MappedRows(stored, turned, (shape[-1], *shape[:-1]), dtype), layout.notes(shape)
