"""What would stop a training later is refused before it begins, such as another user's files after a run in a container.

A folder or file that is not there is passed over.
"""

import contextlib
import errno
import os
import stat
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import check_regular


@contextlib.contextmanager
def errors_in_one_line(run: Path):
    """Turns what the functions below raise into a UserError that says how to mend it. run: the folder of all of them."""
    try:
        yield
    except OSError as error:
        mend = "give another --run-dir" if error.errno == errno.EROFS else "move it away, or give another --run-dir"
        if isinstance(error, PermissionError):
            mend = f"mend its rights, such as with: sudo chown -R $(id -un) {printable(run)}"
        raise UserError(f"{printable(error.filename)}: cannot be used ({error.strerror}): {mend}") from error


def check_folder(path: Path) -> None:
    """Raises OSError: it is no folder, or cannot be read and written to."""
    if os.path.lexists(path):
        os.listdir(path)
        _check_access(path, os.W_OK | os.X_OK)


def check_file(path: Path, *, reads: bool = False, writes: bool = False) -> None:
    """Raises OSError: it is no regular file, or cannot be read or written where that is asked."""
    if os.path.lexists(path):
        check_regular(path)
        _check_access(path, os.R_OK * reads | os.W_OK * writes)


def check_replaced(path: Path) -> None:
    """Raises OSError: it is a folder, the only thing that a file written as a whole cannot take the place of."""
    if os.path.lexists(path) and stat.S_ISDIR(os.lstat(path).st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _check_access(path: Path, mode: int) -> None:
    if not os.access(path, mode, effective_ids=os.access in os.supports_effective_ids):
        is_fixed = mode & os.W_OK and hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY
        number = errno.EROFS if is_fixed else errno.EACCES
        raise OSError(number, os.strerror(number), str(path))
