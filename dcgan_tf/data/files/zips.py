"""Images in .zip archives, also those that StyleGAN's dataset tool makes, with their labels in dataset.json."""

import json
import struct
import weakref
import zipfile
import zlib
from functools import cached_property

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.data.facts import MAX_COUNT
from dcgan_tf.data.files.archive import ArchiveFiles, damage_is_one_line
from dcgan_tf.data.files.image_files import IMAGE_ENDINGS, Classes

ENCRYPTED_FLAG = 1
STYLEGAN_LABELS = "dataset.json"
MAX_LABELS_BYTES = 2**28  # Those of a million images have some 40 MB.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, UnicodeError, ValueError)


class ZipFiles(ArchiveFiles):
    """The files in a .zip archive.

    Raises:
        UserError: it is damaged.
        OSError: it cannot be read.
    """

    def __init__(self, path):
        super().__init__(path)
        file = open_regular(path)
        weakref.finalize(self, file.close)
        with damage_is_one_line(self.what, DAMAGE):
            try:
                self._archive = zipfile.ZipFile(file)
            except OverflowError as error:  # Offsets beyond 2^63.
                raise ValueError(str(error)) from error

    def holds_arrays(self) -> bool:
        """Whether it is one of NumPy's archives: with .npy files, and without a name that ends as those of images do."""
        names = [name.lower() for name in self.members]
        return any(name.endswith(".npy") for name in names) and not any(name.endswith(IMAGE_ENDINGS) for name in names)

    @property
    def names(self):
        return [name for name in super().names if name != STYLEGAN_LABELS]

    def list_members(self):
        return ((member.filename, member) for member in self._archive.infolist() if not member.is_dir())

    def read_member(self, member, max_bytes):
        if member.flag_bits & ENCRYPTED_FLAG:
            raise UserError("encrypted")
        with self._archive.open(member) as file:
            return file.read(max_bytes + 1)

    def classes(self, names):
        """Of StyleGAN's archives the labels in dataset.json: there, folders hold a thousand images each."""
        if self._stylegan_labels is None:
            return super().classes(names)
        labels = [self._stylegan_labels.get(name) for name in names]
        if None not in labels:
            return Classes(labels, None)
        problem = (
            f"{STYLEGAN_LABELS} has none of {printable(names[labels.index(None)])}" if self._stylegan_labels else ""
        )
        return Classes(None, None, problem)

    @cached_property
    def _stylegan_labels(self) -> dict[str, int] | None:
        """{name: label}, {} where dataset.json gives none; None where there is no such file."""
        if STYLEGAN_LABELS not in self.members:
            return None
        what = f"{self.what}: {STYLEGAN_LABELS}"
        with damage_is_one_line(what, (*DAMAGE, RecursionError)):
            content = self.read_member(self.members[STYLEGAN_LABELS], MAX_LABELS_BYTES)
            if len(content) > MAX_LABELS_BYTES:
                raise ValueError("too large")
            labels = json.loads(content)
        labels = labels.get("labels") if isinstance(labels, dict) else None
        if labels is None:
            return {}
        try:
            found = {str(name): label for name, label in labels}
        except (TypeError, ValueError):
            found = {"": None}
        if not all(type(label) is int and 0 <= label <= MAX_COUNT for label in found.values()):
            raise UserError(
                f"{printable(what)}: labels are not a list of [name, class number]: mend it, or leave it out of the archive"
            )
        return found
