"""When things are due: pure functions of step and epoch numbers."""


def is_due(number: int, every: int, total: int, first: bool = False) -> bool:
    """Whether something done every `every` steps (or epochs) is due after the `number`th of `total`, counted from 1:
    after each multiple of `every`, after the last, and with `first` after the first."""
    return number % every == 0 or number == total or (first and number == 1)


def share(size, number, count):
    """The part of `size` things that is the `number`th of `count`, as even as can be: (start, stop)."""
    return number * size // count, (number + 1) * size // count


def batch_size_at(step: int, count: int, batch_size: int, drop_remainder: bool) -> int:
    """How many images step `step` trains on; fewer for the last batch of an epoch."""
    return min(batch_size, count - step % steps_per_epoch(count, batch_size, drop_remainder) * batch_size)


def steps_per_epoch(count: int, batch_size: int, drop_remainder: bool) -> int:
    """Batches in one pass over `count` images; 0 if a last partial batch is dropped and there is no other."""
    return count // batch_size if drop_remainder else -(-count // batch_size)
