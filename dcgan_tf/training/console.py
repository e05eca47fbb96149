"""What the person sees while it trains: a bar in a terminal, a plain line now and then elsewhere."""

import sys
import time

from tqdm import tqdm

from dcgan_tf.common.console import say

SECONDS_BETWEEN_LINES = 30


class Progress:
    """Shows epoch, losses, images a second and the time left."""

    def __init__(self, step: int, total: int, steps_per_epoch: int, epochs: int):
        self._step, self._total, self._steps_per_epoch, self._epochs = step, total, steps_per_epoch, epochs
        self._in_terminal = sys.stderr.isatty()
        self._first_step, self._started = step, time.monotonic()
        self._last_line = self._started
        self._losses = ""
        self._bar = tqdm(
            total=total, initial=step, unit="step", dynamic_ncols=True, smoothing=0.05, disable=not self._in_terminal
        )

    def step(self) -> None:
        self._step += 1
        if self._in_terminal:
            self._bar.set_description(f"epoch {self._epoch()}/{self._epochs}", refresh=False)
            self._bar.update()

    def numbers(self, values: dict[str, float]) -> None:
        """The values just logged."""
        self._losses = f"D {values['d_loss']:.3f} G {values['g_loss']:.3f} {values['images_per_sec']:,.0f} images/s"
        self._bar.set_postfix_str(self._losses, refresh=False)
        if not self._in_terminal and time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self.line()

    def line(self) -> None:
        """One plain line, outside a terminal."""
        if self._in_terminal:
            return
        self._last_line = time.monotonic()
        done = self._step - self._first_step
        left = (self._total - self._step) * (self._last_line - self._started) / max(done, 1)
        say(
            f"epoch {self._epoch()}/{self._epochs} step {self._step}/{self._total} {self._losses} "
            f"{tqdm.format_interval(left)} left"
        )

    def say(self, text: str) -> None:
        """A line of its own."""
        say(text)

    def close(self) -> None:
        self._bar.close()

    def _epoch(self) -> int:
        """The epoch that the last step belongs to, counted from 1."""
        return max(0, self._step - 1) // self._steps_per_epoch + 1
