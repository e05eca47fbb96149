"""Reads and writes files on this machine (with plain Python) or in a cloud (gs://bucket/x and so on, with tf.io.gfile).

Import the module, so that a call says what it does: ``remote.read(path)``. TensorFlow is loaded for an address only.
"""

import contextlib
import glob
import os
import threading

from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.threads import call_in_thread


def is_remote(path) -> bool:
    """Whether a path is an address of a cloud, such as gs://bucket/folder."""
    return "://" in os.fsdecode(path)


def has_pattern(path: str) -> bool:
    """Whether a path has wildcards: *, ? or [."""
    return glob.has_magic(path)


def matching(pattern: str) -> list[str]:
    """Lists the files that match a pattern, sorted; may be empty. A name without wildcards matches its own file."""
    with reading(pattern):
        return sorted(_ask(_gfile().glob, pattern) if is_remote(pattern) else glob.glob(pattern))


def exists(path: str) -> bool:
    """Whether there is such a file or folder.

    Raises:
        UserError: the cloud does not answer.
    """
    with reading(path):
        return _ask(_gfile().exists, path) if is_remote(path) else os.path.exists(path)


def size_and_time(path: str) -> tuple[int, int]:
    """Returns the length of a file in bytes and when it was last changed, in nanoseconds.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: the cloud does not answer, or the system does not tell.
    """
    if not is_remote(path):
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(path) from None
        except OSError as error:
            raise UserError(f"{printable(path)} cannot be read: {error.strerror}") from error
        return status.st_size, status.st_mtime_ns
    if not exists(path):
        raise FileNotFoundError(path)
    with reading(path):
        status = _ask(_gfile().stat, path)
        return status.length, status.mtime_nsec


def read(path: str, position: int = 0, count: int = -1) -> bytes:
    """Returns `count` bytes (-1: all) of a file from `position` on, or fewer where it ends; safe in threads.

    Raises:
        UserError: the file cannot be read, or is no regular one.
    """

    def read_part():
        with opened(path) as file:
            file.seek(position)
            return file.read(count)

    with reading(path):
        return _ask(read_part) if is_remote(path) else read_part()


def opened(path: str):
    """Opens a file for reading its bytes. Errors of the system and of TensorFlow pass through."""
    return _gfile().GFile(path, "rb") if is_remote(path) else open_regular(path)


def write(path: str, content: bytes) -> None:
    """Writes a file, replacing an older one. Errors of the system and of TensorFlow pass through."""
    with _gfile().GFile(path, "wb") if is_remote(path) else open(path, "wb") as file:
        file.write(content)


def join(folder: str, name: str) -> str:
    """The path of a name in a folder; addresses take slashes on every system."""
    return folder.rstrip("/") + "/" + name if is_remote(folder) else os.path.join(folder, name)


def split(path: str) -> tuple[str, ...]:
    """Splits a path into its folder and the name in it."""
    return tuple(path.rsplit("/", 1)) if is_remote(path) else os.path.split(path)


@contextlib.contextmanager
def reading(path):
    """Turns errors of the system and of tf.io.gfile into a UserError that names the file."""
    try:
        yield
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or error
        raise UserError(f"{printable(path)} cannot be read: {printable(reason)}") from error
    except Exception as error:
        message = _message_of_tensorflow(error) if is_remote(path) else None
        if message is None:
            raise
        raise UserError(f"{printable(path)} cannot be read: {message}") from error


def _message_of_tensorflow(error):
    """The reason that an error of TensorFlow gives; None for any other error."""
    from dcgan_tf.common.backend import tf

    if not isinstance(error, tf.errors.OpError):
        return None
    return first_line(error.message)


def _ask(function, *arguments):
    """Calls a function of a cloud. It may wait for minutes, and it hears no signal: the main thread has another wait."""
    if threading.current_thread() is threading.main_thread():
        return call_in_thread(function, *arguments)
    return function(*arguments)


def _gfile():
    from dcgan_tf.common.backend import tf

    return tf.io.gfile
