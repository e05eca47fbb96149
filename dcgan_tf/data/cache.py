"""Keeps between runs what takes long to work out, such as decoded images: an array (.npy) and facts about it (.json).

The .json is written last and says which .npy it belongs to, so that it never describes half a file. Every file appears
whole, and two processes that decode the same folder at once write the same content under the same name.
"""

import contextlib
import hashlib
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import platformdirs

from dcgan_tf.common import pixels, remote
from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.common.reading import open_regular
from dcgan_tf.data.facts import check_seal, parsed, seal
from dcgan_tf.data.rows import open_npy

CACHE_VERSION = 3  # To be raised whenever decoding gives other pixels, reads more formats, or facts get other keys.
ABANDONED_AFTER_SECONDS = 3600  # A half-written file that is older was left by a killed process.
READ_CHUNK_BYTES = 2**24


class CacheEntry:
    """One entry of the cache: the decoded images of a folder, or another array worked out from the files in one place.

    The folder of the cache is the one that DCGAN_TF_CACHE names, or else the user's own for this program.

    Args:
        place: the folder of the files, a file, a pattern, or an address with "://".
        wanted: all that decides what is made of the files; any value with a stable repr.
        stamp: a short hex string that changes when any of the files does.
        dtype: of the array.
        sound: a function that says whether facts, any value of JSON, are such as `store` was given.
        what: the array in words, for messages.
    """

    def __init__(self, place, wanted, stamp, dtype=np.uint8, what="the decoded images", sound=lambda facts: True):
        place = place if remote.is_remote(place) else os.path.realpath(place)
        identity = repr((CACHE_VERSION, os.fsencode(place), wanted))
        self._dtype, self._what, self._sound = np.dtype(dtype), what, sound
        self._key = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
        self._stamp = stamp
        self._home = Path(os.environ.get("DCGAN_TF_CACHE") or platformdirs.user_cache_dir("dcgan_tf", appauthor=False))
        self._json = self._home / f"{self._key}.json"
        self._npy = self._home / f"{self._key}-{stamp}.npy"

    def load(self):
        """Returns (array, facts), or None when there is no entry of this stamp, or it is damaged, which is said."""
        try:
            with open_regular(self._json) as file:
                entry = parsed(file.read())
            if entry.keys() - {"checksum"} != {"stamp", "facts"}:
                raise ValueError("its keys are not what they should be")
            if entry["stamp"] != self._stamp:
                return None
            facts = entry["facts"]
            if not self._sound(facts):
                raise ValueError("the facts are not what they should be")
            with open_regular(self._npy) as file:
                check_seal(entry, file)
                array = open_npy(self._npy)
            if array.dtype == self._dtype and array.shape == (facts["count"], *facts.get("image_shape", ())):
                return array, facts
            raise ValueError("the array is not the one that the facts are of")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Exception as error:  # A damaged entry raises almost anything, and is made again.
            reason = first_line(error) or type(error).__name__
            note(f"{self._what} in {printable(self._home)} are damaged, and not used: {reason}")
            return None

    def store(self, write):
        """Writes the entry, deletes an older one of the same place, and returns (array, facts) as `load` does.

        Args:
            write: a function that writes the .npy to the path it is given and returns the facts: a dict for JSON, with
                the length of the array as "count" and, for images, "image_shape".

        Raises:
            UserError: the folder of the cache cannot be written to, or its disk is full.
        """
        with self._disk_trouble_is_a_user_error():
            self._home.mkdir(parents=True, exist_ok=True)
            self._remove_abandoned()
            with whole_file(self._npy) as beside:
                facts = write(beside)
                entry = {"stamp": self._stamp, "facts": facts}
                with open(beside, "rb") as file:
                    entry["checksum"] = seal(entry, file)
            # The file is opened before another process can replace it.
            loaded = open_npy(self._npy), facts
            with whole_file(self._json) as beside:
                beside.write_text(json.dumps(entry), "utf-8")
            for outdated in self._home.glob(f"{self._key}-*.npy"):
                if outdated != self._npy:
                    with contextlib.suppress(OSError):  # Windows keeps a file that another run still reads.
                        outdated.unlink()
            return loaded

    def _remove_abandoned(self):
        """Deletes half-written files that killed processes left."""
        for path in self._home.glob(".*.part*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                    path.unlink()

    @contextlib.contextmanager
    def _disk_trouble_is_a_user_error(self):
        """Turns errors of the disk into a UserError that names DCGAN_TF_CACHE, the way to another folder."""
        try:
            yield
        except (OSError, UserError) as error:
            # `whole_file` has already turned some errors into a UserError about its file.
            trouble = error.__cause__ if isinstance(error, UserError) else error
            if not isinstance(trouble, OSError):
                raise
            raise UserError(
                f"{self._what} cannot be kept in {printable(self._home)} ({printable(trouble.strerror or trouble)}): "
                "set DCGAN_TF_CACHE to a folder with free space"
            ) from error


def write_images(path, images, size, channels, finish) -> dict:
    """Writes images as a .npy file, one after the other, and returns the facts of `finish`; for `CacheEntry.store`.

    Args:
        images: iterable of uint8 [H, W, channels], of which only one is in memory at a time.
        finish: called after the last image; returns facts with "count" and "image_shape". Only then is it known whether
            any image has colour: when that shape has one channel, the images written so far are made grey.
    """
    write_rows(path, images, (*size, channels))
    facts = finish()
    if facts["image_shape"][-1] < channels:
        with whole_file(path) as grey:
            write_rows(grey, _grey_chunks(path, (*size, channels)), facts["image_shape"])
    return facts


def write_rows(path, rows, row_shape, dtype=np.uint8) -> int:
    """Writes arrays of one shape, or arrays of several such, as the rows of a .npy file, as they come. Returns how many.

    It writes with plain writes, because a full disk is then an error; through a memory map it would kill the process.
    """
    count, row_values = 0, math.prod(row_shape)
    with open(path, "wb") as file:
        _write_header(file, (0, *row_shape), dtype)
        for piece in rows:
            count += piece.size // row_values
            file.write(np.ascontiguousarray(piece, dtype))
        # NumPy pads the header so that its length does not depend on the first dimension.
        file.seek(0)
        _write_header(file, (count, *row_shape), dtype)
    return count


def _write_header(file, shape, dtype):
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": tuple(shape)}
    )


def _grey_chunks(path, image_shape):
    """Yields the images of a .npy file as grey arrays [n, H, W, 1], a few megabytes at a time."""
    image_bytes = int(np.prod(image_shape))
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        while chunk := file.read(max(1, READ_CHUNK_BYTES // image_bytes) * image_bytes):
            yield pixels.to_channels(np.frombuffer(chunk, np.uint8).reshape(-1, *image_shape), 1)
