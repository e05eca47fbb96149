"""Lists of images that commands write, for `--data @LIST`."""

from pathlib import Path

import numpy as np

from dcgan_tf.common.files import disk_errors_in_one_line, whole_file
from dcgan_tf.data.files.listed import list_text
from dcgan_tf.data.source import ImageSource


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
