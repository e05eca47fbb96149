"""The errors that a command reports in one line, each with an exit code of its own, and how to print foreign texts."""

import re


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


# Control characters, among them the escapes that move a terminal's cursor; line ends of Unicode; and the marks that turn
# the direction of writing, by which a name can look like another.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text) -> str:
    """Escapes all of a foreign text (a path, say) that a terminal would act on, so that it prints as it is, on one line.

    Undecodable bytes are escaped, too. What is printable already stays as it is.
    """
    decoded = str(text).encode("utf-8", "backslashreplace").decode()
    return _UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), decoded)


def first_line(text) -> str:
    """Returns the first line of a library's error message, printable: the reason is there, and details come below."""
    return printable(str(text).strip().partition("\n")[0])
