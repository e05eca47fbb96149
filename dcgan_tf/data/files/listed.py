"""Images that a text file lists, one path a line: --data @clean.txt."""

import os
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import size_text
from dcgan_tf.data.files.folder import LooseFiles

MARK = "@"  # before the name of a list
MAX_LIST_BYTES = 2**28  # Of a million images a list has some 60 MB.


class ListedFiles(LooseFiles):
    """The files that a list names, in its order. Paths are meant from the folder of the list, or are whole; lines that are
    empty or begin with "#" do not count. A path that comes twice counts once.

    Raises:
        UserError: it is no such list.
        OSError: it cannot be read.
    """

    def __init__(self, path):
        super().__init__(path, os.path.dirname(os.path.abspath(path)), list(dict.fromkeys(_lines(path))))

    def is_image(self, name):
        return True  # It is listed as one; decoding says why not.


def list_text(paths, folder, about: str) -> bytes:
    """The content of a list in `folder` of some images. about: what they are, in words.

    A path that lies below the folder leads from there, so that both can be moved together; another one is whole.

    Raises:
        UserError: a name cannot stand on a line of its own.
    """
    folder = os.path.abspath(folder)
    lines = [f"# {printable(about)}"]
    for path in map(os.path.abspath, paths):
        within = os.path.commonpath([folder, path]) == folder
        line = os.path.relpath(path, folder) if within else path
        if line != line.strip() or line.startswith("#") or len(line.splitlines()) != 1:
            raise UserError(f"{printable(path)}: has a name that no list can hold: rename it")
        lines.append(line)
    return os.fsencode("\n".join(lines) + "\n")


def _lines(path):
    what = printable(path)
    with open_regular(path) as file:
        content = file.read(MAX_LIST_BYTES + 1)
    if len(content) > MAX_LIST_BYTES:
        raise UserError(
            f"{what} is larger than {size_text(MAX_LIST_BYTES)}: a list has a path of an image on each line"
        )
    if b"\0" in content:
        raise UserError(f"{what} is no list: it must be a text with a path of an image on each line")
    # A path may be any bytes on some systems.
    lines = [os.fsdecode(line.strip()) for line in content.removeprefix(b"\xef\xbb\xbf").splitlines()]
    paths = [line for line in lines if line and not line.startswith("#")]
    if not paths:
        raise UserError(f"{what} lists no images: it must have a path of an image on each line")
    return paths


def list_of(data: str) -> Path | None:
    """The list that `--data @LIST` names, as given or below the folder data/; None where `data` is no such thing."""
    if not data.startswith(MARK) or os.path.lexists(data):
        return None
    name = os.path.expanduser(data.removeprefix(MARK))
    below = os.path.join("data", name)
    return Path(below if not os.path.lexists(name) and os.path.lexists(below) else name)
