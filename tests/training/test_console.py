import pytest

from dcgan_tf.training import console
from dcgan_tf.training.console import Progress

VALUES = {"d_loss": 1.25, "g_loss": 0.5, "images_per_sec": 1234.4}


@pytest.fixture
def clock(monkeypatch):
    """Seconds that stand until they are set."""
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_outside_a_terminal_there_is_a_plain_line(clock, capsys):
    progress = Progress(step=6, total=30, steps_per_epoch=10, epochs=3)
    for _ in range(6):
        progress.step()
    progress.numbers(VALUES)
    assert capsys.readouterr().out == ""  # the next line is not due yet
    clock[0] = 12.0
    progress.line()
    # 6 of 24 steps in 12 s: the other 18 take 36 s.
    assert capsys.readouterr() == ("epoch 2/3 step 12/30 D 1.250 G 0.500 1,234 images/s 00:36 left\n", "")


def test_a_line_comes_by_itself_every_half_minute(clock, capsys):
    progress = Progress(0, 100, 10, 10)
    for seconds, is_due in ((10, False), (30, False), (31, True), (50, False), (62, True)):
        clock[0] = seconds
        progress.step()
        progress.numbers(VALUES)
        assert bool(capsys.readouterr().out) == is_due, seconds


@pytest.mark.parametrize("step, epoch", [(0, 1), (9, 1), (10, 1), (11, 2)])
def test_the_epoch_is_that_of_the_last_step(clock, capsys, step, epoch):
    Progress(step, 100, 10, 10).line()
    assert capsys.readouterr().out.startswith(f"epoch {epoch}/10 step {step}/100 ")
