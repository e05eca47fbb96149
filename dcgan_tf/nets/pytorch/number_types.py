"""The shapes and number types that tensors in files may have, and how their bytes become arrays.

Number types go by the codes of safetensors: F32, I64 and so on.
"""

import numpy as np

# What the bytes are read as; a bfloat16 is the upper half of a float32.
_STORED = {
    "F64": "f8", "F32": "f4", "F16": "f2", "BF16": "u2",
    "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U8": "u1", "BOOL": "u1",
}  # fmt: skip
MAX_AXES = 16
MAX_SIDE = 2**31  # An empty tensor could claim any side without a byte in the file.
ITEM_BYTES = {code: np.dtype(stored).itemsize for code, stored in _STORED.items()}


def to_numbers(content, code: str, byte_order: str = "little") -> np.ndarray:
    """A new array of the numbers in `content`, one after the other; F16 and BF16 become float32.

    code: a key of ITEM_BYTES. content: bytes, a whole number of items.
    """
    stored = np.frombuffer(content, np.dtype(_STORED[code]).newbyteorder(byte_order))
    if code == "BF16":
        upper = stored.astype(np.uint32)
        upper <<= 16
        return upper.view(np.float32)
    if code == "BOOL":
        return stored != 0
    return stored.astype(np.float32 if code == "F16" else stored.dtype.newbyteorder("native"))


def is_shape(sides) -> bool:
    """Whether values that a file gives as a shape are one: a few counts that NumPy can take."""
    return len(sides) <= MAX_AXES and all(type(side) is int and 0 <= side <= MAX_SIDE for side in sides)
