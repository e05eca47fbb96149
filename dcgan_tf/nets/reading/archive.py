"""The members of a .keras file, which is a zip archive: each is checked before it is unpacked."""

import math
import zipfile
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import size_text
from dcgan_tf.nets.limits import MAX_SETTINGS_BYTES

SETTINGS, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_FILE_TO_NET_FACTOR = 8  # The weights lie there up to three times: an optimizer has two numbers for each.


def read_member(archive: zipfile.ZipFile, name: str, max_bytes: int = MAX_SETTINGS_BYTES) -> bytes:
    """The content of a member; Python compares it with its checksum.

    Raises:
        KeyError: there is none.
        UserError: there are two of that name, it is encrypted, or unpacks to more than `max_bytes`.
    """
    member = archive.getinfo(name)
    if archive.namelist().count(name) > 1:
        raise UserError(f"holds {printable(name)} twice: give a net saved with model.save")
    if member.flag_bits & 1:
        raise UserError("is encrypted: unpack it, and pack it without a password")
    if member.file_size > max_bytes:
        raise UserError(
            f"holds a {printable(name)} of {size_text(member.file_size)}, {size_text(max_bytes)} at most are read: "
            "give a net saved with model.save"
        )
    return archive.read(member)


def extract_weights(archive: zipfile.ZipFile, net, folder) -> Path:
    """Unpacks the weights of a net that has been built by the settings beside them, and returns the file's path.

    Raises:
        KeyError, UserError: as in `read_member`; they are far more than the net has.
    """
    needed = sum(4 * math.prod(weight.shape) for weight in net.weights)
    path = Path(folder) / WEIGHTS
    path.write_bytes(read_member(archive, WEIGHTS, MAX_FILE_TO_NET_FACTOR * needed + MAX_SETTINGS_BYTES))
    return path
