"""Errors that the user can mend, told apart from our own bugs."""


class UserError(Exception):
    """Something the user can mend: bad data, a wrong file, a flag out of range.

    ``str(error)`` is one line that says what is wrong, which file or flag, and what would be right.
    The commands print it as ``error: <line>`` and exit with code 2.
    """


class Mismatch(Exception):
    """An exported artifact that does not do what the net it was made from does; ``str(error)`` is one line.

    The commands print it as ``error: <line>`` and exit with code 1. difference: where there is a figure.
    """

    def __init__(self, message: str, difference: float | None = None):
        super().__init__(message)
        self.difference = difference


class LostWorker(Exception):
    """Another worker of the cluster is gone, or never came: nothing is wrong here, and all can be started again.

    ``str(error)`` is one line. The commands print it as ``error: <line>`` and exit with code 138, which operators of
    Kubernetes take for "try again".
    """


def printable(text) -> str:
    """Text (a path, say) that any terminal can print on one line: undecodable bytes escaped, line breaks too."""
    return str(text).encode("utf-8", "backslashreplace").decode().replace("\n", "\\n").replace("\r", "\\r")


def first_line(text) -> str:
    """The first line of a library's error message, printable; most libraries put the reason there and details below."""
    return printable(str(text).strip().partition("\n")[0])
