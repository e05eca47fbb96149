import pytest
from support.log_lines import numbers

from dcgan_tf.training.watchdog import collapsed, saturated, stuck


def lines(*scores):
    """(diversity, swd or None) of epochs 1, 2, ..."""
    return numbers([
        {"epoch": epoch, "step": 10 * epoch, "diversity": diversity} | ({} if swd is None else {"swd": swd})
        for epoch, (diversity, swd) in enumerate(scores, 1)
    ])  # fmt: skip


@pytest.mark.parametrize(
    "scores",
    [
        [],
        [(0.05, 300.0)],  # every run begins so
        [(0.08, 300.0), (0.01, None)],  # nor has it anything to lose yet
        [(0.24, 300.0), (0.11, None)],
        [(0.05, 300.0), (0.04, None), (0.3, 120.0), (0.9, 60.0), (0.46, 70.0)],
        [(1.6, 90.0), (0.8, 80.0)],  # noise is more diverse than images
        [(0.9, 40.0), (0.9, 70.0), (0.9, 55.0)],  # worse once only
        [(0.9, 40.0), (0.9, 70.0)],
    ],
)
def test_no_collapse(scores):
    assert collapsed(lines(*scores)) is None


def test_pictures_that_become_alike():
    assert collapsed(lines((0.5, None), (0.9, 60.0), (0.7, None), (0.44, None))) == (
        "the pictures have become alike: their diversity was 90% of real images' after epoch 2, and is 44%"
    )
    assert collapsed(lines((1.6, None), (0.49, None))) is not None
    assert collapsed(lines((0.25, None), (0.12, None))) is not None


def test_pictures_that_become_worse_twice():
    assert collapsed(lines((0.9, 40.0), (0.9, 50.0), (0.9, 61.0), (0.9, None), (0.9, 75.0))) == (
        "the pictures have become worse: their SWD was 40.0 after epoch 1, and is 75.0"
    )
    assert collapsed(lines((0.9, 40.0), (0.9, 61.0), (0.9, 75.0), (0.9, None))) is None  # said when it was measured


def test_pictures_that_are_alike_from_the_start():
    assert stuck(lines()) is None
    assert stuck(lines(*[(0.01, None)] * 99)) is None
    assert stuck(lines(*[(0.24, None)] * 99, (0.014, None))) == (
        "the pictures are still alike: their diversity is 1% of real images' after 1,000 steps"
    )
    assert stuck(lines((0.25, None), *[(0.01, None)] * 120)) is None  # a collapse, which is another line


def of_steps(*probabilities):
    return numbers([
        {"step": 10 * place, "epoch": 1, "d_real": real, "d_fake": fake}
        for place, (real, fake) in enumerate(probabilities, 1)
    ])  # fmt: skip


def test_saturation_takes_a_thousand_steps():
    assert not saturated(of_steps())
    assert not saturated(of_steps(*[(0.9999, 0.0001)] * 99))
    assert saturated(of_steps(*[(0.9999, 0.0001)] * 100))
    assert not saturated(of_steps((0.5, 0.5), *[(0.9999, 0.0001)] * 99))
    assert saturated(of_steps((0.5, 0.5), *[(0.9999, 0.0001)] * 100))
    assert not saturated(of_steps(*[(0.9999, 0.0001)] * 200, (0.99, 0.0001)))
    assert not saturated(of_steps(*[(0.9999, 0.002)] * 200))
