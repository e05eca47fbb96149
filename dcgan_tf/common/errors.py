"""The errors that a command reports in one line, each with an exit code of its own, and how to print foreign texts."""


class UserError(Exception):
    """Something the user can mend: bad data, a wrong file, a flag out of range.

    ``str(error)`` is one line that says what is wrong, which file or flag, and what would be right.
    The commands print it as ``error: <line>`` and exit with code 2.
    """


class Mismatch(Exception):
    """An exported artifact does not compute what the net does that it was made from; ``str(error)`` is one line.

    The commands print it as ``error: <line>`` and exit with code 1.

    difference: the greatest difference found between their outputs, or None where outputs could not be compared.
    """

    def __init__(self, message: str, difference: float | None = None):
        super().__init__(message)
        self.difference = difference


class LostWorker(Exception):
    """Another worker of the cluster is gone, or never came. This one did nothing wrong, and all can be started again.

    ``str(error)`` is one line. The commands print it as ``error: <line>`` and exit with code 138, which Kubernetes
    training operators read as "try again".
    """


def printable(text) -> str:
    """Escapes undecodable bytes and line breaks of a text (a path, say), so that any terminal prints it on one line."""
    return str(text).encode("utf-8", "backslashreplace").decode().replace("\n", "\\n").replace("\r", "\\r")


def first_line(text) -> str:
    """Returns the first line of a library's error message, printable: the reason is there, and details come below."""
    return printable(str(text).strip().partition("\n")[0])
