"""Lists of images that commands write: never into the folder of the images, and only of images that are files."""

from pathlib import Path

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.data.files.listed import MARK, list_text
from dcgan_tf.data.source import ImageSource


def check_can_list(data: str, source: ImageSource, out: Path) -> None:
    """out: the list, or the folder of several.

    Raises:
        UserError: the images are no files of their own, or the list would lie among them.
    """
    if source.home is None:
        raise UserError(f"{printable(data)}: is no folder or list of image files, of which alone lists can be made")
    if not data.startswith(MARK) and out.resolve().is_relative_to(Path(source.home).resolve()):
        raise UserError(f"--out {printable(out)}: lies within the folder of the images: give one outside of it")


def write_list(path: Path, source: ImageSource, chosen: np.ndarray, about: str) -> None:
    """Writes a list of some images. chosen: bool [N]. about: what they are, in words.

    Raises:
        UserError: it cannot be written, or a name cannot stand in a list.
    """
    paths = [Path(source.home, source.names[i]) for i in np.flatnonzero(chosen)]
    with whole_file(path) as beside:
        beside.write_bytes(list_text(paths, path.parent, f"{len(paths):,} images of {about}"))
