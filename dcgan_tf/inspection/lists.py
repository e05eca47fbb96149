"""Lists of images that commands write, for `--data @LIST`."""

from pathlib import Path

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import disk_errors_in_one_line, whole_file
from dcgan_tf.data.files.listed import list_text
from dcgan_tf.data.source import ImageSource


def refuse_within(flag: str, path: Path, folder) -> None:
    """A file among the images would be counted with them the next time, and their folder is not ours to write to.

    Raises:
        UserError: the path lies within the folder of the images.
    """
    if path.resolve().is_relative_to(Path(folder).resolve()):
        raise UserError(f"{flag} {printable(path)}: lies within the folder of the images: give one outside of it")


def write_list(path: Path, source: ImageSource, indices: np.ndarray, about: str) -> None:
    """Writes a list of some images of a source whose images are files. about: what they are, in words.

    Raises:
        UserError: it cannot be written, or a name cannot stand in a list.
    """
    paths = [Path(source.home, source.names[index]) for index in indices]
    with disk_errors_in_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as beside:
            beside.write_bytes(list_text(paths, path.parent, f"{len(paths):,} images of {about}"))
