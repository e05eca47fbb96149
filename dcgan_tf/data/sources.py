"""Where images come from: `open_source` looks at what `--data` names and returns an `ImageSource`."""

import contextlib
import difflib
import glob
import os
import re
from http.client import HTTPException
from pathlib import Path

import numpy as np

from dcgan_tf.common import remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.data.arrays import array_source, npy_source, npz_source
from dcgan_tf.data.csv_table import csv_source, is_csv
from dcgan_tf.data.folders import folder_source
from dcgan_tf.data.idx import idx_source, is_idx, training_images
from dcgan_tf.data.matlab import mat_source
from dcgan_tf.data.source import ImageSource, Wanted
from dcgan_tf.data.tfrecord.examples import HEADER_BYTES, is_record_file
from dcgan_tf.data.tfrecord.index import is_prepared
from dcgan_tf.data.tfrecord.records import records_source

# Sets that Keras downloads, and what each is called below Keras's own folder `datasets`.
DOWNLOADED_SETS = {
    "mnist": "mnist.npz",
    "fashion_mnist": "fashion-mnist",
    "cifar10": "cifar-10-batches-py-target*",
}
HDF5_START, MATLAB_START = b"\x89HDF\r\n\x1a\n", b"MATLAB "
PART_MARK = "::"  # between a file and the array in it
HEAD_BYTES = 2**16  # HDF5 may begin later than at once, and the first line of a CSV is long.
MAX_NAME_CHARACTERS = 100
NAMED_SETS = ("digits", *DOWNLOADED_SETS)


def open_source(
    data: str,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    value_range: tuple[float, float] | None = None,
    cache: bool = True,
    max_chosen_side: int | None = None,
) -> ImageSource:
    """Opens a set of images: a .npy, .npz, HDF5, MATLAB, CSV or IDX file, a folder of images, TFRecord files, or a
    named set.

    Args:
        data: a path or a pattern of TFRecord files; or one below the folder ``data/``; or a named set: digits, mnist,
            fashion_mnist, cifar10; or an address of TFRecord files that tf.io.gfile knows, such as gs://bucket/folder.
            Of an HDF5 or MATLAB file with several arrays, ``path::array``.
        size: wanted (H, W), each at least 1; None keeps the images' own. Images of another size are resized until they
            cover it, then cropped to their centre.
        channels: wanted 1 (grey) or 3 (RGB); None decides by the content.
        value_range: the stored values that become 0 and 255, the first below the second; None recognises them.
        cache: whether the decoded images of a folder, the unpacked ones of an HDF5 or CSV file, or the index of TFRecord
            files without one are kept for the next time; False writes nothing anywhere.
        max_chosen_side: where no size is wanted, and the images have many sizes, or a folder's are all large: they become
            squares of the median of their shorter sides, but at most of so many pixels. None: many sizes are refused, and
            large images stay.

    Raises:
        UserError: nothing is called `data`; it holds no images, is damaged, or does not say clearly what it holds.
    """
    if channels not in (None, 1, 3):
        raise UserError(
            f"a net for images of {channels} channels cannot be trained: images are read as 1 or 3 channels"
        )
    wanted = Wanted(size and tuple(size), channels, value_range)
    pattern = data if remote.is_remote(data) else _pattern(data)
    if pattern is not None:
        return records_source(pattern, _name_of_pattern(pattern), wanted, cache=cache, max_chosen_side=max_chosen_side)
    path, part = _find(data)
    if path is None:
        return _named_set(data, wanted)
    what = printable(path)
    try:
        if path.is_dir():
            return _folder_source(path, wanted, cache, max_chosen_side)
        if not path.is_file():
            raise UserError(
                f"{what} is neither a file nor a folder: give a .npy, .npz, HDF5, MATLAB, CSV, IDX or TFRecord file, or a folder"
            )
        return _file_source(path, part, wanted, cache, max_chosen_side)
    except PermissionError as error:
        raise UserError(f"{printable(error.filename or path)} cannot be read: permission denied") from error
    except OSError as error:
        raise UserError(f"{what} cannot be read: {printable(error.strerror or error)}") from error


def name_of(data: str) -> str:
    """The name that the source of `data` has, without opening it.

    Raises:
        UserError: nothing is called `data`.
    """
    pattern = data if remote.is_remote(data) else _pattern(data)
    if pattern is not None:
        return _name_of_pattern(pattern)
    path, part = _find(data)
    return data if path is None else _name(path, part)


def _pattern(data):
    """Returns the pattern that `data` is, here or below data/, where it matches any file; else None."""
    if not remote.has_pattern(data) or any(map(os.path.exists, _candidates(data))):
        return None
    return next((pattern for pattern in _candidates(data) if glob.glob(pattern)), None)


def _candidates(data):
    """The paths that `data` may mean, in order: as it is given, then below the folder data/."""
    return os.path.expanduser(data), os.path.join("data", data)


def _find(data) -> tuple[Path | None, str | None]:
    """Returns the path that `data` means, or None when it is a named set; and the part of that file, as in file::part.

    Raises:
        UserError: it is neither.
    """
    for path in _candidates(data):
        if data and os.path.exists(path):
            return Path(path), None
    # A file's own name may hold the mark: the longest name that there is goes first.
    for place in reversed([found.start() for found in re.finditer(PART_MARK, data)]):
        for path in _candidates(data[:place]):
            if os.path.exists(path) and not os.path.isdir(path) and data[place + len(PART_MARK) :]:
                return Path(path), data[place + len(PART_MARK) :]
    if data in NAMED_SETS:
        return None, None
    below_data = []
    with contextlib.suppress(OSError):  # There need not be such a folder, nor need it be readable.
        below_data = [name for name in os.listdir("data") if not name.startswith(".")]
    near = difflib.get_close_matches(data, [*below_data, *NAMED_SETS], n=1)
    hint = f"; did you mean '{printable(near[0])}'?" if near else ""
    raise UserError(
        f"--data '{printable(data)}': no such file or folder, not here and not in data/, "
        f"nor one of the named sets {', '.join(NAMED_SETS)}{hint}"
    )


def _folder_source(path, wanted, cache, max_chosen_side):
    """Makes the source of a folder: of IDX files, of a prepared set, or of images."""
    images = training_images(path)
    if images is not None:
        return idx_source(images, _name(path), wanted)
    if is_prepared(str(path)):
        return records_source(str(path), _name(path), wanted, cache=cache)
    if any(path.glob("*.tfrecord*")):
        what = printable(path)
        raise UserError(
            f"{what} holds TFRecord files, and no index of theirs: if they are of one set, give a pattern, "
            f"--data '{what}/*.tfrecord*'"
        )
    return folder_source(path, _name(path), wanted, cache=cache, max_chosen_side=max_chosen_side)


def _file_source(path, part, wanted, cache, max_chosen_side):
    """Makes the source of a file, or of a part of it. Its first bytes decide what it is, whatever its name."""
    with open_regular(path) as file:
        head = file.read(HEAD_BYTES) or b""  # Some files of the kernel have nothing to give yet.
    name = _name(path, part)
    if _is_hdf5(head):
        from dcgan_tf.data.hdf5 import hdf5_source  # Importing it takes a quarter of a second.

        return hdf5_source(path, part, name, wanted, cache=cache, is_matlab=head.startswith(MATLAB_START))
    if head.startswith(MATLAB_START):
        return mat_source(path, part, name, wanted)
    if part is not None:
        raise UserError(f"{printable(path)} is no HDF5 or MATLAB file: give it without '{PART_MARK}{printable(part)}'")
    if head.startswith(b"\x93NUMPY"):
        return npy_source(path, name, wanted)
    if head.startswith(b"PK"):
        return npz_source(path, name, wanted)
    if is_idx(head) or head.startswith(b"\x1f\x8b"):
        return idx_source(path, name, wanted)
    if is_record_file(head[:HEADER_BYTES]):
        return records_source(str(path), name, wanted, cache=cache, max_chosen_side=max_chosen_side)
    if is_csv(head):
        return csv_source(path, name, wanted, cache=cache)
    if not head:
        raise UserError(f"{printable(path)} is empty: copy or download it again")
    raise UserError(
        f"{printable(path)} is not a set of images that can be read: "
        "give a .npy, .npz, HDF5, MATLAB, CSV, IDX (also .gz) or TFRecord file, or a folder of images"
    )


def _is_hdf5(head):
    """Whether the first bytes of a file begin HDF5: at once, or after 512 bytes of something else, or 1,024, and so on."""
    places = [0, *(2**power for power in range(9, HEAD_BYTES.bit_length()))]
    return any(head.startswith(HDF5_START, place) for place in places)


def _name(path, part=None):
    """Returns a short name: that of a folder, or that of a file without its ending, with the part of it that is read."""
    path = Path(os.path.abspath(path))
    if path.is_dir():
        return path.name or "images"
    name = Path(path.stem if path.suffix == ".gz" else path.name).stem
    return name if part is None else f"{name}-{part.strip('/').replace('/', '-')}"[:MAX_NAME_CHARACTERS]


def _name_of_pattern(pattern):
    """Returns a short name for TFRecord files: the folder that they lie in, or the last part of an address."""
    if remote.is_remote(pattern):
        parts = [part for part in pattern.split("://", 1)[1].split("/") if part]
        named = [part for part in parts if not remote.has_pattern(part)]
        return Path(named[-1]).stem if named else "images"
    return _name(os.path.dirname(os.path.abspath(pattern)))


def _named_set(name, wanted):
    if name == "digits":
        from sklearn.datasets import load_digits  # Importing it takes half a second.

        digits = load_digits()
        wanted = wanted._replace(value_range=wanted.value_range or (0, 16))
        return array_source(name, digits.images, wanted, what=name, labels=digits.target)
    images, labels = _download(name)
    return array_source(name, images, wanted, what=name, labels=np.reshape(labels, -1))


def _download(name):
    """Returns the training images and labels of a set, from Keras's own cache or downloaded into it."""
    from dcgan_tf.common.backend import keras

    try:
        (images, labels), _ = getattr(keras.datasets, name).load_data()
    except Exception as error:  # The downloader raises a bare Exception, a damaged file almost anything.
        offline = isinstance(error, (ConnectionError, TimeoutError, HTTPException))
        if offline or "URL fetch failure" in str(error):
            # Keras words it as "URL fetch failure on <url>: <code> -- <reason>".
            reason = printable(str(error).rpartition(" -- ")[2])
            raise UserError(
                f"--data {name} has to be downloaded once, and the download failed ({reason}): "
                "go online, or use --data digits, which needs no download"
            ) from error
        kept = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets" / DOWNLOADED_SETS[name]
        raise UserError(
            f"--data {name}: the downloaded copy cannot be read: delete {printable(kept)} and run the same command "
            "again, or use --data digits, which needs no download"
        ) from error
    return images, labels
