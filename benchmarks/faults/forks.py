"""Processes that are forked from one that has imported TensorFlow and has not used it: a trial saves seconds.

A forked process leaves all frames of its parent by an exception, begins at the top of the program, and ends like any
Python process, so that whatever libraries do and print at the very end is seen, too. For that, nothing between `top` and
`fork` may have a `finally` or a `with` that undoes something.
"""

import os
import signal
import sys
import time
from collections.abc import Callable


class _Forked(BaseException):
    """Carries the work of a new process up to `top`."""

    def __init__(self, work: Callable[[], int]):
        self.work = work


def top(work: Callable[[], int]) -> None:
    """Does the work of this process, and of every one forked from it; ends the process with the code that it returns."""
    while True:
        try:
            sys.exit(work())
        except _Forked as forked:
            work = forked.work


def fork(work: Callable[[], int]) -> int:
    """Starts a process for `work`, which returns its exit code. Returns its id."""
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return pid
    raise _Forked(work)


def exit_code(pid: int, seconds: float | None = None) -> int | None:
    """Waits for a process: its exit code, minus the signal that ended it, or None where it took longer and was killed."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        ended, status = os.waitpid(pid, 0 if deadline is None else os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def redirect(stdout: str, stderr: str) -> None:
    """What this process prints goes to these files, also what its libraries print below Python."""
    for name, path in (("stdout", stdout), ("stderr", stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, getattr(sys, name).fileno())
        os.close(file)
