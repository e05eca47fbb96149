"""The signals that end a program, but for Ctrl-C."""

import signal
from collections.abc import Callable

SIGHUP = getattr(signal, "SIGHUP", None)  # It comes where the terminal is closed; Windows has none.
ENDING = (signal.SIGTERM,) if SIGHUP is None else (signal.SIGTERM, SIGHUP)


def handle(numbers, handler: Callable) -> dict:
    """From now on, `handler` is called for these signals; but a SIGHUP that whoever started this process has it ignore, as
    nohup does, stays ignored. Returns what `restore` needs."""
    heeded = [number for number in numbers if number != SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heeded}


def restore(before: dict) -> None:
    for number, handler in before.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
