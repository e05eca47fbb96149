"""Arrays in .npz archives: which there are, and what their headers say before anything is loaded."""

import collections
import zipfile

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import check_fits
from dcgan_tf.data.rows import Header, read_header, read_values

ENCRYPTED_FLAG = 1


class Archive:
    """The arrays of an open .npz archive.

    Attributes:
        keys: their names.

    Raises:
        UserError: there is none, two have one name, or they are encrypted.
    """

    def __init__(self, archive: zipfile.ZipFile, what: str):
        self._archive, self._what = archive, what
        members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        if not members:
            raise UserError(f"{what} is a .zip archive without arrays: unpack it and give the folder")
        if any(member.flag_bits & ENCRYPTED_FLAG for member in members):
            raise UserError(f"{what} is encrypted: save it without a password")
        self.keys = [member.filename.removesuffix(".npy") for member in members]
        name, count = collections.Counter(self.keys).most_common(1)[0]
        if count > 1:
            raise UserError(f"{what} holds {count} arrays called '{printable(name)}': save it again with one of each")

    def header(self, key: str) -> Header:
        """Raises almost anything where the array is damaged; a ValueError where it holds Python objects."""
        with self._archive.open(key + ".npy") as file:
            return read_header(file)

    def load(self, key: str) -> np.ndarray:
        """Reads an array into memory.

        Raises:
            UserError: it is shorter than its header says, or does not fit into memory.
            Exception: almost anything where it is damaged; a ValueError where it holds Python objects.
        """
        with self._archive.open(key + ".npy") as file:
            header = read_header(file)
            what = f"{self._what}, array '{printable(key)}',"
            if header.data_bytes != self._archive.getinfo(key + ".npy").file_size - header.length:
                raise UserError(f"{what} has not the length that its header says: copy the file again")
            hint = "save the images as .npy, which is read piece by piece"
            check_fits(what, header.data_bytes, hint)
            return read_values(file, header)
