"""Reads .safetensors: 8 bytes with the length of a header, the header in JSON, then the numbers of all tensors.

The header says of each tensor its number type, its shape and where its numbers lie: {"name": {"dtype": "F32",
"shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {...}}. The numbers lie without gaps, little-endian.
"""

import json
import math

import numpy as np

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.text import natural_order, size_text
from dcgan_tf.nets.pytorch.number_types import ITEM_BYTES, is_shape, to_numbers
from dcgan_tf.nets.words import shown

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 2**22  # A tensor takes about 100 bytes there.


def is_safetensors(head: bytes, file_bytes: int) -> bool:
    """Whether a file starts as safetensors do: with the length of its JSON, which is within the file, and a brace.

    head: some of the first bytes, more than LENGTH_BYTES. file_bytes: of the whole file.
    """
    is_json = head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"
    return is_json and len("{}") <= _header_bytes(head) <= file_bytes - LENGTH_BYTES


def read_safetensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors in a file's content by name, in the natural order of their names: "2.weight" before "10.weight".

    The file itself has them in the alphabetic order of the names, not in that of the layers.

    Raises:
        UserError: the header is too long, or tells of tensors that the numbers are not those of.
        ValueError, RecursionError: the header is no JSON.
    """
    size = _header_bytes(content)
    if size > MAX_HEADER_BYTES:
        raise UserError(
            f"has a header of {size_text(size)}, {size_text(MAX_HEADER_BYTES)} at most are read: "
            "give the file of one net"
        )
    start = LENGTH_BYTES + size
    header = json.loads(content[LENGTH_BYTES:start].decode("utf-8"), object_pairs_hook=_without_doubles)
    header.pop("__metadata__", None)
    rows = {name: _row(name, facts) for name, facts in header.items()}
    _check_places([place for _, _, place in rows.values()], len(content) - start)
    tensors = {}
    for name in sorted(rows, key=natural_order):
        code, shape, (first, end) = rows[name]
        tensors[name] = to_numbers(content[start + first : start + end], code).reshape(shape)
    return tensors


def _header_bytes(content: bytes) -> int:
    return int.from_bytes(content[:LENGTH_BYTES], "little")


def _without_doubles(pairs) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UserError("has two tensors of one name in its header: save it anew")
    return found


def _row(name: str, facts) -> tuple[str, list[int], list[int]]:
    """The number type, shape and place of a tensor; the place is as long as the shape asks for.

    Raises:
        UserError: it is not, or the number type is none that is read.
    """
    code, shape, place = (facts[key] for key in ("dtype", "shape", "data_offsets"))
    if code not in list(ITEM_BYTES):
        raise UserError(f"tensor {shown(name)!r} has numbers of type {shown(code)}; {', '.join(ITEM_BYTES)} are read")
    if not is_shape(shape) or place[1] - place[0] != math.prod(shape) * ITEM_BYTES[code]:
        raise UserError(f"tensor {shown(name)!r} has another shape than its numbers fill: the file is damaged")
    return code, shape, place


def _check_places(places, data_bytes: int) -> None:
    """Refuses tensors that leave gaps, overlap, or end elsewhere than the file.

    Raises:
        UserError: they do.
    """
    reached = 0
    for first, end in sorted(places):
        if first != reached:
            raise UserError("has tensors that overlap or leave gaps: the file is damaged")
        reached = end
    if reached != data_bytes:
        raise UserError(
            f"has {size_text(data_bytes)} of numbers, but its header tells of {size_text(reached)}: the file is damaged"
        )
