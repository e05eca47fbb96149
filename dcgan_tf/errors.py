"""Errors that the user can mend, told apart from our own bugs."""


class UserError(Exception):
    """Something the user can mend: bad data, a wrong file, a flag out of range.

    ``str(error)`` is one line that says what is wrong, which file or flag, and what would be right.
    The commands print it as ``error: <line>`` and exit with code 2.
    """


def printable(text) -> str:
    """Text (a path, say) that any terminal can print on one line: undecodable bytes escaped, line breaks too."""
    return str(text).encode("utf-8", "backslashreplace").decode().replace("\n", "\\n").replace("\r", "\\r")
