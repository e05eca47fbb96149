"""How much memory there is: what does not fit is refused before it is allocated, or waits for its turn."""

import contextlib
import threading

import psutil

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.text import size_text

# Files in which Linux says how much memory a container may use, in versions 2 and 1 of control groups.
CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def free_bytes() -> int:
    """How much memory this process can still take: what the system has left, or less where it runs in a container."""
    free = psutil.virtual_memory().available
    for path in CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError), open(path) as file:  # Version 2 says "max" for no limit.
            free = min(free, int(file.read()) - psutil.Process().memory_info().rss)
    return max(0, free)


def check_fits(what: str, needed: int, hint: str) -> None:
    """Refuses what needs more memory than there is.

    Raises:
        UserError: it says `what` needs how much, and gives the hint.
    """
    free = free_bytes()
    if needed > free:
        raise UserError(f"{what} needs {size_text(needed)} of memory, and {size_text(free)} are free: {hint}")


class Budget:
    """An amount that threads share: whoever asks for more than is left waits; what exceeds it all goes alone."""

    def __init__(self, total: int):
        self._total, self._taken = total, 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def share(self, amount: int):
        """Takes an amount, and gives it back on leaving. A thread must not ask for a second within."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken == 0 or self._taken + amount <= self._total)
            self._taken += amount
        try:
            yield
        finally:
            with self._changed:
                self._taken -= amount
                self._changed.notify_all()
