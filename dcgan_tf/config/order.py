"""Which images a step takes, and what is due when: functions of step and epoch numbers."""

from dataclasses import dataclass


def share(size, number, count):
    """The part of `size` things that is the `number`th of `count`, as even as can be: (start, stop)."""
    return number * size // count, (number + 1) * size // count


@dataclass(frozen=True)
class Order:
    """How the steps of a run take its images: every epoch all of them, in an order of its own.

    images          how many there are
    drop_remainder  an epoch leaves out the images that would make a partial batch at its end
    balanced        all classes come equally often, see `dcgan_tf.data.balance`; an epoch is as many images as ever
    """

    images: int
    batch_size: int
    drop_remainder: bool
    seed: int
    balanced: bool = False

    @property
    def steps_per_epoch(self) -> int:
        """0 where a partial batch is dropped, and there is no other."""
        return self.images // self.batch_size if self.drop_remainder else -(-self.images // self.batch_size)

    def size_of(self, step: int) -> int:
        """How many images step `step` trains on; fewer for the last batch of an epoch."""
        return min(self.batch_size, self.images - step % self.steps_per_epoch * self.batch_size)
