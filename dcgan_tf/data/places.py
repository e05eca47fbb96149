"""What `--data` names: a path here or below data/, a part of a file, a list, a pattern, an address, or a named set."""

import contextlib
import difflib
import glob
import os
import re
from pathlib import Path
from typing import NamedTuple

from dcgan_tf.common import remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.data.files.listed import list_of
from dcgan_tf.data.named_sets import NAMED_SETS

PART_MARK = "::"  # between a file and the array in it
PACKED_ENDINGS = (".gz", ".bz2", ".xz")  # train.tar.gz is called "train".
MAX_NAME_CHARACTERS = 100


class Place(NamedTuple):
    """Where images are.

    kind  "path"; "list" of paths; "pattern" of files here or in a cloud, or an address there; "set" with a name
    path  the file, folder, list or pattern; of a named set its name
    part  of a file: the name of the array in it; None: not said
    name  a short name, for a run's folder
    """

    kind: str
    path: str
    part: str | None
    name: str


def find_place(data: str) -> Place:
    """What `data` names; nothing is opened.

    Raises:
        UserError: nothing is called so.
    """
    pattern = data if remote.is_remote(data) else _pattern(data)
    if pattern is not None:
        return Place("pattern", pattern, None, _name_of_pattern(pattern))
    if (listed := list_of(data)) is not None:
        return Place("list", os.fspath(listed), None, _name(listed))
    if (found := _find(data)) is not None:
        path, part = found
        return Place("path", path, part, _name(path, part))
    if data in NAMED_SETS:
        return Place("set", data, None, data)
    below_data = []
    with contextlib.suppress(OSError):  # There need not be such a folder, nor need it be readable.
        below_data = [name for name in os.listdir("data") if not name.startswith(".")]
    near = difflib.get_close_matches(data, [*below_data, *NAMED_SETS], n=1)
    hint = f"; did you mean '{printable(near[0])}'?" if near else ""
    raise UserError(
        f"--data '{printable(data)}': no such file or folder, not here and not in data/, "
        f"nor one of the named sets {', '.join(NAMED_SETS)}{hint}"
    )


def _pattern(data):
    """Returns the pattern that `data` is, here or below data/, where it matches any file; else None."""
    if not remote.has_pattern(data) or any(map(os.path.exists, _candidates(data))):
        return None
    return next((pattern for pattern in _candidates(data) if glob.glob(pattern)), None)


def _candidates(data):
    """The paths that `data` may mean, in order: as it is given, then below the folder data/."""
    return os.path.expanduser(data), os.path.join("data", data)


def _find(data) -> tuple[str, str | None] | None:
    """Returns the path that `data` means, and the part of that file, as in file::part; None where there is no such path."""
    for path in _candidates(data):
        if data and os.path.exists(path):
            return path, None
    # A file's own name may hold the mark: the longest name that there is goes first.
    for place in reversed([found.start() for found in re.finditer(PART_MARK, data)]):
        for path in _candidates(data[:place]):
            if os.path.exists(path) and not os.path.isdir(path) and data[place + len(PART_MARK) :]:
                return path, data[place + len(PART_MARK) :]
    return None


def _name(path, part=None) -> str:
    """A short name: that of a folder, or that of a file without its ending, with the part of it that is read."""
    path = Path(os.path.abspath(path))
    if path.is_dir():
        return path.name or "images"
    name = Path(path.stem if path.suffix in PACKED_ENDINGS else path.name).stem
    return name if part is None else f"{name}-{part.strip('/').replace('/', '-')}"[:MAX_NAME_CHARACTERS]


def _name_of_pattern(pattern) -> str:
    """A short name for the files of a pattern: the folder that they lie in, or the last part of an address."""
    if remote.is_remote(pattern):
        parts = [part for part in pattern.split("://", 1)[1].split("/") if part]
        named = [part for part in parts if not remote.has_pattern(part)]
        return Path(named[-1]).stem if named else "images"
    return _name(os.path.dirname(os.path.abspath(pattern)))
