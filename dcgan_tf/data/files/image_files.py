"""A set of files, wherever they lie: their names in a fixed order, and what is in each."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.data.decode import is_image

# A file with another ending is an image when its content begins like one. HEIC, AVIF and JPEG XL cannot be decoded;
# they are listed so that such files are reported as skipped images, not as files of another kind.
IMAGE_ENDINGS = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".bmp",
    ".tif",
    ".tiff",
    ".gif",
    ".heic",
    ".heif",
    ".avif",
    ".jxl",
    ".dcm",
    ".dicom",
)

FRAME_MARK = "#"  # between the name of a file with several images and the number of one, from 1


class Classes(NamedTuple):
    """What images show: a label for each, 0, 1, ..., and the names of the labels. Both are None where that is not known,
    the names alone where they have none. problem: why it is not known, where some images seem to have a class."""

    labels: list[int] | None
    names: list[str] | None
    problem: str = ""


class ImageFiles:
    """Files under names that tell them apart, some of which are images. Kinds of sets are subclasses.

    Attributes:
        place: the path of the folder or archive, by which the cache knows the set.
        home: the folder that the names lead from, where they are files of their own; else None.
        stamp: a short hex string that changes when any of the files does.
    """

    def __init__(self, place, stamp: str, home: str | None = None):
        self.place, self.stamp, self.home = os.fspath(place), stamp, home

    @property
    def what(self) -> str:
        """The set in words, for messages."""
        return printable(self.place)

    @property
    def names(self) -> Sequence[str]:
        """The names of all files, images or not, in the order that the images have. Folders in them end in "/".

        Raises:
            UserError: the set is damaged.
        """
        raise NotImplementedError

    def content(self, name: str) -> str | bytes:
        """What `decode` takes: the path of a file, or its content. Threads may call it at once.

        Raises:
            UserError: in a few words, why it cannot be read.
            OSError: the disk fails.
            Exception: almost anything where the set is damaged.
        """
        raise NotImplementedError

    def is_image(self, name: str) -> bool:
        """Whether a file begins as an image does, whatever its name.

        Raises:
            OSError: the disk fails.
        """
        try:
            content = self.content(name)
        except UserError:
            return False
        return is_image(content)

    def where(self, name: str) -> str:
        """Says where a file lies, for messages."""
        return printable(f"{self.place}: {name}")

    def classes(self, names: Sequence[str]) -> Classes:
        """The classes of some files, in order: those of the folders that they lie in."""
        return classes_by_folder(names)


def classes_by_folder(names: Sequence[str]) -> Classes:
    """Takes the folder that a file lies in for its class. There are none where all lie in one folder, or one in none."""
    parents = [os.path.basename(os.path.dirname(name)) for name in names]
    class_names = sorted(set(parents))
    if len(class_names) < 2:
        return Classes(None, None)
    if "" in class_names:
        loose = printable(names[parents.index("")])
        return Classes(None, None, f"{loose} lies in none of the folders" if len(class_names) > 2 else "")
    label_of = {name: label for label, name in enumerate(class_names)}
    return Classes([label_of[parent] for parent in parents], [printable(name) for name in class_names])


def in_path_order(names) -> list[str]:
    """Sorted by the bytes of the names, with "/" between folders: the same in every locale and on every system."""
    return sorted(names, key=lambda name: os.fsencode(name.replace(os.sep, "/")))


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is one that no person has put there: .DS_Store, __MACOSX/..."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
