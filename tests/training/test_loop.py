"""The loop with no recorder: a worker that writes nothing, or a caller from Python."""

import threading

import numpy as np
import pytest

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.pipeline import batch_indices
from dcgan_tf.gan.step import GAN
from dcgan_tf.training.command import train
from dcgan_tf.training.loop import loop
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.start import start
from dcgan_tf.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("bare")


def flags(squares, run_dir, **changes):
    given = dict(
        batch_size=16, epochs=2, precision="float32", evaluate_every=0, save_every=1, preset="mnist-mlp", image_size=(8, 8),
        recipe="tutorial",
    )  # fmt: skip
    return TrainConfig(data=str(squares), run_dir=str(run_dir), **given | changes)


def trainer_of(asked):
    plan = make_plan(asked)
    return Trainer(plan, *start(plan, "float32"))


def values(gan):
    return [variable.numpy() for owner in gan.variables().values() for variable in owner]


def test_without_a_recorder_it_trains_the_same_and_writes_nothing(squares, tmp_path):
    silent = trainer_of(flags(squares, tmp_path / "silent"))
    loop(silent)
    assert silent.step == 6 and silent.stopped_by is None
    assert not (tmp_path / "silent").exists()
    assert train(flags(squares, tmp_path / "recorded")) == 0
    from dcgan_tf.training.resume import resume

    _, recorded, step = resume(make_plan(flags(squares, tmp_path / "recorded")), "float32")
    assert step == 6
    assert all(np.array_equal(a, b) for a, b in zip(values(silent.gan), values(recorded), strict=True))


def test_timing_an_update_leaves_the_trainer_where_it_was(squares, tmp_path):
    trainer = trainer_of(flags(squares, tmp_path))
    metrics = trainer.trial()()
    assert set(metrics) == {"d_loss", "g_loss", "d_real", "d_fake"} and trainer.step == 0
    assert [int(step) for step, _ in trainer.batches()] == [0, 1, 2, 3, 4, 5]


class Stop:
    """Asks to stop once so many steps are done."""

    def __init__(self, trainer, step):
        self._trainer, self._step = trainer, step

    @property
    def signal(self):
        return 15 if self._trainer.step >= self._step else None


def test_a_stop_request_ends_it_after_the_step_at_hand(squares, tmp_path):
    trainer = trainer_of(flags(squares, tmp_path))
    loop(trainer, stop=Stop(trainer, 3))
    assert (trainer.step, trainer.stopped_by) == (4, 15)


def test_a_stop_request_ends_the_wait_for_images_that_do_not_come(squares, tmp_path):
    trainer, released = trainer_of(flags(squares, tmp_path)), threading.Event()
    read = trainer.plan.source.read

    fourth = batch_indices(trainer.plan.order, 3).numpy()

    def hangs(indices, seed, epoch):
        if np.array_equal(indices, fourth):  # Two threads read batches: which of them reads first is open.
            released.wait(60)
        return read(indices)

    object.__setattr__(trainer.plan.source, "read", hangs)  # It is frozen.
    recorder = Recorder(trainer)
    loop(trainer, recorder, Stop(trainer, 3))
    released.set()
    assert (trainer.step, trainer.stopped_by) == (3, 15)
    assert recorder.told[-2:] == [("save_state", 3), ("judge_stopped", 3)]  # Nothing is lost if that takes too long.


class Recorder:
    """Notes what it is told."""

    def __init__(self, trainer):
        self.trainer, self.told = trainer, []

    def __getattr__(self, name):
        def note(*arguments):
            self.told.append((name, self.trainer.step))
            return False  # may_go_back, state_is_old

        return note

    def judge_epoch(self):
        self.told.append(("judge_epoch", self.trainer.step))


def test_what_a_recorder_is_told_and_when(squares, tmp_path):
    trainer = trainer_of(flags(squares, tmp_path, epochs=5, max_steps=13))
    recorder = Recorder(trainer)
    loop(trainer, recorder)
    at = {name: [step for told, step in recorder.told if told == name] for name, _ in recorder.told}
    assert at["show_step"] == list(range(1, 14))
    assert at["log"] == [1, 3, 6, 9, 10, 12, 13]  # the first, every tenth, and the ends of epochs
    assert at["begin"] == [0]
    assert at["watch"] == [1, 10]  # within an epoch
    assert at["judge_epoch"] == at["save_epoch"] == [3, 6, 9, 12, 13]
    order = [name for name, step in recorder.told if step == 3]
    assert [name for name in order if name in ("log", "judge_epoch", "save_epoch")] == [
        "log",
        "judge_epoch",
        "save_epoch",
    ]


def test_losses_that_are_no_numbers_end_it(squares, tmp_path, monkeypatch):
    step = GAN._train_step

    def broken(self, images, number):
        metrics = step(self, images, number)
        return metrics | {"g_loss": metrics["g_loss"] * float("nan")}

    monkeypatch.setattr(GAN, "_train_step", broken)
    with pytest.raises(UserError, match=r"^the losses became NaN between steps 0 and 1: .*; no state was saved yet$"):
        loop(trainer_of(flags(squares, tmp_path)))
