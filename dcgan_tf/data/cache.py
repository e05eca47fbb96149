"""What is worked out once and kept between runs, decoded images above all: for each an array in a .npy and a .json.

The .json is written last and names the .npy, so that it never speaks of half a file. Every file appears whole, and two
processes that decode the same folder at once write the same content under the same name.
"""

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import platformdirs

from dcgan_tf.common import pixels, remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.data.rows import open_npy

VERSION = 1  # one more whenever decoding gives other pixels, or `facts` other keys
ABANDONED_SECONDS = 3600  # a half-written file that nobody has written to for so long belongs to a killed process
CHUNK_BYTES = 2**24


class CacheEntry:
    """Where the decoded images of one folder live, or what else is known of data in one place.

    Args:
        place: the folder of images, a pattern, or an address with "://".
        wanted: all that decides how they are decoded; any value with a stable repr.
        stamp: a short hex string that is another one as soon as any file there is.
        dtype: of the array.
        what: the array in words, for messages.
    """

    def __init__(self, place, wanted, stamp, dtype=np.uint8, what="the decoded images"):
        place = place if remote.is_remote(place) else os.path.realpath(place)
        identity = repr((VERSION, os.fsencode(place), wanted))
        self._dtype, self._what = np.dtype(dtype), what
        self._key = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
        self._stamp = stamp
        self._home = Path(os.environ.get("DCGAN_TF_CACHE") or platformdirs.user_cache_dir("dcgan_tf", appauthor=False))
        self._json = self._home / f"{self._key}.json"
        self._npy = self._home / f"{self._key}-{stamp}.npy"

    def load(self):
        """(the array, facts), or None when nothing of this stamp is there, or it is damaged."""
        with contextlib.suppress(Exception):  # missing, or damaged in any way: it is made again
            entry = json.loads(self._json.read_text("utf-8"))
            array, facts = open_npy(self._npy), entry["facts"]
            shape = (facts["count"], *facts.get("image_shape", ()))
            if entry["stamp"] == self._stamp and array.dtype == self._dtype and array.shape == shape:
                return array, facts
        return None

    def store(self, write):
        """Keeps what `write` writes, and returns what `load` returns.

        Args:
            write: called with a path: writes the .npy there and returns the facts, a dict for JSON with "count", the
                length of the array, and for images "image_shape".

        Raises:
            UserError: the folder of the cache cannot be written to, or its disk is full.
        """
        with self._disk_trouble_is_a_user_error():
            self._home.mkdir(parents=True, exist_ok=True)
            self._remove_abandoned()
            with whole_file(self._npy) as beside:
                facts = write(beside)
            # Open it before anyone can replace it.
            loaded = open_npy(self._npy), facts
            with whole_file(self._json) as beside:
                beside.write_text(json.dumps({"stamp": self._stamp, "facts": facts}), "utf-8")
            for outdated in self._home.glob(f"{self._key}-*.npy"):
                if outdated != self._npy:
                    with contextlib.suppress(OSError):  # Windows: another run still reads it
                        outdated.unlink()
            return loaded

    def _remove_abandoned(self):
        for path in self._home.glob(".*.part*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                    path.unlink()

    @contextlib.contextmanager
    def _disk_trouble_is_a_user_error(self):
        try:
            yield
        except (OSError, UserError) as error:
            trouble = error.__cause__ if isinstance(error, UserError) else error  # whole_file's "no space left"
            if not isinstance(trouble, OSError):
                raise
            raise UserError(
                f"{self._what} cannot be kept in {printable(self._home)} ({trouble.strerror or trouble}): "
                "set DCGAN_TF_CACHE to a folder with free space"
            ) from error


def write_images(path, images, size, channels, finish) -> dict:
    """Writes the images, then returns what `finish` says of them: for `CacheEntry.store`.

    Args:
        images: iterable of uint8 [H, W, channels], never held in memory together.
        finish: called after the last image: facts with "count" and "image_shape". When that has one channel, coloured
            `images` are made grey.
    """
    _write_npy(path, images, (*size, channels))
    facts = finish()
    if facts["image_shape"][-1] < channels:
        with whole_file(path) as grey:
            _write_npy(grey, _grey_chunks(path, (*size, channels)), facts["image_shape"])
    return facts


def _write_npy(path, images, image_shape):
    """Writes uint8 images (or chunks of them) of one shape as they come.

    Plain writes, no memory map: a full disk is then an error that can be told, not a crash of the process.
    """
    shape = [0, *image_shape]
    with open(path, "wb") as file:
        _write_header(file, shape)
        for image in images:
            shape[0] += image.size // int(np.prod(image_shape))
            file.write(np.ascontiguousarray(image))
        # NumPy pads the header so that its length does not depend on the first dimension.
        file.seek(0)
        _write_header(file, shape)


def _write_header(file, shape):
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)})


def _grey_chunks(path, image_shape):
    image_bytes = int(np.prod(image_shape))
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        while chunk := file.read(max(1, CHUNK_BYTES // image_bytes) * image_bytes):
            yield pixels.to_channels(np.frombuffer(chunk, np.uint8).reshape(-1, *image_shape), 1)
