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
import psutil

from dcgan_tf.common.errors import UserError, printable

LOCK_NAME = ".lock"  # of the file that `locked_folder` holds

# The folders that this process has locked, by absolute path, and which folder each was then: (device, inode).
_held: dict[Path, tuple[int, int]] = {}


@contextlib.contextmanager
def whole_file(path, flush: bool = True):
    """Yields a path beside `path`, with the same ending, to write to; on leaving, that file becomes `path`.

    When the block raises, nothing is left behind and an older `path` stays as it was.

    flush: whether the file is on the disk when the block is left. Without it, a power cut can lose the newest files,
        which does for thousands of files that are quickly made again.

    Raises:
        UserError: the disk is full, or the folder cannot be written, or `check_held` raises.
    """
    path = Path(path)
    check_held(path)
    beside = _part(path)
    try:
        with disk_errors_in_one_line(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.touch()  # Fails before any work is done where nothing can be written.
            yield beside
            if flush:
                _flush(beside)
            os.replace(beside, path)
            if flush:
                _flush(path.parent)
    finally:
        with contextlib.suppress(OSError):  # A disk that fails may fail again; the error that is raised says so.
            beside.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path):
    """Yields a new folder beside `path`; on leaving, that folder becomes `path`, and an older `path` is gone.

    Until then its name begins with a dot, so that programs that look for numbered folders ignore it. A folder cannot be
    replaced in one step: where the process is killed between the two, `remove_leftovers` puts the older one back.

    Raises:
        UserError: the disk is full, or the folder cannot be written, or `check_held` raises.
    """
    path = Path(path)
    check_held(path)
    old = _beside(path, "old")
    try:
        with disk_errors_in_one_line(path), staging_folder(path) as beside:
            yield beside
            _flush_all(beside)
            if path.exists():
                os.replace(path, old)
            try:
                os.replace(beside, path)
            except OSError:
                with contextlib.suppress(OSError):
                    os.replace(old, path)
                raise
            _flush(path.parent)
    finally:
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def staging_folder(path):
    """Yields a new hidden folder beside `path` to build in. On leaving, it is deleted with all that is still in it."""
    beside = _beside(path)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def publish(built, path) -> None:
    """Flushes a file or folder to the disk and renames it to `path`, in one step for whoever looks.

    Raises:
        FileExistsError: something is there already; it stays as it is.
    """
    built, path = Path(built), Path(path)
    _flush_all(built)
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    os.rename(built, path)
    _flush(path.parent)


_FULL_DISK, _NO_RIGHTS = (errno.ENOSPC, errno.EDQUOT), (errno.EROFS, errno.EACCES, errno.EPERM)


@contextlib.contextmanager
def disk_errors_in_one_line(path):
    """Turns errors of the disk, as any library words them, into a UserError that names `path`, which is written within."""
    try:
        yield
    except (UserError, BrokenPipeError):
        raise
    except Exception as error:
        number = _system_error(error)
        if number is None:
            raise
        if number in _FULL_DISK:
            raise UserError(
                f"no space left on the disk for {printable(path)}: free some space and run the same command again"
            ) from error
        mend = (
            "make its folder writable, or give another" if number in _NO_RIGHTS else "check the disk, or give another"
        )
        raise UserError(f"{printable(path)}: cannot be written ({os.strerror(number)}): {mend}") from error


def _system_error(error: Exception) -> int | None:
    """The number of the system's error that any library's error is about; None where it is about something else."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    # h5py and TensorFlow raise errors without `errno`; the words of the system are in their message.
    numbers = (*_FULL_DISK, *_NO_RIGHTS, errno.EIO, errno.EFBIG, errno.ENOENT)
    return next((number for number in numbers if os.strerror(number) in str(error)), None)


@contextlib.contextmanager
def locked_folder(folder, flag: str, work: str, instead: str | None = None):
    """Makes the folder that `flag` names and holds a lock on it, so that one process at a time writes there.

    The system releases the lock when the process ends, however it ends.

    work: what is done there, for the message, such as "training". instead: what a person may do, where another folder is
        no way out.

    Raises:
        UserError: another process holds it, or it cannot be written.
    """
    folder, instead = Path(folder), instead or f"give another {flag}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK_NAME)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(
            f"{flag} {printable(folder)}: another {work} is writing to it: wait for it, or {instead}"
        ) from None
    except OSError as error:
        raise UserError(f"{flag} {printable(folder)}: cannot be written ({error.strerror}): {instead}") from error
    place = folder.absolute()
    _held[place] = _identity(place)
    try:
        yield
    finally:
        del _held[place]
        lock.release()


def check_held(path) -> None:
    """To be called before something is written at `path`, which may lie in a folder that this process has locked.

    Raises:
        UserError: that folder was moved or deleted meanwhile, so that nobody would find what is written.
    """
    place = Path(path).absolute()
    for folder, identity in _held.items():
        if folder in (place, *place.parents) and _identity(folder) != identity:
            raise UserError(
                f"{printable(folder)}: was moved or deleted while it was written to: put it back where it was, and run "
                "the same command again"
            )


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which folder is at that path: (device, inode); None where there is none."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def numbered(folder) -> dict[int, Path]:
    """Maps numbers to the paths in `folder` that have them for a name, ascending; {} where there is no such folder."""
    folder = Path(folder)
    paths = [path for path in folder.iterdir() if re.fullmatch("[0-9]+", path.name)] if folder.is_dir() else []
    return {int(path.name): path for path in sorted(paths, key=lambda path: int(path.name))}


def remove_folder(path):
    """Renames a folder, then deletes it, so that nobody who looks for it finds half. A missing folder is no error."""
    path = Path(path)
    hidden = _beside(path, "gone")
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


def remove_leftovers(folder, *, is_locked: bool = True):
    """Deletes what killed processes left half-written in `folder` (not in the folders below it), and puts back what they
    had moved aside to replace it.

    is_locked: whether nobody else writes there; otherwise, what belongs to a process that lives stays.
    """
    for path in Path(folder).glob(".*"):
        # Only names that the functions above make match, process number included: a person may have files like them.
        left = re.fullmatch(r"\.(.+)\.(\d+)\.(part(\.\w+)?|old|gone)", path.name)
        if not left or not (is_locked or _has_ended(int(left[2]))):
            continue
        with contextlib.suppress(OSError):  # Another user's process may have left it.
            if left[3] == "old" and not path.with_name(left[1]).exists():
                os.replace(path, path.with_name(left[1]))
            else:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _has_ended(process: int) -> bool:
    """Of this process itself, it means one of the same number before it, as in a container."""
    return process == os.getpid() or not psutil.pid_exists(process)


def _part(path: Path) -> Path:
    """Names the hidden file that `whole_file` writes to."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")


def _beside(path, ending: str = "part") -> Path:
    """Names the hidden folder that `path` is built in; with "old" or "gone", the one that an older `path` is moved to."""
    return Path(path).with_name(f".{Path(path).name}.{os.getpid()}.{ending}")


def _flush_all(path: Path):
    """Flushes a file, or a folder with all that lies in it."""
    for part in (path, *path.rglob("*")):
        _flush(part)


def _flush(path):
    if os.name == "nt" and Path(path).is_dir():
        return  # Windows cannot open a folder.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_out(path: Path, *, is_folder: bool) -> None:
    """Refuses a file where a folder must be, a folder where a file must be, and a name that the system does not take.

    Raises:
        UserError: it names --out.
    """
    try:
        for place in (path, *path.parents):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                found, wanted = stat.S_ISDIR(place.stat().st_mode), is_folder or place != path
                if found != wanted:
                    kinds = "is a folder, must be a file" if found else "is a file, must be a folder"
                    raise UserError(f"--out {printable(path)}: {printable(place)} {kinds}: give another")
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (_beside if is_folder else _part)(path.absolute()).stat()  # Longer than the name itself.
    except OSError as error:
        raise UserError(f"--out {printable(path)}: {error.strerror}: give another") from error
