import time

import pytest

from dcgan_tf.common import console, progress
from dcgan_tf.training.console import Progress

VALUES = {"d_loss": 1.25, "g_loss": 0.5, "images_per_sec": 1234.4}


@pytest.fixture
def clock(monkeypatch):
    """Seconds that stand until they are set."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "_watch", lambda: None)
    monkeypatch.setattr(console, "_last_words", 0.0)
    yield now
    progress._is_watched = False


@pytest.fixture
def begun(clock):
    """Makes a `Progress`, which is closed at the end."""
    made = []

    def begin(*arguments):
        made.append(Progress(*arguments))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def test_outside_a_terminal_there_is_a_plain_line_and_a_resumed_run_counts_its_own_steps_alone(begun, clock, capsys):
    progress = begun(6, 30, 10, 3)
    progress.say_line()
    progress.step()
    for _ in range(5):
        clock[0] += 2
        progress.step()
    progress.numbers(VALUES)
    progress.say_line()
    # 5 steps in 10 s after the first: the other 18 take 36 s.
    assert capsys.readouterr() == (
        "epoch 1/3, step 6 of 30: begun\nepoch 2/3, step 12 of 30: D 1.250 G 0.500, about 36 s left, 1,234 images/s\n",
        "",
    )


def test_a_line_comes_by_itself_every_half_minute(begun, clock, capsys):
    training = begun(0, 100, 10, 10)
    for seconds, is_due in ((10, False), (29, False), (31, True), (50, False), (62, True)):
        clock[0] = seconds
        training.step()
        training.numbers(VALUES)
        progress.speak_up()
        assert bool(capsys.readouterr().out) == is_due, seconds


@pytest.mark.parametrize("step, epoch", [(0, 1), (9, 1), (10, 1), (11, 2)])
def test_the_epoch_is_that_of_the_last_step(begun, capsys, step, epoch):
    begun(step, 100, 10, 10).say_line()
    assert capsys.readouterr().out.startswith(f"epoch {epoch}/10, step {step} of 100: ")
