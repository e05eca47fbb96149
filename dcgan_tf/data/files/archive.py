"""What archives have in common: members are read where they are, never unpacked under names of their own."""

import contextlib
import os
import posixpath
from functools import cached_property

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.memory import free_bytes
from dcgan_tf.common.text import size_text
from dcgan_tf.data.files.image_files import ImageFiles, in_path_order, is_hidden
from dcgan_tf.data.parallel import MAX_THREADS
from dcgan_tf.data.unpacked import file_stamp

MEMORY_SHARE, MIN_MEMBER_BYTES = 8, 2**26


class ArchiveFiles(ImageFiles):
    """The files in an archive. A subclass lists its members and reads one."""

    def __init__(self, path):
        super().__init__(path, file_stamp(path))
        # The content of a member is in memory while it is decoded, in as many threads as there are processors.
        threads = min(MAX_THREADS, os.cpu_count() or 1)
        self._max_bytes = max(MIN_MEMBER_BYTES, free_bytes() // MEMORY_SHARE // threads)

    @cached_property
    def members(self) -> dict:
        """{name: what `read_member` takes} of all files but hidden ones. Of two of one name the later counts, as where an
        archive is unpacked."""
        members = {name_within(name): member for name, member in self.list_members()}
        return {name: members[name] for name in in_path_order(members) if not is_hidden(name)}

    def list_members(self):
        """Yields (name as the archive has it, member) of every file."""
        raise NotImplementedError

    def read_member(self, member, max_bytes: int) -> bytes:
        """The content of a member; of a longer one some bytes more than `max_bytes`."""
        raise NotImplementedError

    @property
    def names(self):
        return list(self.members)

    def content(self, name):
        content = self.read_member(self.members[name], self._max_bytes)
        if len(content) > self._max_bytes:
            raise UserError(f"larger than {size_text(self._max_bytes)}: unpack the archive")
        return content


def name_within(name: str) -> str:
    """A name that cannot lead out of the archive: ../../a.png -> a.png."""
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/")


@contextlib.contextmanager
def damage_is_one_line(what: str, damage: type[Exception] | tuple):
    """Turns what a library raises for a damaged archive into a UserError."""
    try:
        yield
    except damage as error:
        if isinstance(error, OSError) and error.errno:  # The disk fails.
            raise
        text = str(error).lower()
        cut_short = (
            "truncated" in text or "unexpected end" in text or "end-of-stream" in text or isinstance(error, EOFError)
        )
        raise UserError(f"{what} is {'truncated' if cut_short else 'damaged'}: copy or download it again") from error
