"""A checksum among the values of a JSON object: it tells what a disk or a copy has done to the file."""

import hashlib
import json

CHECKSUM = "checksum"  # the name of that value


def sealed(value: dict) -> dict:
    """The object with the checksum of all the rest."""
    return value | {CHECKSUM: checksum_of(value)}


def check_seal(value) -> None:
    """Values without a checksum pass: files of before have none.

    Raises:
        ValueError: it is an object whose checksum is wrong.
    """
    if not isinstance(value, dict) or CHECKSUM not in value:
        return
    rest = {name: inner for name, inner in value.items() if name != CHECKSUM}
    if value[CHECKSUM] != checksum_of(rest):
        raise ValueError(f'its checksum is wrong; where you changed it on purpose, delete "{CHECKSUM}" from it')


def checksum_of(value) -> str:
    """The checksum of a value of JSON, in hexadecimal digits, whatever the order of its names."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()
