"""Where images come from: `open_source` looks at what `--data` names and returns an `ImageSource`."""

import contextlib
import dataclasses
import glob
from pathlib import Path
from typing import NamedTuple

from dcgan_tf.common import remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.config.reading import AS_STORED, DEFAULT_BORDER, Reading
from dcgan_tf.data.arrays import npy_source, npz_source
from dcgan_tf.data.csv_table import csv_source, is_csv
from dcgan_tf.data.files.folder import Folder
from dcgan_tf.data.files.image_files import IMAGE_ENDINGS, ImageFiles
from dcgan_tf.data.files.listed import MARK as LIST_MARK
from dcgan_tf.data.files.listed import ListedFiles
from dcgan_tf.data.files.parquet import PARQUET_ENDING, PARQUET_START, ParquetFiles
from dcgan_tf.data.files.source import files_source
from dcgan_tf.data.files.tars import TarFiles, is_tar
from dcgan_tf.data.files.zips import ZipFiles
from dcgan_tf.data.idx import idx_source, is_idx, training_images
from dcgan_tf.data.matlab import mat_source
from dcgan_tf.data.named_sets import named_set
from dcgan_tf.data.places import PART_MARK, find_place
from dcgan_tf.data.selection import with_classes, with_copies_told, without_copies
from dcgan_tf.data.source import ImageSource, Wanted
from dcgan_tf.data.tfrecord.examples import HEADER_BYTES, is_record_file
from dcgan_tf.data.tfrecord.index import is_prepared
from dcgan_tf.data.tfrecord.records import records_source

HDF5_START, MATLAB_START = b"\x89HDF\r\n\x1a\n", b"MATLAB "
HEAD_BYTES = 2**16  # HDF5 may begin later than at once, and the first line of a CSV is long.
GIVE = (
    "a folder, a .zip or .tar archive or a list (@FILE) of images, a .npy, .npz, HDF5, MATLAB, CSV, IDX, Parquet or "
    "TFRecord file"
)


class _How(NamedTuple):
    """How images are read, see `open_source`. name: of the source."""

    wanted: Wanted
    cache: bool
    max_chosen_side: int | None
    name: str


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
            @clean.txt; or an array in an HDF5 or MATLAB file, ``path::array``; or a named set: digits, mnist,
            fashion_mnist, cifar10; or an address of TFRecord files that tf.io.gfile knows, such as gs://bucket/folder.
        size: wanted (H, W), each at least 1; None keeps the images' own. Images of another size are resized until they
            cover it, then cropped to their centre.
        channels: wanted 1 (grey) or 3 (RGB); None decides by the content.
        value_range: the stored values that become 0 and 255, the first below the second; None recognises them.
        reading: how they are cut, and which are taken.
        cache: whether decoded images, the unpacked ones of an HDF5 or CSV file, or the index of TFRecord files without one
            are kept for the next time; False writes nothing anywhere.
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
    border = reading.border_colour or DEFAULT_BORDER
    channels = channels or reading.channels
    size, trim = size and tuple(size), reading.trim == "on"
    wanted = Wanted(size, channels, value_range, reading.crop, border, trim, reading.frames)
    place = find_place(data)
    source = _open(place, _How(wanted, cache, max_chosen_side, place.name))
    if reading.classes:
        source = with_classes(source, reading.classes)
    source = without_copies(source) if reading.drop_duplicates else with_copies_told(source)
    if source.hardly_used is None:
        return source
    return dataclasses.replace(source, notes=[*source.notes, source.hardly_used.note])


def _open(place, how) -> ImageSource:
    """Opens all images of a set."""
    if place.kind == "set":
        return named_set(place.path, how.wanted)
    if place.kind == "pattern":
        return _pattern_source(place.path, how)
    what, path = printable(place.path), Path(place.path)
    try:
        if place.kind == "list":
            return _files_source(ListedFiles(path), how)
        if path.is_dir():
            return _folder_source(path, how)
        if not path.is_file():
            raise UserError(f"{what} is neither a file nor a folder: give {GIVE}")
        return _file_source(path, place.part, how)
    except PermissionError as error:
        raise UserError(f"{printable(error.filename or path)} cannot be read: permission denied") from error
    except OSError as error:
        raise UserError(f"{what} cannot be read: {printable(error.strerror or error)}") from error


def _pattern_source(pattern, how):
    """Makes the source of the files that match a pattern: Parquet, where all are, else TFRecord."""
    if not remote.is_remote(pattern):
        paths = sorted(glob.glob(pattern))
        if paths and all(_begins_as_parquet(path) for path in paths):
            return _files_source(ParquetFiles(pattern, paths), how)
    return records_source(pattern, how.name, how.wanted, cache=how.cache, max_chosen_side=how.max_chosen_side)


def _folder_source(path, how):
    """Makes the source of a folder: of IDX files, of a prepared set, of Parquet tables, or of images."""
    images = training_images(path)
    if images is not None:
        return idx_source(images, how.name, how.wanted)
    if is_prepared(str(path)):
        return records_source(str(path), how.name, how.wanted, cache=how.cache)
    if any(path.glob("*.tfrecord*")):
        what = printable(path)
        raise UserError(
            f"{what} holds TFRecord files, and no index of theirs: if they are of one set, give a pattern, "
            f"--data '{what}/*.tfrecord*'"
        )
    files = Folder(path)
    tables = [path / name for name in files.names if name.lower().endswith(PARQUET_ENDING)]
    if tables and not any(name.lower().endswith(IMAGE_ENDINGS) for name in files.names):
        return _files_source(ParquetFiles(path, tables), how)
    return _files_source(files, how)


def _file_source(path, part, how):
    """Makes the source of a file, or of a part of it. Its first bytes decide what it is, whatever its name."""
    with open_regular(path) as file:
        head = file.read(HEAD_BYTES) or b""  # Some files of the kernel have nothing to give yet.
    name, wanted, cache = how.name, how.wanted, how.cache
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
        archive = ZipFiles(path)
        return npz_source(path, name, wanted) if archive.holds_arrays() else _files_source(archive, how)
    if head.startswith(PARQUET_START):
        return _files_source(ParquetFiles(path, [path]), how)
    if is_record_file(head[:HEADER_BYTES]):
        return records_source(str(path), name, wanted, cache=cache, max_chosen_side=how.max_chosen_side)
    if head and is_tar(path):
        return _files_source(TarFiles(path), how)
    if is_idx(head) or head.startswith(b"\x1f\x8b"):
        return idx_source(path, name, wanted)
    if is_csv(head):
        return csv_source(path, name, wanted, cache=cache)
    if not head:
        raise UserError(f"{printable(path)} is empty: copy or download it again")
    if path.suffix == ".txt" and b"\0" not in head:
        raise UserError(f"{printable(path)} is a text: if it lists images, give {LIST_MARK}{printable(path)}")
    raise UserError(f"{printable(path)} is not a set of images that can be read: give {GIVE}")


def _is_hdf5(head):
    """Whether the first bytes of a file begin HDF5: at once, or after 512 bytes of something else, or 1,024, and so on."""
    places = [0, *(2**power for power in range(9, HEAD_BYTES.bit_length()))]
    return any(head.startswith(HDF5_START, place) for place in places)


def _files_source(files: ImageFiles, how):
    return files_source(files, how.name, how.wanted, cache=how.cache, max_chosen_side=how.max_chosen_side)


def _begins_as_parquet(path) -> bool:
    with contextlib.suppress(OSError), open_regular(path) as file:  # The reader of the other files says what is wrong.
        return file.read(len(PARQUET_START)) == PARQUET_START
    return False
