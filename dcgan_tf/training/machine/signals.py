"""Ctrl-C, SIGTERM and SIGHUP as a request to stop after the step at hand."""

import signal

from dcgan_tf.common.signals import ENDING, SIGHUP, handle, restore


class StopRequest:
    """Within `with StopRequest() as stop:`, the first Ctrl-C, SIGTERM or SIGHUP sets `stop.signal` and nothing else; a second
    one is as impatient as it looks and raises KeyboardInterrupt. Only a SIGHUP is not: a shell and its terminal may both
    send one."""

    signal: int | None = None

    def __enter__(self):
        self._before = handle((signal.SIGINT, *ENDING), self._on_signal)
        return self

    def __exit__(self, *exception):
        restore(self._before)

    def _on_signal(self, number, frame):
        if self.signal is None:
            self.signal = number
        elif number != SIGHUP:
            raise KeyboardInterrupt
