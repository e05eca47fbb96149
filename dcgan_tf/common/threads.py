"""Threads for work that may hang, such as reading over a network: they never keep the process from ending."""

import contextlib
import queue
import threading
import time
import weakref
from concurrent.futures import Future

MAX_CLOSE_SECONDS = 1.0


class Threads:
    """A pool of daemon threads, each started when there is work for it.

    The interpreter waits at its end for the threads of `concurrent.futures`: one that hangs in a read would keep a
    process alive after Ctrl-C or SIGTERM. It does not wait for these. The threads end with the pool.
    """

    def __init__(self, count: int):
        self._count, self._tasks, self._threads = count, queue.SimpleQueue(), []
        self._lock = threading.Lock()
        weakref.finalize(self, _dismiss, self._tasks, count)

    def submit(self, function, *arguments) -> Future:
        """Has a thread call `function(*arguments)`; waiting for the result can be interrupted by signals."""
        future = Future()
        self._tasks.put((future, function, arguments))
        with self._lock:
            if len(self._threads) < self._count:
                self._threads.append(threading.Thread(target=_work, args=[self._tasks], daemon=True))
                self._threads[-1].start()
        return future

    def map(self, function, *iterables) -> list:
        """The results of a function for the items of iterables, in order, as many at a time as there are threads."""
        futures = [self.submit(function, *items) for items in zip(*iterables)]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """Drops what has not begun, and waits a moment for what has."""
        with contextlib.suppress(queue.Empty):
            # A thread may take the last task after the queue was seen not to be empty: this must not wait for one.
            while True:
                future, *_ = self._tasks.get_nowait()
                future.cancel()
        _dismiss(self._tasks, self._count)
        deadline = time.monotonic() + MAX_CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))


def call_in_thread(function, *arguments):
    """Returns `function(*arguments)`. Signals interrupt the wait, though a library without an ear for them works."""
    threads = Threads(1)
    return threads.submit(function, *arguments).result()


# A thread must hold the queue alone: it would keep its own pool alive, and itself with it.


def _work(tasks) -> None:
    while _do_next(tasks):
        pass


def _do_next(tasks) -> bool:
    """Does one task, and forgets it and its result before the next is waited for. Returns False where there is none."""
    task = tasks.get()
    if task is None:
        return False
    future, function, arguments = task
    if future.set_running_or_notify_cancel():
        try:
            result = function(*arguments)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
    return True


def _dismiss(tasks, count: int) -> None:
    for _ in range(count):
        tasks.put(None)
