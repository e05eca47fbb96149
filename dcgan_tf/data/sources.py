"""Where images come from: `open_source` looks at what `--data` names and returns an `ImageSource`."""

import contextlib
import difflib
import glob
import os
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dcgan_tf.common import remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.config.reading import AS_STORED, Reading
from dcgan_tf.data.arrays import array_source, npy_source, npz_source
from dcgan_tf.data.files.folder import Folder
from dcgan_tf.data.files.image_files import IMAGE_ENDINGS, ImageFiles
from dcgan_tf.data.files.listed import ListedFiles, list_of
from dcgan_tf.data.files.parquet import PARQUET_ENDING, PARQUET_START, ParquetFiles
from dcgan_tf.data.files.survey import files_source
from dcgan_tf.data.files.tars import TarFiles, is_tar
from dcgan_tf.data.files.zips import ZipFiles
from dcgan_tf.data.idx import idx_source, is_idx, training_images
from dcgan_tf.data.selection import with_classes, with_copies_told, without_copies
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
NAMED_SETS = ("digits", *DOWNLOADED_SETS)
PACKED_ENDINGS = (".gz", ".bz2", ".xz")  # train.tar.gz is called "train".
GIVE = "a .npy, .npz, IDX, TFRecord or Parquet file, a .zip or .tar archive, or a folder of images"


class _How(NamedTuple):
    """How images are read, see `open_source`."""

    wanted: Wanted
    cache: bool
    max_chosen_side: int | None


def open_source(
    data: str,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    value_range: tuple[float, float] | None = None,
    reading: Reading = AS_STORED,
    cache: bool = True,
    max_chosen_side: int | None = None,
) -> ImageSource:
    """Opens a set of images: an array, a folder, a list or an archive of images, a table of them, TFRecord files, or a named
    set.

    Args:
        data: a path or a pattern of TFRecord or Parquet files, as given or below the folder ``data/``; or a list, such as
            @clean.txt; or a named set: digits, mnist, fashion_mnist, cifar10; or an address of TFRecord files that
            tf.io.gfile knows, such as gs://bucket/folder.
        size: wanted (H, W), each at least 1; None keeps the images' own. Images of another size are resized until they
            cover it, then cropped to their centre.
        channels: wanted 1 (grey) or 3 (RGB); None decides by the content.
        value_range: the stored values that become 0 and 255, the first below the second; None recognises them.
        reading: how they are cut, and which are taken.
        cache: whether decoded images, or the index of TFRecord files without one, are kept for the next
            time; False writes nothing anywhere.
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
    wanted = Wanted(size and tuple(size), channels or reading.channels, value_range)
    source = _open(data, _How(wanted, cache, max_chosen_side))
    if reading.classes:
        source = with_classes(source, reading.classes)
    return without_copies(source) if reading.drop_duplicates else with_copies_told(source)


def _open(data: str, how: "_How") -> ImageSource:
    """Opens all images of a set."""
    pattern = data if remote.is_remote(data) else _pattern(data)
    if pattern is not None:
        return _pattern_source(pattern, how)
    listed = list_of(data)
    path = listed or _find(data)
    if path is None:
        return _named_set(data, how.wanted)
    what = printable(path)
    try:
        if listed:
            return _files_source(ListedFiles(listed), _name(listed), how)
        if path.is_dir():
            return _folder_source(path, how)
        if not path.is_file():
            raise UserError(f"{what} is neither a file nor a folder: give {GIVE}")
        return _file_source(path, how)
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
    path = list_of(data) or _find(data)
    return data if path is None else _name(path)


def _pattern(data):
    """Returns the pattern that `data` is, here or below data/, where it matches any file; else None."""
    if not remote.has_pattern(data) or any(map(os.path.exists, _candidates(data))):
        return None
    return next((pattern for pattern in _candidates(data) if glob.glob(pattern)), None)


def _candidates(data):
    """The paths that `data` may mean, in order: as it is given, then below the folder data/."""
    return os.path.expanduser(data), os.path.join("data", data)


def _find(data):
    """Returns the path that `data` means, or None when it is a named set.

    Raises:
        UserError: it is neither.
    """
    for path in _candidates(data):
        if data and os.path.exists(path):
            return Path(path)
    if data in NAMED_SETS:
        return None
    below_data = []
    with contextlib.suppress(OSError):  # There need not be such a folder, nor need it be readable.
        below_data = [name for name in os.listdir("data") if not name.startswith(".")]
    near = difflib.get_close_matches(data, [*below_data, *NAMED_SETS], n=1)
    hint = f"; did you mean '{printable(near[0])}'?" if near else ""
    raise UserError(
        f"--data '{printable(data)}': no such file or folder, not here and not in data/, "
        f"nor one of the named sets {', '.join(NAMED_SETS)}{hint}"
    )


def _pattern_source(pattern, how):
    """Makes the source of the files that match a pattern: Parquet, where all are, else TFRecord."""
    name = _name_of_pattern(pattern)
    if not remote.is_remote(pattern):
        paths = sorted(glob.glob(pattern))
        if paths and all(_begins_as_parquet(path) for path in paths):
            return _files_source(ParquetFiles(pattern, paths), name, how)
    return records_source(pattern, name, how.wanted, cache=how.cache, max_chosen_side=how.max_chosen_side)


def _folder_source(path, how):
    """Makes the source of a folder: of IDX files, of a prepared set, of Parquet tables, or of images."""
    images = training_images(path)
    if images is not None:
        return idx_source(images, _name(path), how.wanted)
    if is_prepared(str(path)):
        return records_source(str(path), _name(path), how.wanted, cache=how.cache)
    if any(path.glob("*.tfrecord*")):
        what = printable(path)
        raise UserError(
            f"{what} holds TFRecord files, and no index of theirs: if they are of one set, give a pattern, "
            f"--data '{what}/*.tfrecord*'"
        )
    files = Folder(path)
    tables = [path / name for name in files.names if name.lower().endswith(PARQUET_ENDING)]
    if tables and not any(name.lower().endswith(IMAGE_ENDINGS) for name in files.names):
        return _files_source(ParquetFiles(path, tables), _name(path), how)
    return _files_source(files, _name(path), how)


def _file_source(path, how):
    """Makes the source of a file. Its first bytes decide what it is, whatever its name."""
    with open_regular(path) as file:
        head = file.read(HEADER_BYTES) or b""  # Some files of the kernel have nothing to give yet.
    name, wanted = _name(path), how.wanted
    if head.startswith(b"\x93NUMPY"):
        return npy_source(path, name, wanted)
    if head.startswith(b"PK"):
        archive = ZipFiles(path)
        return npz_source(path, name, wanted) if archive.holds_arrays() else _files_source(archive, name, how)
    if head.startswith(PARQUET_START):
        return _files_source(ParquetFiles(path, [path]), name, how)
    if is_record_file(head):
        return records_source(str(path), name, wanted, cache=how.cache, max_chosen_side=how.max_chosen_side)
    if head and is_tar(path):
        return _files_source(TarFiles(path), name, how)
    if is_idx(head) or head.startswith(b"\x1f\x8b"):
        return idx_source(path, name, wanted)
    if not head:
        raise UserError(f"{printable(path)} is empty: copy or download it again")
    raise UserError(f"{printable(path)} is not a set of images that can be read: give {GIVE}")


def _files_source(files: ImageFiles, name, how):
    return files_source(files, name, how.wanted, cache=how.cache, max_chosen_side=how.max_chosen_side)


def _begins_as_parquet(path) -> bool:
    with contextlib.suppress(OSError), open_regular(path) as file:  # The reader of the other files says what is wrong.
        return file.read(len(PARQUET_START)) == PARQUET_START
    return False


def _name(path):
    """Returns a short name: that of a folder, or that of a file without its ending."""
    path = Path(os.path.abspath(path))
    if path.is_dir():
        return path.name or "images"
    return Path(path.stem if path.suffix in PACKED_ENDINGS else path.name).stem


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
