"""Images in text: a line of comma-separated pixels for each, with its label, as the MNIST of many courses comes.

Such a file has no first bytes of its own. It is told by its first line: many numbers, or names such as pixel0, pixel1.
"""

import codecs
import os
import re
import warnings
from typing import NamedTuple

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.progress import BYTES, Work
from dcgan_tf.common.reading import open_regular
from dcgan_tf.data.arrays import array_source
from dcgan_tf.data.cache import CacheEntry, write_rows
from dcgan_tf.data.facts import are_of_kinds, is_count, is_counts, is_none_or
from dcgan_tf.data.layouts import MIN_FLAT_VALUES, flat_shape
from dcgan_tf.data.source import ImageSource, Wanted
from dcgan_tf.data.unpacked import file_stamp

FACTS = {"count": is_count, "image_shape": is_counts, "labels": is_none_or(lambda value: isinstance(value, list))}

READ_CHUNK_BYTES = 2**23
MAX_LINE_BYTES = 2**24
LABEL_COLUMN = re.compile(r"label|labels|class|target|y", re.IGNORECASE)
PIXEL_COLUMN = re.compile(r"[a-z_ .]{0,12}\d+([x_]\d+)*", re.IGNORECASE)  # pixel0, 1x1, px_3, 17
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
MAX_PIXEL = 255
MAX_WHOLE_FLOAT = 2**53  # Beyond it, not every whole number is a float64.
MAX_SHOWN_CHARACTERS = 20


class Table(NamedTuple):
    """What the first line of a file shows.

    columns: how many values a line has. label: the place of the label among them, or None. has_header: whether the first
    line is names.
    """

    columns: int
    label: int | None
    has_header: bool

    @property
    def pixels(self) -> int:
        return self.columns - (self.label is not None)


def is_csv(head: bytes) -> bool:
    """Whether the first bytes of a file, the more the better, begin a table of pixels: many numbers, or many names."""
    line, end, _ = head.partition(b"\n")
    fields = _fields(line)
    fields = fields if end else fields[:-1]  # The last one may be cut off.
    return len(fields) >= MIN_FLAT_VALUES and (
        all(map(NUMBER.fullmatch, fields)) or sum(map(_is_pixel, fields)) >= MIN_FLAT_VALUES
    )


def csv_source(path, name, wanted: Wanted, *, cache) -> ImageSource:
    """Makes a source of a file of comma-separated pixels, whole numbers of 0 to 255, with a label in each line or none.

    The label is the column of that name, or, without names, the first where only the others make an image. With
    `cache`, the file is parsed once into the cache; without it, into memory.

    Raises:
        UserError: a line has other values, the images are of no clear size, it does not fit into memory.
    """
    what = printable(path)
    try:
        with open_regular(path) as file:
            table = _read_table(file, what, wanted.size)
            if cache:
                images, labels = _through_cache(path, file, what, table)
            else:
                images, labels = _in_memory(file, what, table)
    except OSError as error:
        raise UserError(f"{what} cannot be read: {printable(error.strerror or error)}") from error
    return array_source(name, images, wanted, what=what, labels=labels)


def _through_cache(path, file, what, table):
    def write(beside):
        found = []

        def pieces():
            for pixels, labels in _parsed(file, what, table):
                found.append(labels)
                yield pixels

        count = write_rows(beside, pieces(), (table.pixels,))
        labels = None if table.label is None else np.concatenate(found).tolist()
        return {"count": count, "image_shape": [table.pixels], "labels": labels}

    def is_sound(facts):
        return are_of_kinds(facts, FACTS) and (facts["labels"] is None or len(facts["labels"]) == facts["count"])

    entry = CacheEntry(path, ("csv", *table), file_stamp(path), what="the parsed images", sound=is_sound)
    images, facts = entry.load() or entry.store(write)
    return images, facts["labels"]


def _in_memory(file, what, table):
    # A pixel is a byte, and takes at least two in the file, of which one is the comma. All are there twice for a moment.
    check_fits(what, os.fstat(file.fileno()).st_size, "save the images as .npy, which is read piece by piece")
    pixels, labels = zip(*_parsed(file, what, table))
    return np.concatenate(pixels), None if table.label is None else np.concatenate(labels)


def _read_table(file, what, size) -> Table:
    """Reads the first line, and leaves the file where the numbers begin."""
    line = file.readline(MAX_LINE_BYTES + 1)
    if len(line) > MAX_LINE_BYTES:
        raise UserError(_too_long(what, 1))
    fields = _fields(line)
    count = len(fields)
    if not all(map(NUMBER.fullmatch, fields)) or fields == [str(place) for place in range(count)]:
        labels = [place for place, field in enumerate(fields) if LABEL_COLUMN.fullmatch(field)]
        others = [field for field in fields if not LABEL_COLUMN.fullmatch(field) and not _is_pixel(field)]
        if others or len(labels) > 1:
            odd = _shown(others[0] if others else fields[labels[1]])
            raise UserError(f"{what}: column '{odd}' is neither the label nor a pixel: leave it out")
        return Table(count, labels[0] if labels else None, has_header=True)
    file.seek(0)
    found = [(flat_shape(count, size), None), (flat_shape(count - 1, size), 0)]
    found = [(shape, label) for shape, label in found if shape]
    # Of 121 values, 10x12 pixels and a label are more likely than 11x11 pixels where that size is wanted.
    found.sort(key=lambda one: one[0][:2] != size)
    if found:
        return Table(count, found[0][1], has_header=False)
    raise UserError(
        f"{what} has {count} values in a line, which are no square images, with or without a label: give --image-size "
        "HEIGHT WIDTH, of as many pixels, or a third of them where the images have colour"
    )


def _parsed(file, what, table):
    """Yields uint8 [n, pixels] and int64 [n], or None where there are no labels, of some lines at a time.

    Raises:
        UserError: there is no image, or a line is not as the first.
    """
    count = 0
    size = os.fstat(file.fileno()).st_size
    with Work("parsing", size - file.tell(), BYTES) as work:
        for first_number, text in _blocks(file, what, 2 if table.has_header else 1):
            lines = {number: line for number, line in enumerate(text.split("\n"), first_number) if line.strip()}
            if lines:
                values = _values(list(lines.values()), table)
                if values is None:
                    raise UserError(next(filter(None, (_fault(what, n, line, table) for n, line in lines.items()))))
                yield values
                count += len(lines)
            work.update(len(text))
    if not count:
        raise UserError(f"{what} holds no images, only the names of its columns")


def _blocks(file, what, number):
    """Yields the number of a line and text of whole lines from there on, without the last line end, to the file's end."""
    rest = b""
    while chunk := _read(file, what):
        block, end, rest = (rest + chunk).rpartition(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise UserError(_too_long(what, number + (block.count(b"\n") + 1 if end else 0)))
        if end:
            yield number, block.decode("latin-1")
            number += block.count(b"\n") + 1
    if rest:
        yield number, rest.decode("latin-1")


def _read(file, what) -> bytes:
    try:
        return file.read(READ_CHUNK_BYTES)
    except OSError as error:
        # With a cause, the cache would take it for an error of its own disk.
        raise UserError(f"{what} cannot be read: {printable(error.strerror or error)}") from None


def _values(lines, table):
    """Returns uint8 [n, pixels] and int64 [n] or None of some lines, or None where any is not as it should be."""
    values = _numbers(lines, np.int64)
    if values is None:  # Whole numbers may be written as 12.0, too.
        values = _numbers(lines, np.float64)
    if values is None or values.shape != (len(lines), table.columns):
        return None
    labels = None
    if table.label is not None:
        labels, values = values[:, table.label], np.delete(values, table.label, axis=1)
        if not (np.abs(labels) <= MAX_WHOLE_FLOAT).all() or (labels != labels.astype(np.int64)).any():
            return None
        labels = labels.astype(np.int64)
    if not ((0 <= values) & (values <= MAX_PIXEL)).all():  # NaN is neither.
        return None
    pixels = values.astype(np.uint8)
    return (pixels, labels) if (pixels == values).all() else None


def _numbers(lines, dtype):
    """Returns the values of lines, [n, columns], or None where any is no number, or they have different lengths."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns where it takes a fraction for a whole number.
            return np.loadtxt(lines, dtype, delimiter=",", comments=None, ndmin=2)
    except (ValueError, OverflowError, DeprecationWarning):
        return None


def _fault(what, number, line, table):
    """What is wrong with a line, or None."""
    fields = _fields(line)
    if len(fields) != table.columns:
        return f"{what}: line {number} has {len(fields)} values, and not {table.columns} as the first"
    if _values([line], table) is not None:
        return None
    for place, field in enumerate(fields):
        is_whole = NUMBER.fullmatch(field) is not None and float(field).is_integer()
        if place == table.label and not (is_whole and abs(float(field)) <= MAX_WHOLE_FLOAT):
            return f"{what}: line {number} has the label '{_shown(field)}': labels are whole numbers"
        if place != table.label and not (is_whole and 0 <= float(field) <= MAX_PIXEL):
            return f"{what}: line {number} has the value '{_shown(field)}': pixels are whole numbers of 0 to 255"
    return f"{what}: line {number} cannot be read as numbers"


def _fields(line) -> list[str]:
    """The values or names in a line, str or bytes, without what surrounds them."""
    text = line.removeprefix(codecs.BOM_UTF8).decode("latin-1") if isinstance(line, bytes) else line
    return [field.strip().strip("\"'") for field in text.split(",")]


def _is_pixel(field):
    return PIXEL_COLUMN.fullmatch(field) is not None


def _shown(field):
    return printable(field[:MAX_SHOWN_CHARACTERS] + ("..." if len(field) > MAX_SHOWN_CHARACTERS else ""))


def _too_long(what, number):
    return f"{what}: line {number} is longer than 16 MB: no image has so many pixels"
