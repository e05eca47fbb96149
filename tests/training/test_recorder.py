"""The order in which a run writes: whatever it is killed between, nothing is lost that would not be made again."""

import contextlib
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of

from dcgan_tf.common.backend import keras
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.generators.quality import Quality
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.log import RunLog
from dcgan_tf.runs.pictures import sample_pictures
from dcgan_tf.training import recorder, rollback
from dcgan_tf.training.command import train
from dcgan_tf.training.loop import loop
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.recorder import Recorder
from dcgan_tf.training.saver import ModelSaver
from dcgan_tf.training.start import start
from dcgan_tf.training.trainer import Trainer

# 44 images of 8x8 in batches of 16: epochs of three steps. What is written when is the same for all nets: these are quickly
# built.
SMALL = dict(
    batch_size=16, epochs=3, precision="float32", save_every=1, sample_every=1, evaluate_every=1, keep_last=1,
    preset="mnist-mlp", image_size=(8, 8), recipe="tutorial",
)  # fmt: skip
pytestmark = pytest.mark.usefixtures("one_trace")


def config(squares, run_dir, **changes):
    return TrainConfig(**{"data": str(squares), "run_dir": str(run_dir), **SMALL, **changes})


def measured(run_dir):
    lines = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    return [(line["epoch"], line["step"], line["swd"]) for line in lines if "swd" in line]


def weights(run_dir, epoch):
    return [
        value
        for net in "GD"
        for value in keras.models.load_model(run_dir / f"epoch{epoch}_{net}model.h5", compile=False).get_weights()
    ]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


class Killed(BaseException):
    """Stands for a SIGKILL."""


def killed_at(monkeypatch, owner, name, is_time):
    """Ends the process in the place of the first call of `owner.name` whose arguments `is_time` likes."""
    real = getattr(owner, name)

    def call(*arguments):
        if is_time(*arguments):
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(owner, name, call)


@pytest.fixture(scope="module")
def finished(squares, tmp_path_factory, one_trace):
    run_dir = tmp_path_factory.mktemp("runs") / "finished"
    train(config(squares, run_dir, evaluate_every=0, keep_last=0))
    return run_dir


KILLS = {
    "before the models of the best": (ModelSaver, "save", lambda saver, epoch, sampler: epoch == 2),
    "before best.json": (RunFolder, "write_best", lambda folder, best: best["epoch"] == 2),
    "before the line of its scores": (
        RunLog,
        "scalars",
        lambda log, step, epoch, values: (step, "swd" in values) == (6, 1),
    ),
    "before its state": (recorder, "save_state", lambda folder, step, *rest: step == 6),
    "before the epoch is saved": (Recorder, "save_epoch", lambda self: self._trainer.epoch == 2),
}


def test_the_best_epoch_survives_a_kill_at_any_write(squares, tmp_path, scores, monkeypatch):
    asked = config(squares, tmp_path, on_collapse="rollback")
    scores(90.0, *[40.0] * len(KILLS), 70.0)  # The second epoch is measured again after each kill but the last.
    for kill in KILLS.values():
        with monkeypatch.context() as patch:
            killed_at(patch, *kill)
            with pytest.raises(Killed):
                train(asked)
    assert train(asked) == 0
    folder = RunFolder(tmp_path)
    best = folder.read_best()
    assert (best["epoch"], best["step"], best["swd"]) == (2, 6, 40.0)
    assert measured(tmp_path) == [(1, 3, 90.0), (2, 6, 40.0), (3, 9, 70.0)]
    assert folder.saved_epochs() == [2, 3] and folder.saved_steps() == [0, 6, 9]


def test_better_models_from_within_an_epoch_are_not_replaced_by_worse_ones_at_its_end(
    squares, tmp_path, scores, capsys
):
    scores(90.0, 40.0, 60.0, 30.0, 20.0)  # after steps 3, 4, 6, 7, 9
    train(config(squares, tmp_path, max_steps=4))
    within = weights(tmp_path, 2)
    train(config(squares, tmp_path, max_steps=7, keep_last=0))
    assert same(weights(tmp_path, 2), within)
    assert "; the best is step 4 of the same epoch, 40.0\n" in capsys.readouterr().out
    within = weights(tmp_path, 3)
    train(config(squares, tmp_path))
    assert not same(weights(tmp_path, 3), within)
    assert (RunFolder(tmp_path).read_best()["epoch"], RunFolder(tmp_path).read_best()["step"]) == (3, 9)
    assert measured(tmp_path) == [(1, 3, 90.0), (2, 4, 40.0), (2, 6, 60.0), (3, 7, 30.0), (3, 9, 20.0)]


def test_a_rollback_that_is_killed_is_made_again(squares, tmp_path, scores, monkeypatch):
    asked = config(squares, tmp_path, epochs=4, keep_last=0, on_collapse="rollback")
    scores(90.0, 40.0, *[70.0, 71.0] * 3, 30.0, 31.0)  # epochs 1 and 2; 3 and 4 three times; then after going back
    for owner, name in ((RunFolder, "remove_models"), (rollback, "write_json")):
        with monkeypatch.context() as patch:
            killed_at(patch, owner, name, lambda *arguments: True)
            with pytest.raises(Killed):
                train(asked)
        assert RunFolder(tmp_path).saved_steps() == [0, 6] and not (tmp_path / "rollbacks.json").exists()
    assert train(asked) == 0
    [done] = rollback.rollbacks(RunFolder(tmp_path))
    assert (done["from_step"], done["to_step"]) == (12, 6)
    assert measured(tmp_path) == [(1, 3, 90.0), (2, 6, 40.0), (3, 9, 30.0), (4, 12, 31.0)]
    assert [picture.step for picture in sample_pictures(RunFolder(tmp_path), 3)] == [3, 6, 9, 12]
    assert RunFolder(tmp_path).saved_epochs() == [1, 2, 3, 4]


def test_models_without_a_state_are_not_trained_over(finished, squares, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "state")
    assert error_of(train, config(squares, tmp_path / "run", evaluate_every=0)) == (
        f"--run-dir {tmp_path / 'run'}: holds models of 3 epochs, but no state to resume them from: restore its folder "
        "state, or start from them with --generator and --discriminator and another --run-dir"
    )
    assert RunFolder(tmp_path / "run").saved_epochs() == [1, 2, 3]


def test_a_run_whose_folder_is_moved_stops(squares, tmp_path, monkeypatch):
    def move(self):
        if self._trainer.step == 2:
            (tmp_path / "run").rename(tmp_path / "moved")

    monkeypatch.setattr(Recorder, "show_step", move)
    assert error_of(train, config(squares, tmp_path / "run")) == (
        f"{tmp_path / 'run'}: was moved or deleted while it was written to: put it back where it was, and run the same "
        "command again"
    )
    assert not (tmp_path / "run").exists()


def test_a_run_that_was_killed_before_its_film_makes_it_when_asked_again(finished, squares, tmp_path, monkeypatch):
    run_dir = tmp_path / "run"
    shutil.copytree(finished, run_dir)
    drawn = []
    monkeypatch.setattr("dcgan_tf.training.command._draw_history", lambda folder: drawn.append(folder.path))
    for name in ("losses.png", "training.gif"):
        (run_dir / name).touch()
    done = config(squares, run_dir, evaluate_every=0, keep_last=0)
    assert train(done) == 0 and drawn == []
    (run_dir / "training.gif").rename(tmp_path / "training.gif")
    assert train(done) == 0 and drawn == [run_dir]
    (tmp_path / "training.gif").rename(run_dir / "training.gif")
    os.utime(run_dir / "losses.png", ns=(0, 0))  # It was drawn when the run had stopped before.
    assert train(done) == 0 and drawn == [run_dir, run_dir]


def test_a_best_that_is_deleted_while_the_run_goes_on_keeps_its_models_and_its_state(
    squares, tmp_path, scores, monkeypatch
):
    show_step = Recorder.show_step

    def delete(self):
        if self._trainer.step == 4:
            RunFolder(tmp_path).best.unlink()
        show_step(self)

    monkeypatch.setattr(Recorder, "show_step", delete)
    scores(40.0, 70.0, 71.0, 72.0)
    train(config(squares, tmp_path, epochs=4))
    assert RunFolder(tmp_path).saved_epochs() == [1, 4] and RunFolder(tmp_path).saved_steps() == [3, 9, 12]


# 352 images of 8x8 in batches of 16: epochs of 22 steps. Of 60 steps, these have pictures where no flag says so.
DRAWN = ["step_000000", "step_000010", "epoch_0001", "step_000030", "epoch_0002", "step_000050", "step_000060"]


@pytest.fixture
def noise(tmp_path):
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).integers(0, 256, [352, 8, 8], np.uint8))
    return lambda name, **changes: config(
        tmp_path / "noise.npy", tmp_path / name,
        **{"sample_every": None, "max_steps": 60, "evaluate_every": 0, **changes},
    )  # fmt: skip


def pictures(run_dir):
    """The bytes of each, by its name."""
    return {picture.path.stem: picture.path.read_bytes() for picture in sample_pictures(RunFolder(run_dir))}


def test_a_run_killed_within_an_epoch_draws_the_pictures_of_one_that_was_never_stopped(noise, tmp_path, monkeypatch):
    train(noise("whole"))
    whole = pictures(tmp_path / "whole")
    assert list(whole) == [f"image_at_{name}" for name in DRAWN]
    write = recorder.write_png
    # Before the one is written, and right after the other.
    for kill, is_written in (("image_at_step_000030", False), ("image_at_epoch_0002", True)):

        def killed(path, sheet, kill=kill, is_written=is_written):
            if is_written or path.stem != kill:
                write(path, sheet)
            if path.stem == kill:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(recorder, "write_png", killed)
            with pytest.raises(Killed):
                train(noise("killed"))
    train(noise("killed"))
    assert pictures(tmp_path / "killed") == whole


def test_a_sheet_is_large_enough_to_be_looked_at(noise, tmp_path):
    """8 by 8 images of 8x8 with 2 pixels between: 82 pixels, times 7."""
    train(noise("run", max_steps=1))
    for name in ("image_at_step_000000", "image_at_step_000001", "reals"):
        with Image.open(tmp_path / "run/picture" / f"{name}.png") as opened:
            assert (opened.size, opened.mode) == ((574, 574), "L")


def test_more_epochs_change_the_pictures_to_come_and_keep_those_that_are_there(noise, tmp_path):
    train(noise("run", max_steps=30))
    before = pictures(tmp_path / "run")
    train(noise("run", epochs=20, max_steps=None))
    after = pictures(tmp_path / "run")
    assert before.items() <= after.items() and 40 <= len(after) <= 60


def test_a_rollback_removes_the_pictures_within_epochs_too(noise, tmp_path, monkeypatch):
    """From step 50 back to step 22, the best; those of 30, 44 and 50 are drawn again, with other random numbers."""
    train(noise("run", max_steps=50, evaluate_every=2, on_collapse="rollback"))
    folder, plan = RunFolder(tmp_path / "run"), make_plan(noise("run", on_collapse="rollback"))
    folder.write_best({"epoch": 1, "step": 22, "swd": 1.0})
    (folder.states / "50").rename(folder.state(22))
    rollback.go_back(plan, 50, "it collapsed")
    assert list(pictures(tmp_path / "run")) == [f"image_at_{name}" for name in DRAWN[:3]]


def test_a_run_that_is_stopped_is_measured_after_its_state_is_saved(noise, tmp_path, scores, monkeypatch):
    scores(55.0)
    written, save = [], recorder.save_state
    monkeypatch.setattr(Quality, "seconds_an_image", lambda self: 1e-9)
    monkeypatch.setattr(recorder, "save_state", lambda *given: (written.append("state"), save(*given)))
    write_best = RunFolder.write_best
    monkeypatch.setattr(RunFolder, "write_best", lambda *given: (written.append("best"), write_best(*given)))
    plan = make_plan(noise("run", evaluate_every=None))
    plan.folder.path.mkdir()
    trainer = Trainer(plan, start(plan, "float32")[0], 0)

    class Stop:
        signal = property(lambda self: 2 if trainer.step >= 12 else None)

    with contextlib.closing(Recorder(trainer)) as recording:
        loop(trainer, recording, Stop())
    assert written == ["state", "best"]
    best = RunFolder(tmp_path / "run").read_best()
    assert (best["epoch"], best["step"], best["swd"]) == (1, 13, 55.0)
    assert RunFolder(tmp_path / "run").saved_epochs() == [1] and RunFolder(tmp_path / "run").saved_steps() == [13]
    assert measured(tmp_path / "run") == [(1, 13, 55.0)]
