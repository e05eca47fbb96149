"""The files in a folder and the folders below it."""

import contextlib
import hashlib
import os

from dcgan_tf.common.errors import printable
from dcgan_tf.data.files.image_files import ImageFiles, in_path_order


class LooseFiles(ImageFiles):
    """Files of their own, whose names lead from a folder.

    place: see `ImageFiles`. folder: as it is given; messages name the files in it so.
    """

    def __init__(self, place, folder, names: list[str]):
        self._folder, self._names = folder, names
        super().__init__(place, stamp_of(folder, names), home=os.path.abspath(folder))

    @property
    def names(self):
        return self._names

    def content(self, name):
        return os.path.join(self._folder, name)

    def where(self, name):
        return printable(self.content(name))


class Folder(LooseFiles):
    """All files in a folder and below, but hidden ones; links are followed.

    Raises:
        OSError: a folder cannot be listed.
    """

    def __init__(self, folder):
        super().__init__(folder, folder, _list_files(folder))


def stamp_of(folder, names) -> str:
    """A hash of the names, sizes and times of some files below a folder."""
    stamp = hashlib.blake2b(digest_size=12)
    for name in names:
        with contextlib.suppress(OSError):  # A broken link has no size.
            path = os.path.join(folder, name)
            status = os.stat(path)
            stamp.update(os.fsencode(name) + f"\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
            if not os.access(path, os.R_OK):  # Once its rights are mended, it is another set.
                stamp.update(b"unreadable\0")
    return stamp.hexdigest()


def _list_files(folder) -> list[str]:
    def unreadable(error):
        raise error

    found, seen = [], set()
    for here, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:  # A link led back to a folder that is listed already.
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        below = os.path.relpath(here, folder)
        found += [os.path.normpath(os.path.join(below, name)) for name in files if not name.startswith(".")]
    return in_path_order(found)
