"""Which steps of a run have pictures and measurements."""

import pytest

from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.training import schedule
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.schedule import EveryEpochs, Spread


def due(spread, first=0):
    return [step for step in range(first, spread.last + 1) if spread.is_due(step)]


def pictures(last, steps_per_epoch, least_apart=10, first=0):
    return due(Spread(first, last, steps_per_epoch, 45, least_apart, dense_at_start=True), first)


def measurements(last, steps_per_epoch, first=0):
    return due(Spread(first, last, steps_per_epoch, 12, 50), first)


def test_digits():
    """Every second epoch; 200 is no picture, as 226 soon is."""
    steps = pictures(10_057, 113, 45)
    assert steps == [0, 10, 20, 50, 100, *range(226, 10_057, 226), 10_057] and len(steps) == 50
    assert measurements(10_057, 113) == [*range(791, 10_000, 791), 10_057]


def test_mnist_has_them_within_its_epochs():
    """450 is no picture, as 469 is the end of an epoch."""
    steps = pictures(2345, 469)
    assert steps[:12] == [0, 10, 20, 50, 100, 150, 200, 250, 300, 350, 400, 469]
    assert {469, 938, 1407, 1876, 2345} < set(steps) and len(steps) == 50
    assert measurements(2345, 469) == [200, 469, 600, 800, 938, 1200, 1407, 1600, 1876, 2000, 2200, 2345]


@pytest.mark.parametrize(
    ("last", "steps_per_epoch", "least_apart", "expected"),
    [
        (300, 101, 45, [0, 10, 20, 50, 101, 150, 202, 250, 300]),  # A picture takes as long as four steps.
        (20, 101, 45, [0, 10, 20]),
        (9, 3, 10, [0, 9]),
        (1, 3, 10, [0, 1]),
    ],
)
def test_a_short_run_has_few(last, steps_per_epoch, least_apart, expected):
    assert pictures(last, steps_per_epoch, least_apart) == expected


@pytest.mark.parametrize("last", [500, 777, 2345, 10_057, 80_800, 1_000_000])
@pytest.mark.parametrize("steps_per_epoch", [1, 3, 14, 40, 113, 469, 1583, 20_000])
def test_every_run_has_some_fifty_pictures_and_some_dozen_measurements(last, steps_per_epoch):
    spread = Spread(0, last, steps_per_epoch, 45, dense_at_start=True)
    candidates = {*range(0, last + 1, 10), *range(0, last + 1, steps_per_epoch), last}
    steps = sorted(step for step in candidates if spread.is_due(step))
    assert 30 <= len(steps) <= 75
    gaps = [after - before for before, after in zip(steps, steps[1:], strict=False)]
    assert max(gaps) <= last / 20 + 10
    measured = Spread(0, last, steps_per_epoch, 12, 50)
    assert 8 <= sum(map(measured.is_due, candidates)) <= 25


@pytest.mark.parametrize("steps_per_epoch", [1, 3, 14, 40, 113, 469, 1583])
def test_within_epochs_they_come_at_steps_that_are_logged(steps_per_epoch):
    for steps in (pictures(2999, steps_per_epoch), measurements(2999, steps_per_epoch)):
        assert all(step % 10 == 0 or step % steps_per_epoch == 0 or step == 2999 for step in steps)


def test_a_run_of_trained_nets_begins_with_what_they_are_like():
    assert pictures(1000, 10, first=700) == [*range(700, 1000, 10), 1000]


def test_so_many_epochs_as_a_flag_says():
    assert due(EveryEpochs(3, 0, 25, 3)) == [9, 18, 25]
    assert due(EveryEpochs(3, 9, 25, 3)) == [18, 25]
    assert due(EveryEpochs(0, 0, 25, 3)) == []


def plan(squares, **changes):
    return make_plan(TrainConfig(data=str(squares), **{"batch_size": 16, "epochs": 400, **changes}))


def test_a_plan_s_own(squares):
    """44 images in batches of 16: epochs of three steps. An average is drawn with 512 images more, for its statistics."""
    tutorial = plan(squares, recipe="tutorial")
    assert schedule.of_pictures(tutorial) == Spread(0, 1200, 3, 45, 10, True)
    # 64 + 512 images are like training on 72, or 4.5 steps, and at most a tenth of the time.
    best = plan(squares, recipe="best", switches=Switches(ema=0.995))
    assert schedule.of_pictures(best) == Spread(0, 1200, 3, 45, 45, True)
    assert schedule.of_measurements(best) == Spread(0, 1200, 3, 12, 50)
    asked = plan(squares, sample_every=7, evaluate_every=0, max_steps=30)
    assert schedule.of_pictures(asked) == EveryEpochs(7, 0, 30, 3)
    assert schedule.of_measurements(asked) == EveryEpochs(0, 0, 30, 3)
