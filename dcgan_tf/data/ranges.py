"""The value range of an array: which stored values mean black and white, told by the type and the values it uses."""

import math
from typing import NamedTuple

import numpy as np

from dcgan_tf.common import pixels
from dcgan_tf.common.errors import UserError
from dcgan_tf.common.program import program
from dcgan_tf.common.progress import counted
from dcgan_tf.data.rows import READ_CHUNK_BYTES

# The value range is judged on a sample of the images: as many as both limits allow, yet never fewer than the least.
# Whole numbers of over 8 bits are judged on all: 4,095 seen in a sample is no 12 bits if 4,096 comes later.
MAX_SAMPLE_IMAGES, MAX_SAMPLE_BYTES, MIN_SAMPLE_IMAGES = 4096, 2**27, 16
RANGE_TOLERANCE = 1e-3  # Rounding may put values outside their range by this share of it.
SENSOR_BITS = (10, 12, 14, 16)  # of which cameras and scanners use all, in files of uint16 or wider
MIN_SHARE_USED = 1 / 4  # Of a range that is used less, a note says so.


class HardlyUsed(NamedTuple):
    """A range that is hardly used: the least and the greatest value that is, and those that become 0 and 255."""

    least: float
    most: float
    low: float
    high: float

    @property
    def note(self) -> str:
        least, most, low, high = map(_number_text, self)
        return (
            f"the values use only {least} to {most} of {low}..{high}: {range_flag(*self[:2])} gives them all contrast, "
            f"{program()} inspect shows them as they are"
        )


def range_flag(low: float, high: float) -> str:
    """The flag that gives a range."""
    return f"--value-range {_number_text(low)} {_number_text(high)}"


def _number_text(value) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:g}"


class ValueRange(NamedTuple):
    """The stored values `low` and `high` become 0 and 255; `text` says them to people; `hardly_used` is None mostly."""

    low: float
    high: float
    text: str
    hardly_used: HardlyUsed | None = None


def hardly_used(least: float, most: float, low: float, high: float) -> HardlyUsed | None:
    """The range `low` to `high`, where values from `least` to `most` use less than a quarter of it, but are not all equal;
    else None."""
    if not 0 < most - least < MIN_SHARE_USED * (high - low):
        return None
    return HardlyUsed(*(int(value) if value == int(value) else float(value) for value in (least, most, low, high)))


def find_range(array, what, given) -> ValueRange:
    """The value range of an array.

    array: [N, ...], in memory or read by rows. given: (low, high) as the user gave them, or None to recognise them.

    Raises:
        UserError: the range is not clear, or there is NaN or infinity.
    """
    dtype = array.dtype.newbyteorder("=")
    if given is not None:
        if dtype.kind == "f":
            _min_max(array, what)  # Refuses NaN.
        low, high = given
        return ValueRange(low, high, f"{dtype.name} {low:g}..{high:g} (given)")
    if dtype.kind == "b":
        return ValueRange(0, 1, "bool 0..1")
    least, most = _min_max(array, what)
    recognised = _recognised(dtype, least, most)
    if recognised is None:
        raise UserError(
            f"{what}: the value range is not clear ({dtype.name}, {least:g} to {most:g} seen): "
            "give --value-range LO HI, the values that mean black and white"
        )
    low, high, bits = recognised
    text = f"{dtype.name} {low}..{high}" + (f" ({bits} bits)" if bits else "")
    return ValueRange(low, high, text, hardly_used(float(least), float(most), low, high))


def _recognised(dtype, least, most):
    """Returns the range (low, high) that values from `least` to `most` clearly use, or None where it is not clear; and
    the number of bits that it stands for, or None where the type says it.

    Values that fill less than half of a range could as well be of another one.
    """

    def within(low, high):
        slack = RANGE_TOLERANCE * (high - low)
        return low - slack <= least and most <= high + slack

    if dtype == np.uint8:
        # Smaller values may be class numbers of a mask, or greys of 4 bits.
        return (0, 255, None) if most >= 32 else None
    if dtype == np.int8:  # These are 0..255 shifted by 128; 0..127 could as well be 7 bits.
        return (-128, 127, None) if least < 0 and int(most) - int(least) >= 128 else None
    if dtype.kind == "f" and within(0, 1) and most >= 0.5:
        return 0, 1, None
    if dtype.kind == "f" and within(-1, 1) and least <= -0.5 and most >= 0.5:
        return -1, 1, None
    if dtype != np.uint16 and within(0, 255) and most >= 127:  # uint16 is no type for 8 bits.
        return 0, 255, None
    if dtype.kind in "iu" and least >= 0:
        bits = bits_of(int(most))
        return None if bits is None else (0, 2**bits - 1, bits)
    return None


def bits_of(most: int) -> int | None:
    """10, 12, 14 or 16, where the greatest value of a set needs exactly these bits or the last of them.

    That is 10 for 512..1,023, 12 for 2,048..4,095, 14 for 8,192..16,383 and 16 for 32,768..65,535: cameras, scanners and
    detectors have these depths, and a set of their images nearly always reaches the upper half. None for all others.
    """
    return most.bit_length() if most > 0 and most.bit_length() in SENSOR_BITS else None


def _min_max(array, what):
    """Returns the least and the greatest value of the array, or of a sample spread over it. Refuses NaN and infinity."""
    image_bytes = array.itemsize * math.prod(array.shape[1:])
    step = max(1, READ_CHUNK_BYTES // image_bytes)
    if array.dtype.kind in "iu" and array.itemsize > 1:
        pieces = counted(
            _pieces(range(len(array)), step), "looking for the value range", -(-len(array) // step), "piece"
        )
    else:
        at_most = max(MIN_SAMPLE_IMAGES, MAX_SAMPLE_BYTES // image_bytes)
        pieces = _pieces(pixels.spread(len(array), min(MAX_SAMPLE_IMAGES, at_most)), step)
    least, most = np.inf, -np.inf
    for indices in pieces:
        chunk = array[indices]
        low, high = chunk.min(), chunk.max()  # Both are NaN when any value is.
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
            raise UserError(not_finite(what, indices[~finite][0]))
        least, most = min(least, low), max(most, high)
    return least, most


def _pieces(indices, step):
    """Yields some indices at a time, as arrays."""
    for start in range(0, len(indices), step):
        yield np.asarray(indices[start : start + step])


def not_finite(what, index) -> str:
    return f"{what}: image {index} holds NaN or infinity; mend or remove it"
