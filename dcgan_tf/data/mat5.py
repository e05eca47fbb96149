"""Reads arrays of numbers from MATLAB files of versions 5 to 7.2. Everything else in such a file is passed over.

SciPy reads these files, too. But where a few bytes of a file are damaged, it may end the process (SciPy 1.17: in 15 of 300
trials with three random bytes), and a file may make it unpack any amount. The format is in MathWorks' "MAT-File Format".
"""

import collections
import io
import math
import os
import struct
import zlib
from typing import NamedTuple

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.reading import open_regular
from dcgan_tf.data.rows import Rows, fill

HEADER_BYTES = 128
TAG_BYTES = 8
BYTE_ORDERS = {b"IM": "<", b"MI": ">"}  # The header ends so.
MATRIX, COMPRESSED = 14, 15  # the types of elements that a file consists of
# The types of values as stored, and the classes of arrays: MATLAB stores a double array of small whole numbers as bytes.
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
IS_LOGICAL, IS_COMPLEX = 0x200, 0x800  # flags beside the class
MAX_AXES = 32
MAX_NAME_BYTES = 1024
MAX_VARIABLES = 10_000
MAX_PACKING_RATIO = 1100  # zlib packs nothing to less than a 1,032nd of its size.
READ_CHUNK_BYTES = 2**16


class Variable(NamedTuple):
    """An array of numbers in a file.

    shape: as MATLAB shows it; the values lie in Fortran order. dtype: what they mean. stored: the type they are stored in.
    element: where its element begins in the file, with the length. start: where the values begin in the file, or in the
    unpacked element if `is_packed`.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    stored: np.dtype
    element: tuple[int, int]
    start: int
    is_packed: bool

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.stored.itemsize


class Damaged(Exception):
    """The file breaks the rules of its format."""


def read_variables(path) -> dict[str, Variable]:
    """Returns the arrays of numbers in a file by their names, without reading values.

    Raises:
        Damaged: the file is none of MATLAB, is truncated or damaged.
        UserError: it holds too many arrays, or two of one name.
    """
    found: list[tuple[str, Variable]] = []
    with open_regular(path) as file:
        end = os.fstat(file.fileno()).st_size
        order = BYTE_ORDERS.get(_exactly(file, HEADER_BYTES)[-2:])
        if order is None:
            raise Damaged
        while (position := file.tell()) < end:
            kind, length, _ = _read_tag(file, order)
            start = position + TAG_BYTES
            if start + length > end or len(found) > MAX_VARIABLES:
                raise Damaged
            if kind in (MATRIX, COMPRESSED):
                variable = _read_variable(file, order, (start, length), kind == COMPRESSED)
                found += [variable] if variable is not None else []
            file.seek(start + length)
    name, count = collections.Counter(name for name, _ in found).most_common(1)[0] if found else ("", 0)
    if count > 1:
        raise UserError(
            f"{printable(path)} holds {count} arrays called '{printable(name)}': save it again with one of each"
        )
    return dict(found)


def open_variable(path, variable: Variable, what) -> "Rows | np.ndarray":
    """Opens an array, its axes in reverse order, which puts it into C order; values as they are stored.

    Raises:
        Damaged: the values are fewer than the shape says.
        UserError: it does not fit into memory, into which packed ones are read.
    """
    shape = variable.shape[::-1]
    if not variable.is_packed:
        return Rows(path, shape, variable.stored, variable.start)
    position, length = variable.element
    if variable.bytes > length * MAX_PACKING_RATIO:
        raise Damaged
    check_fits(what, variable.bytes, "save it with -v7.3, or as .npy, which are read piece by piece")
    with open_regular(path) as file:
        file.seek(position)
        element = _Unpacked(file, length)
        element.skip(variable.start)
        content = np.empty(variable.bytes, np.uint8)
        if fill(content, element) < len(content):
            raise Damaged
        element.skip(TAG_BYTES)  # What is left fills up eight bytes. At its end, zlib compares its checksum.
        if not element.is_at_end:
            raise Damaged
    return content.view(variable.stored).reshape(shape)


def _read_variable(file, order, element, is_packed):
    """Returns the name and the `Variable` of an element, or None where it is no array of real numbers.

    The file stands where the element begins.
    """
    source, begin = (_Unpacked(file, element[1]), 0) if is_packed else (file, element[0])
    left = element[1]
    if is_packed:
        kind, left, _ = _read_tag(source, order)
        if kind != MATRIX:
            return None
    _, flags = _read_element(source, order, TAG_BYTES)
    if len(flags) != TAG_BYTES:
        return None  # It is of a kind without shape, such as an object.
    (bits,) = struct.unpack(order + "I", flags[:4])
    if bits & 0xFF not in CLASSES or bits & IS_COMPLEX:
        return None
    _, sides = _read_element(source, order, MAX_AXES * 4)
    shape = struct.unpack(f"{order}{len(sides) // 4}i", sides[: len(sides) // 4 * 4])
    _, name = _read_element(source, order, MAX_NAME_BYTES)
    kind, length, small = _read_tag(source, order)
    stored = np.dtype(order + STORED.get(kind, "V1"))
    dtype = np.dtype(bool) if bits & IS_LOGICAL else np.dtype(CLASSES[bits & 0xFF])
    # Values of up to four bytes lie in the tag itself.
    start = source.tell() - (len(small) if length else 0)
    variable = Variable(shape, dtype, stored, element, start, is_packed)
    if kind not in STORED or min(shape, default=0) < 0 or variable.bytes != length:
        raise Damaged
    if start + length - begin > left + TAG_BYTES * is_packed:
        raise Damaged
    return (name.decode("utf-8", "replace"), variable) if name else None


def _read_tag(source, order):
    """Returns the type and length of an element, and its bytes where it is so small that they lie in the tag, else b""."""
    tag = _exactly(source, TAG_BYTES)
    kind, length = struct.unpack(order + "II", tag)
    if kind >> 16:
        kind, length = kind & 0xFFFF, kind >> 16
        if length > TAG_BYTES // 2:
            raise Damaged
        return kind, length, tag[TAG_BYTES // 2 :]
    return kind, length, b""


def _read_element(source, order, at_most):
    """Returns the type and the bytes of an element, of which there may be `at_most`."""
    kind, length, small = _read_tag(source, order)
    if small:
        return kind, small[:length]
    if length > at_most:
        raise Damaged
    content = _exactly(source, length)
    _exactly(source, -length % TAG_BYTES)
    return kind, content


def _exactly(source, count) -> bytes:
    content = np.empty(count, np.uint8)
    if fill(content, source) < count:
        raise Damaged
    return content.tobytes()


class _Unpacked(io.RawIOBase):
    """The content of a packed element, read forwards, of which only what is asked for is unpacked."""

    def __init__(self, file, length):
        self._file, self._left, self._position = file, length, 0
        self._unpacking = zlib.decompressobj()

    def readinto(self, buffer) -> int:
        while not self._unpacking.eof:
            packed = self._unpacking.unconsumed_tail
            if not packed:
                packed = self._file.read(min(READ_CHUNK_BYTES, self._left))
                self._left -= len(packed)
            content = self._unpacking.decompress(packed, len(buffer))
            if content:
                buffer[: len(content)] = content
                self._position += len(content)
                return len(content)
            if not packed:
                return 0
        return 0

    @property
    def is_at_end(self) -> bool:
        return self._unpacking.eof

    def tell(self) -> int:
        return self._position

    def skip(self, count) -> None:
        """Reads so many bytes, or fewer where it ends."""
        fill(np.empty(count, np.uint8), self)
