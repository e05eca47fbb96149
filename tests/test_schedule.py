import pytest

from dcgan_tf.schedule import batch_size_at, is_due, share, steps_per_epoch


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
    assert steps_per_epoch(count, batch_size, drop) == steps


@pytest.mark.parametrize("size, count, sizes", [(16, 2, [8, 8]), (8, 3, [2, 3, 3]), (5, 1, [5])])
def test_shares_are_even_and_complete(size, count, sizes):
    parts = [share(size, number, count) for number in range(count)]
    assert [stop - start for start, stop in parts] == sizes
    assert [start for start, _ in parts[1:]] + [size] == [stop for _, stop in parts]


def test_the_last_batch_of_an_epoch_is_smaller():
    assert [batch_size_at(step, 44, 18, False) for step in range(5)] == [18, 18, 8, 18, 18]
    assert [batch_size_at(step, 44, 18, True) for step in range(3)] == [18, 18, 18]
