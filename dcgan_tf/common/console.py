"""The one door to standard output and standard error for the words of a command."""

import contextlib
import os
import sys
import time
from typing import TextIO

from tqdm import tqdm

from dcgan_tf.common.errors import printable

_noted: set[str] = set()
_last_words = time.monotonic()


def say(text: str, file: TextIO | None = None) -> None:
    """Writes one line or several to standard output, or to another stream; a progress bar below them stays whole.

    Control characters are escaped, but for the ends of lines. The work goes on where nobody reads the words any more, as
    where `| head` has ended, and where they cannot be written, as on a full disk.
    """
    global _last_words
    _last_words = time.monotonic()
    file = sys.stdout if file is None else file
    if file is None:  # The process was started without standard output.
        return
    text = "\n".join(map(printable, text.split("\n")))
    encoding = getattr(file, "encoding", None) or "utf-8"
    try:
        tqdm.write(text.encode(encoding, "backslashreplace").decode(encoding), file=file)
        file.flush()
    except OSError as error:
        give_up(file, error)


def warn(text: str) -> None:
    """Writes a line to standard error."""
    if sys.stderr is not None:  # The process may have been started without it.
        say(text, sys.stderr)


def silent_seconds() -> float:
    """For how long nothing has been said."""
    return time.monotonic() - _last_words


def note(text: str) -> None:
    """Says what a person should know although the command goes on: once, however many readers come upon it."""
    if text not in _noted:
        _noted.add(text)
        say(f"note: {text}")


def forget_notes() -> None:
    """To be called where a command begins: it says its notes although an earlier one in this process has."""
    _noted.clear()


def give_up(file: TextIO, error: OSError) -> None:
    """Sends a stream that cannot be written nowhere from here on; else flushing the rest of its buffer would fail at the
    end of the process. Says so, but for a pipe that nobody reads any more."""
    with contextlib.suppress(OSError):  # A stream without a file of the system, as in a notebook.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, file.fileno())
        os.close(nowhere)
    if not isinstance(error, BrokenPipeError) and file is not sys.stderr:
        warn(f"note: standard output cannot be written ({error.strerror}): the command goes on without")
