"""Processes that take turns: each sets something up, and then works only when it is asked to."""

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable

import psutil

WARM_STEPS = 2
PATIENCE_SECONDS = 10  # A process has so long to end.


class Failed(Exception):
    """A worker could not be set up, or died; the message says why."""


class Worker:
    """A process that calls `make(*arguments)` for (fact, step), and times `step` whenever it is asked.

    fact: anything to know about it. Several may set themselves up at once.
    """

    def __init__(self, make: Callable, *arguments):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def ready(self):
        """The fact, as soon as the first steps are done.

        Raises:
            Failed: the reason.
        """
        return self._answer()

    def time(self, steps: int) -> float:
        """Seconds of one step, the mean of that many after one that is not timed.

        Raises:
            Failed: the reason.
        """
        self._pipe.send(steps)
        return self._answer()

    def busy_seconds(self) -> float:
        """Processor time used so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def close(self) -> None:
        self._pipe.close()  # tells it to go
        self._process.join(PATIENCE_SECONDS)
        self._process.kill()
        self._process.join()

    def _answer(self):
        try:
            kind, answer = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise Failed(f"the process died (exit code {self._process.exitcode})") from None
        if kind == "failed":
            raise Failed(answer)
        return answer


def _serve(pipe, make, arguments) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries' start-up noise; errors go through the pipe
    try:
        fact, step = make(*arguments)
        _time(step, WARM_STEPS)
        pipe.send(("fact", fact))
        while True:
            steps = pipe.recv()
            _time(step, 1)  # brings its weights back into the caches
            pipe.send(("seconds", _time(step, steps)))
    except EOFError:  # the parent is gone
        return
    except Exception:
        pipe.send(("failed", traceback.format_exc()))


def _time(step: Callable, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        result = step()
    for value in result if isinstance(result, tuple) else (result,):
        if not abs(float(value)) < float("inf"):  # waits for it, too
            raise ValueError(f"a step gave {value}")
    return (time.perf_counter() - start) / steps
