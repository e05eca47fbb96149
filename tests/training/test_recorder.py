"""The order in which a run writes: whatever it is killed between, nothing is lost that would not be made again."""

import json
import os
import shutil

import numpy as np
import pytest
from support.helpers import error_of

from dcgan_tf.common.backend import keras
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.log import RunLog
from dcgan_tf.runs.pictures import sample_pictures
from dcgan_tf.training import recorder, rollback
from dcgan_tf.training.command import train
from dcgan_tf.training.recorder import Recorder
from dcgan_tf.training.saver import ModelSaver

# 44 images of 8x8 in batches of 16: epochs of three steps.
SMALL = dict(batch_size=16, epochs=3, precision="float32", save_every=1, sample_every=1, evaluate_every=1, keep_last=1)


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


@pytest.fixture(autouse=True)
def no_film(monkeypatch):
    """The curves and the film at the end take a quarter of the time of such a run."""
    monkeypatch.setattr("dcgan_tf.training.command._draw_history", lambda folder: None)


@pytest.fixture(scope="module")
def finished(squares, tmp_path_factory):
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
    assert [picture.step for picture in sample_pictures(RunFolder(tmp_path))] == [3, 6, 9, 12]
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
