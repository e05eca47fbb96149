"""The three lines at the end of a training."""

import dataclasses
import shlex
import signal

import pytest

from dcgan_tf import cli
from dcgan_tf.common.program import program
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.runs.settings import write_settings
from dcgan_tf.training.closing import broken_off, done, stopped, told_when_broken_off
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.trainer import Diverged


@pytest.fixture
def plan(squares, tmp_path, monkeypatch):
    """A run in "my run" of 40 epochs of 3 steps; nothing in its folder yet."""
    monkeypatch.chdir(tmp_path)
    return make_plan(TrainConfig(data=str(squares), batch_size=16, epochs=40, run_dir="my run"))


def fill(plan, step, epoch=0):
    folder = plan.folder
    folder.state(step).mkdir(parents=True)
    write_settings(folder, plan.settings)
    folder.pictures.mkdir()
    if epoch:
        folder.generator(epoch).touch()
        folder.picture(epoch).touch()


def test_a_run_that_is_done(plan):
    fill(plan, 120, 40)
    plan.folder.losses.touch()
    plan.folder.write_best({"epoch": 40, "swd": 30.0, "swd_of_real_images": 10.0})
    assert done(plan).splitlines() == [
        "done     40 epochs, 120 steps; the best is epoch 40: some way from real images (SWD 30.0)",
        "look at  my run/picture/image_at_epoch_0040.png, my run/losses.png",
        f"next     {program()} generate 'my run' --out 'my run-pictures'  or  {program()} export 'my run'  or  "
        f"{program()} resume 'my run' --epochs 80",
    ]


def test_the_best_is_told_with_the_number_that_its_words_rest_on(plan):
    fill(plan, 120, 40)
    of_real = {"swd_of_real_images": 10.0, "kid_of_real_images": 0.001, "kid_of_jumbled_images": 0.5}
    plan.folder.write_best({"epoch": 40, "swd": 30.0, "kid": 0.3} | of_real)
    # By the table in metrics/words, an SWD of 30 of 10 is "some way", and a KID of 0.3 of 0.5 "nothing like".
    assert done(plan).splitlines()[0] == (
        "done     40 epochs, 120 steps; the best is epoch 40: nothing like real images yet (SWD 30.0, KID 0.300)"
    )


def test_one_whose_steps_were_limited_has_its_epochs_ahead(plan):
    plan = dataclasses.replace(
        plan, settings=dataclasses.replace(plan.settings, config=dataclasses.replace(plan.config, max_steps=1))
    )
    fill(plan, 1)
    assert done(plan).splitlines() == [
        "done     1 epoch, 1 step",
        "look at  my run",
        f"next     {program()} resume 'my run' --epochs 40",
    ]


def test_one_that_has_more_than_it_was_asked_for(plan):
    fill(plan, 150)
    assert done(plan).splitlines()[0] == "done     50 epochs, 150 steps"
    assert done(plan).splitlines()[2].endswith(" --epochs 100")


@pytest.mark.parametrize("number, name", [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (1, "SIGHUP")])
def test_a_run_that_was_stopped(plan, number, name):
    fill(plan, 4, 1)
    assert stopped(plan, number).splitlines() == [
        f"stopped  by {name} at step 4 of 120, in epoch 2 of 40: all is saved",
        "look at  my run/picture/image_at_epoch_0001.png",
        f"next     {program()} resume 'my run'  or  {program()} generate 'my run' --out 'my run-pictures'  or  "
        f"{program()} export 'my run'",
    ]


def test_a_run_that_was_stopped_before_its_first_step(plan):
    assert stopped(plan, signal.SIGINT).splitlines()[0] == "stopped  by Ctrl-C before its first step"


def test_a_run_that_failed(plan, capsys):
    assert broken_off(plan, OSError()).splitlines() == [
        "failed   nothing was saved yet",
        "look at  my run",
        "next     the same command again",
    ]
    fill(plan, 4)
    with pytest.raises(OSError), told_when_broken_off(plan):
        raise OSError
    assert capsys.readouterr().out.splitlines() == [
        "failed   all up to step 4 of 120, in epoch 2 of 40 is saved",
        "look at  my run",
        f"next     {program()} resume 'my run'",
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_an_impatient_signal_is_no_failure(plan, error):
    fill(plan, 4)
    assert broken_off(plan, error).splitlines()[0] == "stopped  all up to step 4 of 120, in epoch 2 of 40 is saved"


def test_one_that_would_fail_again_is_not_to_be_resumed(plan):
    assert broken_off(plan, Diverged()).splitlines()[2] == "next     what the error says"
    fill(plan, 4, 1)
    assert broken_off(plan, Diverged()).splitlines()[2].startswith(f"next     {program()} generate ")


def test_what_is_to_be_typed_is_understood(plan, monkeypatch):
    """The commands are parsed, not run."""
    fill(plan, 120, 40)
    seen = []
    for name, (kind, _) in cli.COMMANDS.items():
        monkeypatch.setitem(cli.COMMANDS, name, (kind, lambda config: seen.append(config) or 0))
    for command in done(plan).splitlines()[2].removeprefix("next     ").split("  or  "):
        assert command.startswith(f"{program()} ")
        assert cli.main(shlex.split(command.removeprefix(program()))) == 0
    assert [getattr(config, "source", None) or config.run for config in seen] == ["my run"] * 3
