"""What is due when: a function of the number of an epoch, and of what a job costs."""

import contextlib
import time


def is_due(number: int, every: int, total: int, first: bool = False) -> bool:
    """Whether something done every `every` steps (or epochs) is due after the `number`th of `total`, counted from 1:
    after each multiple of `every`, after the last, and with `first` after the first."""
    return number % every == 0 or number == total or (first and number == 1)


class Cadence:
    """When a job at the end of an epoch is due: every `every` epochs; where that is None, as often as its cost allows.

    Then it is due at the first epoch, at the last, and at every multiple of the least of 1, 2, 5, 10, 25 and 50 epochs of
    whose time it takes at most `share`. What it costs is what it took the last time. The first time in a process does not
    count, as something is compiled, built or read then for all the times that follow.
    """

    def __init__(self, every: int | None, share: float):
        self._every, self._share, self._cost, self._is_warm = every, share, 0.0, False

    def is_due(self, epoch: int, total: int, epoch_seconds: float) -> bool:
        """epoch_seconds: what an epoch's steps take."""
        return is_due(epoch, self._every or self._affordable(epoch_seconds), total, first=self._every is None)

    def _affordable(self, epoch_seconds: float) -> int:
        return next((n for n in (1, 2, 5, 10, 25) if self._cost <= self._share * n * epoch_seconds), 50)

    @contextlib.contextmanager
    def timed(self):
        """The job is done within."""
        start = time.perf_counter()
        yield
        if self._is_warm:
            self._cost = time.perf_counter() - start
        self._is_warm = True
