import pytest

from dcgan_tf.config.order import Order, share
from dcgan_tf.training import cadence
from dcgan_tf.training.cadence import Cadence, is_due


@pytest.mark.parametrize(
    "every, total, first, due",
    [
        (1, 4, False, [1, 2, 3, 4]),
        (3, 10, False, [3, 6, 9, 10]),
        (3, 10, True, [1, 3, 6, 9, 10]),
        (50, 7, False, [7]),
        (50, 7, True, [1, 7]),
    ],
)
def test_is_due(every, total, first, due):
    assert [number for number in range(1, total + 1) if is_due(number, every, total, first)] == due


@pytest.mark.parametrize(
    "count, batch_size, drop, steps",
    [(2656, 16, False, 166), (253, 64, True, 3), (253, 64, False, 4), (10, 64, True, 0), (10, 64, False, 1)],
)
def test_steps_per_epoch(count, batch_size, drop, steps):
    assert Order(count, batch_size, drop, 0).steps_per_epoch == steps


@pytest.mark.parametrize("size, count, sizes", [(16, 2, [8, 8]), (8, 3, [2, 3, 3]), (5, 1, [5])])
def test_shares_are_even_and_complete(size, count, sizes):
    parts = [share(size, number, count) for number in range(count)]
    assert [stop - start for start, stop in parts] == sizes
    assert [start for start, _ in parts[1:]] + [size] == [stop for _, stop in parts]


def test_the_last_batch_of_an_epoch_is_smaller():
    assert [Order(44, 18, False, 0).size_of(step) for step in range(5)] == [18, 18, 8, 18, 18]
    assert [Order(44, 18, True, 0).size_of(step) for step in range(3)] == [18, 18, 18]


class Clock:
    """In place of the module `time`."""

    now = 0.0

    def perf_counter(self):
        return self.now


def due_epochs(jobs, total, epoch_seconds, cost, clock, start=1):
    due = []
    for epoch in range(start, total + 1):
        if jobs.is_due(epoch, total, epoch_seconds):
            with jobs.timed():
                clock.now += cost
            due.append(epoch)
    return due


@pytest.mark.parametrize(
    "every, cost, expected",
    [
        (None, 0.29, list(range(1, 13))),  # within 3% of 10 s
        (None, 0.31, [1, 2, 4, 6, 8, 10, 12]),
        (None, 1.4, [1, 2, 5, 10, 12]),
        (None, 90.0, [1, 2, 12]),
        (5, 90.0, [5, 10, 12]),  # as asked, whatever it costs
    ],
)
def test_jobs_come_as_often_as_they_can_be_afforded(every, cost, expected, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(cadence, "time", clock)
    assert due_epochs(Cadence(every, 0.03), 12, 10.0, cost, clock) == expected


def test_what_the_first_time_costs_never_counts(monkeypatch):
    """It compiles, builds or reads what all other times find there."""
    clock = Clock()
    monkeypatch.setattr(cadence, "time", clock)
    jobs = Cadence(None, 0.03)
    assert due_epochs(jobs, 1, 10.0, 100.0, clock) == [1]
    assert due_epochs(jobs, 8, 10.0, 0.1, clock, start=2) == [2, 3, 4, 5, 6, 7, 8]
