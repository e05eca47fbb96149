"""Files that are read: only regular ones are opened, because a pipe or a device may keep a program waiting for ever."""

import errno
import hashlib
import json
import os
import stat
from typing import BinaryIO


def open_regular(path) -> BinaryIO:
    """Opens a file for reading its bytes; never waits for somebody to write it.

    Raises:
        OSError: it cannot be read, or is a folder, a pipe, a socket or a device.
    """
    check_regular(path)  # A socket cannot be opened, and opening some devices does something to them.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _refuse_irregular(os.fstat(handle), path)  # It may have been replaced meanwhile.
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def check_regular(path) -> None:
    """For a file that a library opens by its name.

    Raises:
        OSError: it is not there, or is a folder, a pipe, a socket or a device.
    """
    _refuse_irregular(os.stat(path), path)


def _refuse_irregular(status: os.stat_result, path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


def read_json(path):
    """The value in a JSON file of UTF-8.

    Raises:
        OSError: there is no such regular file, or it cannot be read.
        ValueError: it is not JSON, or nested too deeply.
    """
    with open_regular(path) as file:
        try:
            return json.loads(file.read().decode("utf-8"))
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def checksum(path) -> str:
    """The checksum of a regular file's content, in hexadecimal digits."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
