"""Arrays that lie in their file so that single images take long to read: they are unpacked once, into the cache."""

import hashlib
import os

import numpy as np

from dcgan_tf.common.progress import Work
from dcgan_tf.data.cache import CacheEntry, write_rows
from dcgan_tf.data.facts import are_of_kinds, is_count, is_counts

KINDS = {"count": is_count, "image_shape": is_counts}


def file_stamp(path) -> str:
    """A short hex string that changes when a file does, by its length and time."""
    status = os.stat(path)
    return hashlib.blake2b(f"{status.st_size} {status.st_mtime_ns}".encode(), digest_size=12).hexdigest()


def unpacked_rows(path, part: str, rows):
    """Returns the same array as `rows`, read from the cache, into which it is copied where it is not there yet.

    Args:
        path: the file.
        part: which array of the file it is, and all else that decides what it holds.
        rows: shape, dtype, and ``rows[indices]``; it is read from first to last, `band_rows` at a time.

    Raises:
        UserError: the file is damaged, or the cache cannot be written.
    """
    shape, dtype = rows.shape, rows.dtype

    def write(beside):
        with Work("unpacking", len(rows), "image") as work:

            def pieces():
                for start in range(0, len(rows), rows.band_rows):
                    piece = rows[np.arange(start, min(start + rows.band_rows, len(rows)))]
                    yield piece
                    work.update(len(piece))

            count = write_rows(beside, pieces(), shape[1:], dtype)
        return {"count": count, "image_shape": list(shape[1:])}

    def is_sound(facts):
        return are_of_kinds(facts, KINDS) and (facts["count"], *facts["image_shape"]) == shape

    entry = CacheEntry(path, ("unpacked", part, dtype.str), file_stamp(path), dtype, "the unpacked images", is_sound)
    array, _ = entry.load() or entry.store(write)
    return array
