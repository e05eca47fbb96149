"""HDF5 files of images, also those that MATLAB calls 7.3: the dataset of the images, read by rows, and its labels."""

import contextlib

import h5py
import numpy as np

from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.hdf5 import Refused, TooManyParts, part, walk
from dcgan_tf.common.reading import check_regular
from dcgan_tf.common.text import first_three
from dcgan_tf.data.arrays import array_source
from dcgan_tf.data.dataset_rows import DatasetRows, check_dataset
from dcgan_tf.data.layouts import NUMBER_KINDS, layout_by_shape, no_images
from dcgan_tf.data.matlab import images_of_matlab
from dcgan_tf.data.members import LABELS_IGNORED, choose_images, find_labels, label_names
from dcgan_tf.data.source import ImageSource, Wanted
from dcgan_tf.data.unpacked import unpacked_rows

MAX_PARTS = 10_000  # Looking at them takes a second.
MAX_CLASS_BYTES = 64
MATLAB_CLASS = "MATLAB_class"  # An attribute of each variable that MATLAB saves. Texts are uint16 datasets, too.
MATLAB_NUMBERS = {b"double", b"single", b"logical"} | {
    b"%sint%d" % (u, n) for u in (b"", b"u") for n in (8, 16, 32, 64)
}
NET_ATTRIBUTES = ("model_config", "layer_names", "keras_version")


def hdf5_source(path, dataset: str | None, name, wanted: Wanted, *, cache, is_matlab: bool = False) -> ImageSource:
    """Makes a source of a dataset in an HDF5 file, with the labels that lie beside it.

    A dataset whose chunks hold parts of many images is unpacked once into the cache, if there is one to be. Of others,
    and without a cache, images are read from the file when asked for.

    Args:
        dataset: its path in the file, or that of a group to look in; None: the images are the dataset of a usual name
            or the only one whose shape is that of images.
        is_matlab: whether MATLAB wrote the file, which puts the axes in reverse order.

    Raises:
        UserError: the file is damaged, holds no images or several, refers to other files, or is not clear.
    """
    what = printable(path)
    with contextlib.ExitStack() as opened, _trouble_is_a_user_error(what):
        check_regular(path)
        file = opened.enter_context(h5py.File(path, "r"))
        images = _find_images(file, dataset, what, wanted.size, is_matlab)
        found = images.name.lstrip("/")
        what = f"{what}, dataset '{printable(found)}'"
        if (dtype := _dtype(images)).kind not in NUMBER_KINDS:
            raise UserError(f"{what} holds {dtype.name}, not numbers: images are arrays of numbers [N, H, W, C]")
        shape = _shape(images, is_matlab)
        layout = layout_by_shape(shape, wanted.size)
        if layout is None:
            raise no_images(what, shape)
        check_dataset(images, what)
        labels, notes = _find_labels(images, layout.count(shape), is_matlab)
        array = DatasetRows(file, images, what)
        opened.pop_all()  # The rows close the file now.
    is_by_rows = is_matlab == layout.images_are_last  # Else it is read into memory.
    if array.is_packed and is_by_rows and cache:
        array = unpacked_rows(path, found, array)
    if is_matlab:
        array, more_notes = images_of_matlab(array, array.dtype, layout, what)
        notes = [*notes, *more_notes]
    return array_source(name, array, wanted, what=what, labels=labels, notes=notes)


def _find_images(file, path, what, size, is_matlab):
    """Returns the dataset at a path, or the one of the images in the group at that path, or in all of the file."""
    group = file
    if path is None:
        _refuse_nets(file, what)
    else:
        thing = part(file, path)
        if isinstance(thing, h5py.Dataset):
            return thing
        if thing is None:
            there_is = first_three(map(printable, _datasets(file, is_matlab))) or "none at all"
            raise UserError(f"{what} holds no dataset '{printable(path)}', but {there_is}")
        group = thing
    datasets = _datasets(group, is_matlab)
    arrays = {name: (_shape(dataset, is_matlab), _dtype(dataset)) for name, dataset in datasets.items()}
    prefix = group.name.strip("/") + "/" if path else ""
    return datasets[choose_images(arrays, what, size, prefix)]


def _datasets(group, is_matlab) -> dict[str, h5py.Dataset]:
    """All datasets in a group and in those below it, by their paths from there, sorted."""
    found = {path.lstrip("/"): thing for path, thing in walk(group, MAX_PARTS) if isinstance(thing, h5py.Dataset)}
    if is_matlab:
        found = {path: dataset for path, dataset in found.items() if _is_of_numbers(path, dataset)}
    return dict(sorted(found.items()))


def _is_of_numbers(path, dataset):
    """Whether a dataset that MATLAB wrote is a variable of numbers."""
    if path.startswith("#"):  # MATLAB keeps the parts of cells and objects in such groups.
        return False
    if not h5py.h5a.exists(dataset.id, MATLAB_CLASS.encode()):
        return True
    attribute = dataset.attrs.get_id(MATLAB_CLASS)
    if attribute.shape != () or attribute.dtype.kind != "S" or attribute.dtype.itemsize > MAX_CLASS_BYTES:
        return False
    return bytes(dataset.attrs[MATLAB_CLASS]) in MATLAB_NUMBERS


def _find_labels(images, count, is_matlab):
    """Returns the labels in the group of the images, int64 [count] or None, and notes."""

    def header(name):
        return _shape(beside[name], is_matlab), _dtype(beside[name])

    def load(name):
        check_dataset(beside[name], f"dataset '{printable(name)}'")
        try:
            return beside[name][()]
        except Exception as error:  # HDF5 raises almost anything for a damaged file.
            raise UserError(f"dataset '{printable(name)}' cannot be read: {first_line(error)}") from error

    group, beside, notes = images.parent, {}, []
    for name in label_names(images.name.rpartition("/")[2]):
        try:
            thing = part(group, name)
        except Refused as refused:
            notes.append(f"{LABELS_IGNORED}'{name}' is {refused.what}, which is not read")
            continue
        if isinstance(thing, h5py.Dataset) and (not is_matlab or _is_of_numbers(name, thing)):
            beside[name] = thing
    try:
        labels, more_notes = find_labels(beside, header, load, count)
    except UserError as error:
        labels, more_notes = None, [f"{LABELS_IGNORED}{error}"]
    return labels, [*notes, *more_notes]


def _shape(dataset, is_matlab):
    shape = dataset.shape or ()  # A dataset may have no values at all, not even none.
    return shape[::-1] if is_matlab else shape


def _dtype(dataset) -> np.dtype:
    try:
        return dataset.dtype
    except TypeError:  # NumPy has no such type.
        return np.dtype(object)


def _refuse_nets(file, what):
    links = file.id.links
    if any(h5py.h5a.exists(file.id, name.encode()) for name in NET_ATTRIBUTES) or (
        links.exists(b"layers") and links.exists(b"vars")
    ):
        raise UserError(f"{what} is a saved net of Keras, not a set of images: give a file or a folder of images")


@contextlib.contextmanager
def _trouble_is_a_user_error(what):
    """Turns what h5py raises, and what is refused, into a UserError."""
    try:
        yield
    except (UserError, PermissionError):
        raise
    except Refused as refused:
        raise UserError(
            f"{what} holds {refused.what}, at {printable(refused.path)}, which is not read: "
            f"save the images as a plain dataset, or name one, --data '{what}::NAME'"
        ) from None
    except TooManyParts:
        raise UserError(
            f"{what} holds over {MAX_PARTS:,} parts: name the dataset of the images, --data '{what}::NAME'"
        ) from None
    except BlockingIOError as error:
        raise UserError(f"{what} is being written by another program: wait until that is done") from error
    except Exception as error:  # A damaged file raises almost anything.
        raise UserError(f"{what} is damaged and cannot be read as HDF5: copy it again") from error
