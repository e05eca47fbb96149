"""The one door to HDF5 files, in which nets keep their settings and weights: what a file says is checked before it is read.

A part of an HDF5 file may lie in another file, as `dcgan_tf.common.hdf5` says, and a net of a stranger could so take the
bytes of a private file along into whatever is saved from it. Sizes may be mere claims, too. So a file is first walked
through, without reading data, and refused where it holds more than plain groups, datasets and attributes of its own.
"""

import contextlib
import hashlib
import math

import h5py
import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.hdf5 import Refused, TooManyParts, walk
from dcgan_tf.common.memory import free_bytes
from dcgan_tf.common.reading import check_regular
from dcgan_tf.common.text import size_text

# An attribute of the file with the checksum of all the rest. Plain Keras ignores it, and leaves it out when it saves.
CHECKSUM = "dcgan_tf_checksum"

GROUP = "model_weights"  # in an .h5 that holds a whole net; one of weights alone has them at its root
TREES = ("layers", "_layer_checkpoint_dependencies")  # the roots of the tree of a .weights.h5

MAX_OBJECTS = 100_000  # The largest nets of Keras have some thousands of groups and datasets.
MAX_ATTRIBUTES = 1000  # of one object
MAX_ATTRIBUTE_BYTES = 2**26
MAX_NAMES = 10_000  # in one attribute
_NUMBER_KINDS = "fiubcV"  # NumPy's letters of number types; V is for bfloat16.


@contextlib.contextmanager
def open_hdf5(path):
    """Yields the h5py.File of a regular file, open for reading, whose content all lies in the file itself.

    Where the file has a checksum, that is compared, too.

    Raises:
        OSError: there is no such regular file, or it is not HDF5.
        UserError: it refers to other files, holds what no net does, claims more than fits into memory, or is damaged.
    """
    check_regular(path)
    with h5py.File(path, "r") as file:
        objects = _objects(file)
        saved = file.attrs.get(CHECKSUM)
        if saved is not None and str(saved) != _checksum(objects):
            raise UserError("is damaged (its checksum is wrong): copy it again, or give another")
        yield file


def kind_in(file: h5py.File) -> str | None:
    """What a file holds: a whole "net", its "weights" in groups by layer, their "tree", or None of these. No value is read,
    and no link is followed."""
    if "model_config" in file.attrs:
        return "net"
    if _holds(file, GROUP) or "layer_names" in file.attrs or "layer_names0" in file.attrs:
        return "weights"
    return "tree" if any(_holds(file, tree) for tree in TREES) else None


def _holds(file: h5py.File, name: str) -> bool:
    return file.id.links.exists(name.encode())


def add_checksum(file: h5py.File) -> None:
    """Adds the checksum of all that is in a file to it, as the last step of writing it."""
    file.attrs[CHECKSUM] = _checksum(_objects(file))


def _objects(file: h5py.File) -> list[tuple[str, object]]:
    """(path, group, dataset or the path by which it came before) of all that is in a file, sorted by path.

    Raises:
        UserError: something in it is refused, or it is too much.
    """
    found, size = [], 0
    try:
        for path, thing in walk(file, MAX_OBJECTS):
            found.append((path, thing))
            if isinstance(thing, str):
                continue
            _check_attributes(path, thing)
            if isinstance(thing, h5py.Dataset):
                if thing.dtype.kind not in _NUMBER_KINDS:
                    raise Refused(path, "a dataset of no numbers")
                size += math.prod(thing.shape or ()) * thing.dtype.itemsize
    except Refused as refused:
        raise UserError(_refusal(refused.path, refused.what)) from None
    except TooManyParts:
        raise UserError(
            f"holds over {MAX_OBJECTS:,} parts, more than any net: give a net saved with model.save"
        ) from None
    if size > free_bytes():
        raise UserError(
            f"claims weights of {size_text(size)}, and {size_text(free_bytes())} of memory are free: give a smaller net"
        )
    return sorted(found, key=lambda entry: entry[0])


def _check_attributes(path: str, thing) -> None:
    if not isinstance(thing, h5py.Group | h5py.Dataset):
        raise Refused(path, "a part that is no group and no dataset")
    if h5py.h5a.get_num_attrs(thing.id) > MAX_ATTRIBUTES:
        raise Refused(path, f"over {MAX_ATTRIBUTES} attributes")
    for name in thing.attrs:
        attribute = thing.attrs.get_id(name)
        count, dtype = math.prod(attribute.shape), attribute.dtype
        is_text = h5py.check_string_dtype(dtype) is not None
        if not is_text and dtype.kind not in _NUMBER_KINDS:
            raise Refused(path, "an attribute of neither text nor numbers")
        if count * dtype.itemsize > MAX_ATTRIBUTE_BYTES or (is_text and count > MAX_NAMES):
            raise Refused(path, "an attribute of over 64 MB or 10,000 names")


def _refusal(path: str, what: str) -> str:
    return f"holds {what}, at {printable(path)}, which no net needs: give a net saved with model.save"


def _checksum(objects) -> str:
    """The checksum, in hexadecimal digits, of the names, types, shapes and values of all that `_objects` gives."""
    digest = hashlib.blake2b(digest_size=16)

    def add(*values) -> None:
        for value in values:
            data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
            digest.update(b"%d:" % len(data))
            digest.update(data)

    for path, thing in objects:
        if isinstance(thing, str):
            add(path, "again", thing)
            continue
        add(path, type(thing).__name__)
        for name in sorted(thing.attrs):
            if name != CHECKSUM:
                values = np.asarray(thing.attrs[name])
                add("attribute", name, values.dtype, values.shape)
                add(*values.ravel().tolist())
        if isinstance(thing, h5py.Dataset):
            add("data", thing.dtype.str, thing.shape, np.asarray(thing[()]).tobytes())
    return digest.hexdigest()
