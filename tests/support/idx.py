"""IDX files for tests."""

import struct


def idx_bytes(array, kind=8) -> bytes:
    """The content of an IDX file. kind: the code of its type; 8 is uint8."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()
