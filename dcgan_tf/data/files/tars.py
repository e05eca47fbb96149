"""Images in .tar archives, plain or packed by gzip, bzip2 or xz."""

import bz2
import contextlib
import gzip
import lzma
import os
import shutil
import tarfile
import tempfile
import threading
import weakref
import zlib
from functools import cached_property
from typing import NamedTuple

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.progress import BYTES, Work
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import size_text
from dcgan_tf.data.files.archive import ArchiveFiles, damage_is_one_line

PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}  # {first bytes: reader}
BLOCK_BYTES = 512  # of a tar archive; the first is a header
MAX_HEADER_BYTES = 2**24  # Names and notes of a member, which tarfile reads at once.
COPY_BYTES = 2**22
# What images of any format unpack to is less than this; only an archive that was made to fill a disk has more.
MAX_UNPACKED_FACTOR, MIN_MAX_UNPACKED_BYTES = 200, 2**30
MIN_FREE_DISK_SHARE = 0.05
ELSEWHERE = "set TMPDIR to a folder with free space, or unpack it and give the folder"
DAMAGE = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, UnicodeError, ValueError, gzip.BadGzipFile)


class _Member(NamedTuple):
    """Where the content of a member lies in the plain archive, or why it cannot be read."""

    offset: int
    size: int
    problem: str | None


class TarFiles(ArchiveFiles):
    """The files in a .tar archive. A packed one is unpacked into a nameless temporary file, as images are then read from it
    in any order.

    Raises:
        OSError: it cannot be read.
    """

    @cached_property
    def _file(self):
        """The plain archive, open."""
        file = open_regular(self.place)
        reader = packed_by(file)
        if reader is not None:
            with file:
                file = self._unpacked(file, reader)
        weakref.finalize(self, file.close)
        return file

    def list_members(self):
        """Raises a UserError where the archive is damaged, or its content does not fit on the disk."""
        with damage_is_one_line(self.what, DAMAGE):
            with tarfile.open(fileobj=_Headers(self._file), mode="r:") as archive:
                for member in archive:
                    if not member.isdir():
                        yield member.name, _Member(member.offset_data, member.size, _why_not_read(member))
                    archive.members = []  # Else it keeps every header.
                # It takes a header that is damaged or cut off for the end of the archive, which zeros mark.
                rest = _read_at(self._file, archive.offset, BLOCK_BYTES)
                if rest.strip(b"\0"):
                    raise EOFError("truncated") if len(rest) < BLOCK_BYTES else ValueError("no header")

    def read_member(self, member, max_bytes):
        if member.problem:
            raise UserError(member.problem)
        wanted = min(member.size, max_bytes + 1)
        content = _read_at(self._file, member.offset, wanted)
        if len(content) < wanted:
            raise UserError("truncated")
        return content

    def _unpacked(self, packed, reader):
        """A temporary file with what a packed archive holds."""
        limit = max(MIN_MAX_UNPACKED_BYTES, MAX_UNPACKED_FACTOR * os.fstat(packed.fileno()).st_size)
        file = tempfile.TemporaryFile(prefix="dcgan_tf_")
        try:
            with reader(packed) as content, Work("unpacking", None, BYTES) as bar:
                for piece in self._pieces(content):
                    self._check_room(file.tell() + len(piece), limit)
                    self._write(file, piece)
                    bar.update(len(piece))
            return file
        except BaseException:
            file.close()
            raise

    def _pieces(self, content):
        with damage_is_one_line(self.what, (*DAMAGE, OSError)):
            while piece := content.read(COPY_BYTES):
                yield piece

    def _write(self, file, piece):
        try:
            file.write(piece)
            file.flush()
        except OSError as error:
            raise UserError(
                f"{self.what}: cannot be unpacked in {tempfile.gettempdir()} ({error.strerror}): {ELSEWHERE}"
            ) from error

    def _check_room(self, size, limit):
        if size > limit:
            raise UserError(
                f"{self.what} unpacks to more than {size_text(limit)}, which no archive of images does: check where it is "
                "from, or unpack it and give the folder"
            )
        disk = shutil.disk_usage(tempfile.gettempdir())
        if disk.free < MIN_FREE_DISK_SHARE * disk.total:
            raise UserError(
                f"{self.what}: cannot be unpacked in {tempfile.gettempdir()} (its disk is nearly full): {ELSEWHERE}"
            )


def _why_not_read(member: tarfile.TarInfo) -> str | None:
    if member.issym() or member.islnk():
        return "a link, not followed"
    if not member.isfile():
        return "not a regular file"
    return "stored with holes: unpack the archive" if member.issparse() else None


def packed_by(file):
    """What unpacks an open file, by its first bytes; None for one that is not packed."""
    file.seek(0)
    head = file.read(max(map(len, PACKED)))
    file.seek(0)
    return next((reader for start, reader in PACKED.items() if head.startswith(start)), None)


def is_tar(path) -> bool:
    """Whether a file is a .tar archive, plain or packed, by its first header; or packed as nothing else here, and damaged.

    Raises:
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        reader = packed_by(file)
        try:
            with reader(file) if reader else contextlib.nullcontext(file) as content:
                head = content.read(BLOCK_BYTES)
        except DAMAGE:
            return reader is not gzip.open
        with contextlib.suppress(tarfile.TarError):
            tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")  # It compares the checksum of the header.
            return True
    return False


class _Headers:
    """A file as tarfile reads it, which would take any length that a header claims."""

    def __init__(self, file):
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        file.seek(0)

    def read(self, size):
        if size > MAX_HEADER_BYTES:
            raise ValueError("a header is too long")
        return self._file.read(size)


_seeking = threading.Lock()


def _read_at(file, position, size) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), size, position)
    with _seeking:  # Windows has no pread, and a file has only one position.
        file.seek(position)
        return file.read(size)
