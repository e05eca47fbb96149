"""Runs that collapse: what they say, and how they go back."""

import json
import shutil

import numpy as np
import pytest
from support.helpers import error_of

from dcgan_tf import cli
from dcgan_tf.common.backend import keras
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.generators.quality import Quality
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import differences
from dcgan_tf.training import recorder, rollback, watchdog
from dcgan_tf.training.command import _agreed, train
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.resume import resume
from dcgan_tf.training.trainer import Trainer

# 44 images of 8x8 in batches of 16: epochs of three steps. Going back is the same for all nets: these are quickly built,
# which every start and every way back does anew.
SMALL = dict(
    batch_size=16, epochs=5, precision="float32", save_every=1, sample_every=5, evaluate_every=1, preset="mnist-mlp",
    image_size=(8, 8), recipe="tutorial",
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_trace")


def config(squares, run_dir, **changes):
    switches = Switches(d_learning_rate=8e-4)
    return TrainConfig(**{"data": str(squares), "run_dir": str(run_dir), "switches": switches, **SMALL, **changes})


def log(run_dir):
    return [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]


def test_a_collapse_is_one_line(squares, tmp_path, scores, capsys):
    scores(90.0, 40.0, 70.0, 71.0, 50.0)
    train(config(squares, tmp_path / "run"))
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert said == [
        "warning: epoch 4: the pictures have become worse: their SWD was 40.0 after epoch 2, and is 71.0",
    ]
    assert (
        RunFolder(tmp_path / "run").read_best().get("epoch") == 2 and not (tmp_path / "run" / "rollbacks.json").exists()
    )


def test_a_run_about_the_limit_is_told_so_once_until_it_has_been_better(squares, tmp_path, scores, monkeypatch, capsys):
    scores(90.0, *[95.0] * 4, 80.0, 95.0, 95.0)
    diversities = iter([0.9, 0.9, 0.3, 0.6, 0.3, 0.6, 0.9, 0.3, 0.3])  # the first is a rehearsal
    monkeypatch.setattr(Quality, "diversity", lambda self: next(diversities))
    train(config(squares, tmp_path / "run", epochs=8))
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    alike = "the pictures have become alike: their diversity was 90% of real images' after epoch 1, and is 30%"
    assert said == [f"warning: epoch {epoch}: {alike}" for epoch in (2, 7)]


def test_a_run_that_never_learns_is_told_so_once_and_does_not_go_back(squares, tmp_path, scores, monkeypatch, capsys):
    scores(*[500.0] * 5)
    monkeypatch.setattr(Quality, "diversity", lambda self: 0.01)
    monkeypatch.setattr(watchdog, "PATIENCE_STEPS", 9)
    train(config(squares, tmp_path / "run", on_collapse="rollback"))
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")] == [
        "warning: epoch 3: the pictures are still alike: their diversity is 1% of real images' after 9 steps: "
        "a lower learning rate may help, see docs/training.md"
    ]


def test_going_back_to_the_best(squares, tmp_path, scores, capsys):
    run_dir = tmp_path / "run"
    scores(90.0, 40.0, 70.0, 71.0, 30.0, 31.0, 32.0)  # epochs 1 2 3 4, then 3 4 5
    train(config(squares, run_dir, on_collapse="rollback"))
    [done] = rollback.rollbacks(RunFolder(run_dir))
    assert done == {
        "from_step": 12, "to_step": 6, "seed": 1000, "learning_rate": 1e-4,
        "reason": "the pictures have become worse: their SWD was 40.0 after epoch 2, and is 71.0",
    }  # fmt: skip
    out = capsys.readouterr().out
    assert "going back to step 6, on with learning rate 0.0001 and other random numbers\n" in out
    assert [(line["epoch"], line["swd"]) for line in log(run_dir) if "swd" in line] == [
        (1, 90.0), (2, 40.0), (3, 30.0), (4, 31.0), (5, 32.0),
    ]  # fmt: skip
    assert RunFolder(run_dir).read_best().get("epoch") == 3
    assert json.loads((run_dir / "config.json").read_text())["config"]["seed"] == 0


def test_a_best_that_collapses_again_was_on_its_way_down_and_the_run_starts_over(squares, tmp_path, scores, capsys):
    run_dir = tmp_path / "run"
    scores(40.0, 70.0, 71.0, 72.0, 73.0, 90.0, 80.0, 30.0, 31.0, 32.0)  # epochs 1 2 3, then 2 3, then 1 2 3 4 5
    train(config(squares, run_dir, on_collapse="rollback"))
    worse = "the pictures have become worse: their SWD was 40.0 after epoch 1, and is"
    assert rollback.rollbacks(RunFolder(run_dir)) == [
        {"from_step": 9, "to_step": 3, "seed": 1000, "learning_rate": 1e-4, "reason": f"{worse} 71.0"},
        {"from_step": 9, "to_step": 0, "seed": 2000, "learning_rate": 5e-5, "reason": f"{worse} 73.0"},
    ]
    out = capsys.readouterr().out
    assert "going back to step 3, on with learning rate 0.0001 and other random numbers\n" in out
    assert "starting over with learning rate 5e-05 and other random numbers\n" in out
    assert [(line["epoch"], line["swd"]) for line in log(run_dir) if "swd" in line] == [
        (1, 90.0), (2, 80.0), (3, 30.0), (4, 31.0), (5, 32.0),
    ]  # fmt: skip
    assert RunFolder(run_dir).read_best().get("epoch") == 3
    assert RunFolder(run_dir).saved_epochs() == [1, 2, 3, 4, 5]
    assert RunFolder(run_dir).saved_steps() == [0, 9, 12, 15]

    # A run that is stopped goes on exactly, however seldom it saves models; it is measured where it stops.
    stopped = tmp_path / "stopped"
    scores(95.0, 40.0, 70.0, 71.0, 72.0, 73.0, 90.0, 80.0, 30.0, 31.0, 33.0, 32.0)
    for stop in (2, 13, None):
        train(config(squares, stopped, on_collapse="rollback", max_steps=stop, save_every=5))
    assert rollback.rollbacks(RunFolder(stopped)) == rollback.rollbacks(RunFolder(run_dir))
    assert all(np.array_equal(a, b) for a, b in zip(nets(run_dir, 5), nets(stopped, 5), strict=True))


def test_a_late_best_is_not_given_up(squares, tmp_path, scores):
    scores(90.0, 40.0, 70.0, 71.0, 72.0, 73.0, 50.0, 50.0, 50.0)  # epochs 1 2 3 4, then 3 4, then 3 4 5
    train(config(squares, tmp_path / "run", on_collapse="rollback"))
    assert [done["to_step"] for done in rollback.rollbacks(RunFolder(tmp_path / "run"))] == [6, 6]


def nets(run_dir, epoch):
    return [
        value
        for net in "GD"
        for value in keras.models.load_model(run_dir / f"epoch{epoch}_{net}model.h5", compile=False).get_weights()
    ]


# Batch normalization, moving averages, augmentation: nets with more to restore than their weights.
ALL_STATES = dict(preset="auto", recipe="best")


def test_a_run_that_went_back_resumes_exactly(squares, tmp_path, scores, monkeypatch):
    """It goes from step 12 back to step 6; of what it has written at step 9 then, a copy goes on."""
    save, whole, killed = recorder.save_state, tmp_path / "whole", tmp_path / "killed"

    def save_and_copy(folder, step, *rest):
        save(folder, step, *rest)
        if step == 9 and folder.path == whole:
            shutil.copytree(whole, killed)

    monkeypatch.setattr(recorder, "save_state", save_and_copy)
    for run_dir, swds in ((whole, [90.0, 40.0, 70.0, 71.0, 30.0, 31.0, 32.0]), (killed, [31.0, 32.0])):
        scores(*swds)
        train(config(squares, run_dir, on_collapse="rollback", save_every=5, **ALL_STATES))
        [done] = rollback.rollbacks(RunFolder(run_dir))
        assert (done["from_step"], done["to_step"]) == (12, 6)
    assert all(np.array_equal(a, b) for a, b in zip(nets(whole, 5), nets(killed, 5), strict=True))


def test_a_killed_rollback_goes_on_from_the_best_with_the_lower_rate(squares, tmp_path, scores, monkeypatch):
    run_dir = tmp_path / "run"
    scores(90.0, 40.0, 70.0, 71.0)

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("dcgan_tf.training.command.resume", killed)
    with pytest.raises(KeyboardInterrupt):
        train(config(squares, run_dir, on_collapse="rollback", sample_every=1))
    monkeypatch.undo()
    assert RunFolder(run_dir).saved_steps() == [0, 6] and RunFolder(run_dir).saved_epochs() == [1, 2]
    assert len(list((run_dir / "picture").glob("image_at*"))) == 2
    plan, gan, step = resume(make_plan(config(squares, run_dir)), "float32")
    assert (step, plan.seed, gan.seed, plan.config.seed) == (6, 1000, 1000, 0)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(1e-4)
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(4e-4)


def test_nan_goes_back_too(squares, tmp_path, scores, monkeypatch):
    run_dir = tmp_path / "run"
    scores(90.0, 40.0, 50.0, 51.0, 52.0)
    update, left = Trainer.update, [9]

    def poisoned(self, *arguments):
        metrics = update(self, *arguments)
        left[0] -= 1
        return metrics | {"d_loss": np.float32("nan")} if left[0] == 0 else metrics

    monkeypatch.setattr(Trainer, "update", poisoned)
    train(config(squares, run_dir, on_collapse="rollback", epochs=4))
    [done] = rollback.rollbacks(RunFolder(run_dir))
    assert (done["reason"], done["to_step"]) == ("the losses became NaN between steps 6 and 9", 6)


def test_nan_before_anything_was_measured_starts_over(squares, tmp_path, monkeypatch):
    run_dir = tmp_path / "run"
    update, left = Trainer.update, [2]

    def poisoned(self, *arguments):
        metrics = update(self, *arguments)
        left[0] -= 1
        return metrics | {"d_loss": np.float32("nan")} if left[0] >= 0 else metrics

    monkeypatch.setattr(Trainer, "update", poisoned)
    train(config(squares, run_dir, on_collapse="rollback", epochs=2))
    reason = "the losses became NaN between steps 0 and 1"
    assert [(done["reason"], done["to_step"], done["learning_rate"]) for done in rollback.rollbacks(RunFolder(run_dir))] == [
        (reason, 0, 1e-4), (reason, 0, 5e-5),
    ]  # fmt: skip
    assert RunFolder(run_dir).saved_epochs() == [1, 2]


def test_three_times_at_most(squares, tmp_path, monkeypatch):
    run_dir = tmp_path / "run"
    monkeypatch.setattr(Quality, "diversity", lambda self: 0.9)
    monkeypatch.setattr(Quality, "scores", lambda self: {"swd": 40.0})
    monkeypatch.setattr(watchdog, "collapsed", lambda lines: "lost" if lines.epochs[-1] >= 3 else None)
    train(config(squares, run_dir, on_collapse="rollback", epochs=4, save_every=4, sample_every=4))
    assert [entry["learning_rate"] for entry in rollback.rollbacks(RunFolder(run_dir))] == [1e-4, 5e-5, 2.5e-5]
    assert RunFolder(run_dir).saved_epochs()[-1] == 4


def test_workers_agree_whether_they_go_back(squares, tmp_path):
    there, here = (
        _agreed(make_plan(config(squares, tmp_path / "run", on_collapse=what)), resumes=False)
        for what in ("warn", "rollback")
    )
    assert differences(there, here) == ["--on-collapse warn there, rollback here"]


def test_what_cannot_go_back(squares, tmp_path):
    asked = config(squares, tmp_path / "run", on_collapse="rollback", evaluate_every=0)
    assert error_of(cli.train, asked) == (
        "--on-collapse rollback: goes back to the best epoch: let --evaluate-every find one"
    )


GOOD = {"from_step": 9, "to_step": 3, "reason": "x", "seed": 1000, "learning_rate": 1e-4}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("null", "it is no list"),
        ("{}", "it is no list"),
        ("[{}]", "entry 1 without from_step"),
        ("[1]", "entry 1 is 1, must be an object with from_step and more"),
        ("[" * 100_000, "it is nested too deeply"),
        (json.dumps([GOOD, GOOD | {"seed": "1"}]), "entry 2.seed is '1', must be a whole number of at least 0"),
        (json.dumps([GOOD | {"seed": 2**70}]), f"entry 1.seed is {2**70}, must be a whole number of at least 0"),
        (json.dumps([GOOD | {"to_step": True}]), "entry 1.to_step is True, must be a whole number of at least 0"),
        (json.dumps([GOOD | {"learning_rate": float("nan")}]), "entry 1.learning_rate is nan, must be a number"),
        (
            json.dumps([GOOD | {"learning_rate": 0}]),
            "entry 1.learning_rate is 0, must be above 0 and below 1, such as 0.0002",
        ),
    ],
)
def test_rollbacks_that_are_damaged_are_one_line_as_they_decide_the_steps_to_come(tmp_path, text, reason):
    folder = RunFolder(tmp_path)
    folder.rollbacks.write_text(text)
    assert error_of(rollback.rollbacks, folder) == (
        f"{folder.rollbacks}: cannot be read ({reason}): restore it, or delete it to go on with the random numbers of "
        "--seed, as if the run had never gone back"
    )


def test_rollbacks_of_a_run_that_never_went_back_or_of_a_later_version(tmp_path):
    folder = RunFolder(tmp_path)
    assert rollback.rollbacks(folder) == []
    folder.rollbacks.write_text(json.dumps([GOOD | {"later": 1}]))
    assert rollback.rollbacks(folder) == [GOOD]
