"""Ctrl-C and SIGTERM as a request to stop after the step at hand."""

import signal


class StopRequest:
    """Within `with StopRequest() as stop:`, the first Ctrl-C or SIGTERM sets `stop.signal` and nothing else; a second
    one is as impatient as it looks and raises KeyboardInterrupt."""

    signal: int | None = None

    def __enter__(self):
        self._before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number, frame):
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
