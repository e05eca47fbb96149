"""What the person sees while it trains: a bar in a terminal, a plain line now and then elsewhere."""

from dcgan_tf.common.console import say
from dcgan_tf.common.progress import Work


class Progress(Work):
    """Shows epoch, losses, the time left and images a second."""

    def __init__(self, step: int, total: int, steps_per_epoch: int, epochs: int):
        self._steps_per_epoch, self._epochs = steps_per_epoch, epochs
        self._losses, self._speed = [], []
        super().__init__(self._epoch(step), total, done=step)

    def step(self) -> None:
        self.what = self._epoch(self.done + 1)
        self.update()

    def numbers(self, values: dict[str, float]) -> None:
        """The values just logged."""
        self._losses = [f"D {values['d_loss']:.3f} G {values['g_loss']:.3f}"]
        self._speed = [f"{values['images_per_sec']:,.0f} images/s"]

    def line(self) -> str:
        return f"{self.what}, step {self.done:,} of {self.total:,}: {', '.join(self.pieces()) or 'begun'}"

    def pieces(self) -> list[str]:
        return [*self._losses, *self.time_left(), *self._speed]

    def say_line(self) -> None:
        """One plain line, outside a terminal."""
        if not self.in_terminal:
            say(self.line())

    def _epoch(self, step: int) -> str:
        """The epoch that a step belongs to, counted from 1."""
        return f"epoch {max(0, step - 1) // self._steps_per_epoch + 1}/{self._epochs}"
