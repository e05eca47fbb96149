import pytest

from dcgan_tf.schedule import is_due, steps_per_epoch


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
