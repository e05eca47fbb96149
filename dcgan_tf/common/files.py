"""Files and folders that appear whole or not at all: written beside, flushed to disk, renamed into place."""

import contextlib
import errno
import json
import os
import re
import shutil
import stat
from pathlib import Path

import filelock

from dcgan_tf.common.errors import UserError, printable


@contextlib.contextmanager
def whole_file(path, flush: bool = True):
    """Yields a path beside `path` (same ending) to write to; on leaving, that file becomes `path`.

    When the block raises, nothing is left behind and an older `path` stays as it was. Without `flush`, for files by the
    thousand that are made again in no time, a power cut (and nothing else) may take the newest.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    path = Path(path)
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        with disk_errors_in_one_line(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.touch()  # fails at once where nothing can be written
            yield beside
            if flush:
                _flush(beside)
            os.replace(beside, path)
            if flush:
                _flush(path.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path):
    """Yields a new folder beside `path`; on leaving, that folder becomes `path`, and an older `path` is gone.

    The name of the folder beside begins with a dot, so that readers that look for numbered folders pass over it.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    path = Path(path)
    old = _beside(path, "old")
    try:
        with disk_errors_in_one_line(path), staging_folder(path) as beside:
            yield beside
            _flush_all(beside)
            if path.exists():
                os.replace(path, old)
            os.replace(beside, path)
            _flush(path.parent)
    finally:
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def staging_folder(path):
    """Yields a new hidden folder beside `path` to build in; on leaving, it is gone with all that was not published."""
    beside = _beside(path)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def publish(built, path) -> None:
    """Gives a file or folder its place, flushed to disk, in one step.

    Raises:
        FileExistsError: something is there already; it stays as it is.
    """
    built, path = Path(built), Path(path)
    _flush_all(built)
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    os.rename(built, path)
    _flush(path.parent)


@contextlib.contextmanager
def disk_errors_in_one_line(path):
    """Turns "no space left" and "permission denied", in any library's words, into a UserError that names `path`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # h5py and TensorFlow raise errors of their own, with the system's words in the message.
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT) or re.search("No space left|Disk quota|errno = 28", str(error)):
            raise UserError(
                f"no space left on the disk for {printable(path)}: free some space and run the same command again"
            ) from error
        if number in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise UserError(
                f"{printable(path)}: cannot be written ({error.strerror}): make its folder writable, or give another"
            ) from error
        raise


@contextlib.contextmanager
def locked_folder(folder, flag: str, work: str):
    """Makes the folder that `flag` names; one process at a time holds it. The lock goes with the process.

    work: what is done there, such as "training".

    Raises:
        UserError: another process holds it, or it cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(
            f"{flag} {printable(folder)}: another {work} is writing to it: wait for it, or give another {flag}"
        ) from None
    except OSError as error:
        raise UserError(
            f"{flag} {printable(folder)}: cannot be written ({error.strerror}): give another {flag}"
        ) from error
    try:
        yield
    finally:
        lock.release()


def numbered(folder) -> dict[int, Path]:
    """What in `folder` has a number for its name, by number, ascending; {} where there is no such folder."""
    folder = Path(folder)
    paths = [path for path in folder.iterdir() if re.fullmatch("[0-9]+", path.name)] if folder.is_dir() else []
    return {int(path.name): path for path in sorted(paths, key=lambda path: int(path.name))}


def remove_folder(path):
    """Deletes a folder that others may be reading: its name goes first, so that nobody finds half of it."""
    path = Path(path)
    hidden = _beside(path, "old")
    with contextlib.suppress(OSError):
        os.replace(path, hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def write_json(path, value, indent: int | None = 2) -> None:
    """Writes a value as JSON, whole or not at all.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    with whole_file(path) as beside:
        beside.write_text(json.dumps(value, indent=indent) + "\n", encoding="utf-8")


def remove_leftovers(folder):
    """Deletes what a killed process left half-written in `folder` (not in the folders below it)."""
    for path in Path(folder).glob(".*"):
        # As the functions above name them, with the number of the process: a person's own files may be like them.
        if re.fullmatch(r"\..+\.\d+\.(part(\.\w+)?|old)", path.name):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _beside(path, ending: str = "part") -> Path:
    """The hidden folder in which `path` is built, or with "old" is put out of the way."""
    return Path(path).with_name(f".{Path(path).name}.{os.getpid()}.{ending}")


def _flush_all(path: Path):
    """A file, or a folder with all that lies in it."""
    for part in (path, *path.rglob("*")):
        _flush(part)


def _flush(path):
    if os.name == "nt" and Path(path).is_dir():
        return  # Windows cannot open a folder
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_out(path: Path, *, is_folder: bool) -> None:
    """Refuses a file where a folder must be, the other way round, and a name that the system refuses.

    Raises:
        UserError: naming --out.
    """
    try:
        for place in (path, *path.parents):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                found, wanted = stat.S_ISDIR(place.stat().st_mode), is_folder or place != path
                if found != wanted:
                    kinds = "is a folder, must be a file" if found else "is a file, must be a folder"
                    raise UserError(f"--out {printable(path)}: {printable(place)} {kinds}: give another")
    except OSError as error:
        raise UserError(f"--out {printable(path)}: {error.strerror}: give another") from error
