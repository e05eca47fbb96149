"""Images in Parquet tables, as the `datasets` library and Hugging Face write them: an image a row, with a label."""

import collections
import json
import os
import threading
from pathlib import Path
from typing import NamedTuple

from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.install import install_command
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.reading import check_regular
from dcgan_tf.common.text import first_three
from dcgan_tf.data.facts import MAX_COUNT
from dcgan_tf.data.files.folder import stamp_of
from dcgan_tf.data.files.image_files import Classes, ImageFiles

PARQUET_START, PARQUET_ENDING = b"PAR1", ".parquet"
IMAGE_COLUMNS = ("image", "img", "picture", "jpg", "png", "image_bytes", "bytes")
LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "target")
MAX_GROUPS_IN_MEMORY = 2  # While one group of rows is decoded, the next is read.
ROW_DIGITS = 6
ROW_BYTES = 400  # About what is kept in memory of a row: its name and place.


class _Row(NamedTuple):
    table: int
    group: int
    row: int


class ParquetFiles(ImageFiles):
    """The images of some Parquet files of one kind, row by row. A group of rows is read at once, and few are kept.

    Args:
        place: the file, or the folder or pattern that the files are of.
        paths: of the files, in order.

    Raises:
        UserError: pyarrow is missing; a file is damaged, or has no column of images.
        OSError: a file cannot be read.
    """

    def __init__(self, place, paths):
        for path in paths:
            check_regular(path)
        super().__init__(place, stamp_of("", paths))
        self._paths, self._tables = list(map(os.fspath, paths)), [_open(path) for path in paths]
        self._columns = [_image_column(printable(path), table) for path, table in zip(paths, self._tables)]
        rows = sum(table.metadata.num_rows for table in self._tables)
        check_fits(f"{self.what}: a list of {rows:,} rows", rows * ROW_BYTES, "give fewer files")
        self._groups, self._lock = collections.OrderedDict(), threading.Lock()
        self._rows = {
            f"{Path(path).stem}/{number:0{ROW_DIGITS}}": row
            for table, path in enumerate(self._paths)
            for number, row in enumerate(_rows_of(table, self._tables[table]))
        }

    @property
    def names(self):
        return list(self._rows)

    def content(self, name):
        place = self._rows[name]
        value = self._group(place.table, place.group)[place.row]
        if isinstance(
            value, dict
        ):  # {"bytes": ..., "path": ...}: where there are no bytes, the path is of a file beside.
            value, path = value.get("bytes"), value.get("path")
            if value is None and path:
                return self._beside(place.table, path)
        if value is None:
            raise UserError("no image in this row")
        return bytes(value)

    def is_image(self, name):
        return True  # Decoding says why not.

    def classes(self, names):
        labels, class_names = [], None
        for path, table in zip(self._paths, self._tables):
            column = next((name for name in LABEL_COLUMNS if name in table.schema_arrow.names), None)
            if column is None:
                problem = f"{printable(path)} has no column of them, as other tables have" if labels else ""
                return Classes(None, None, problem)
            values = _read(path, lambda table=table, column=column: table.read([column]).column(0).to_pylist())
            labels += values
            class_names = class_names or _class_names(table, column)
        if any(isinstance(label, str) for label in labels):
            class_names = sorted({str(label) for label in labels})
            labels = [class_names.index(str(label)) for label in labels]
        label_of = dict(zip(self._rows, labels))
        kept = [label_of[name] for name in names]
        odd = next((name for name in names if not _is_label(label_of[name])), None)
        if odd is not None:
            return Classes(None, None, f"{printable(odd)} has none that is a whole number of 0 or more, or a word")
        if class_names is not None and max(kept) >= len(class_names):
            class_names = None
        return Classes(kept, class_names and [printable(name) for name in class_names])

    def _group(self, table: int, group: int) -> list:
        """The column of images of a group of rows."""
        with self._lock:
            key = (table, group)
            if key not in self._groups:
                while len(self._groups) >= MAX_GROUPS_IN_MEMORY:
                    self._groups.popitem(last=False)
                self._groups[key] = self._read_group(table, group)
            self._groups.move_to_end(key)
            return self._groups[key]

    def _read_group(self, table, group):
        path, file = self._paths[table], self._tables[table]
        what = f"{printable(path)}, row group {group},"
        claimed = file.metadata.row_group(group).total_byte_size
        check_fits(what, 2 * MAX_GROUPS_IN_MEMORY * claimed, "write it with smaller row groups")
        # A string column would be decoded as text.
        return _read(path, lambda: file.read_row_group(group, [self._columns[table]]).column(0).to_pylist())

    def _beside(self, table: int, path: str) -> str:
        """The file that a row names. A table of a stranger must not name any file of the machine.

        Raises:
            UserError: it does not lie below the folder of the table.
        """
        folder = os.path.realpath(os.path.dirname(os.path.abspath(self._paths[table])))
        found = os.path.realpath(os.path.join(folder, path))
        if not found.startswith(folder + os.sep):
            raise UserError("its path leads out of the folder of the table")
        return found


def _open(path):
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise UserError(f"{printable(path)}: Parquet needs a package: {install_command(['pyarrow'])}") from error
    return _read(path, lambda: pyarrow.parquet.ParquetFile(os.fspath(path), memory_map=False))


def _read(path, work):
    try:
        return work()
    except MemoryError:
        raise UserError(f"{printable(path)} does not fit into memory: write it with smaller row groups") from None
    except OSError as error:
        if error.errno:
            raise
        raise UserError(f"{printable(path)} is damaged: copy it again ({printable(first_line(error))})") from error
    except Exception as error:  # pyarrow's errors are of many kinds.
        raise UserError(f"{printable(path)} is damaged: copy it again ({printable(first_line(error))})") from error


def _image_column(what, table) -> str:
    """The name of the column of images: bytes, or bytes and path."""
    import pyarrow.types as kinds

    def holds_images(kind):
        if kinds.is_struct(kind):
            return any(kind.field(i).name in ("bytes", "path") for i in range(kind.num_fields))
        return kinds.is_binary(kind) or kinds.is_large_binary(kind)

    schema = table.schema_arrow
    fit = [name for name in schema.names if holds_images(schema.field(name).type)]
    usual = [name for name in IMAGE_COLUMNS if name in fit] or (fit if len(fit) == 1 else [])
    if not usual:
        there = first_three(map(printable, schema.names)) or "none"
        raise UserError(f"{what}: no column is known to hold images, of {there}: call it 'image'")
    return usual[0]


def _class_names(table, column) -> list[str] | None:
    """The names that the `datasets` library keeps in the metadata of the schema."""
    try:
        facts = json.loads((table.schema_arrow.metadata or {})[b"huggingface"])
        names = facts["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return [str(name) for name in names] if isinstance(names, list) and names else None


def _is_label(value) -> bool:
    return type(value) is int and 0 <= value <= MAX_COUNT


def _rows_of(table, file):
    for group in range(file.metadata.num_row_groups):
        for row in range(file.metadata.row_group(group).num_rows):
            yield _Row(table, group, row)
