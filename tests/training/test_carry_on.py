"""`dcgan-tf resume RUN`: from a run's folder to the flags of `train`."""

import dataclasses

import pytest
from support.helpers import error_of

from dcgan_tf.config.commands import ResumeConfig
from dcgan_tf.config.recipes import RECIPES
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.runs.settings import changes, identity, write_settings
from dcgan_tf.training.carry_on import flags_of_run
from dcgan_tf.training.plan import make_plan

BEGUN = dict(
    batch_size=8, seed=5, epochs=7, max_steps=9, keep_last=3, image_size=(6, 6), recipe="best", precision="float32",
    switches=Switches(ema=0.9, flips="on"), preset="faces64",
)  # fmt: skip


@pytest.fixture
def run(squares, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = make_plan(TrainConfig(data=str(squares), **BEGUN))
    plan.folder.path.mkdir(parents=True)
    write_settings(plan.folder, plan.settings)
    return plan


@pytest.mark.parametrize("named", ["checkpoints/squares", "squares", "checkpoints/squares/"])
def test_a_run_goes_on_with_all_its_settings(run, squares, named):
    run.folder.state(3).mkdir(parents=True)
    again = make_plan(flags_of_run(ResumeConfig(named)), on_processor=False)
    assert changes(identity(run.settings), identity(again.settings)) == []
    assert again.settings.recipe == run.settings.recipe != RECIPES["best"]
    assert again.folder.path == run.folder.path
    same = ("data", "epochs", "max_steps", "keep_last", "image_size", "precision", "preset", "learning_rate")
    assert [getattr(again.config, name) for name in same] == [getattr(run.config, name) for name in same]


def test_what_may_change_can_be_given(run):
    flags = flags_of_run(ResumeConfig("squares", keep_last=0, evaluate_every=0, on_collapse="rollback", dry_run=True))
    assert (flags.keep_last, flags.evaluate_every, flags.on_collapse, flags.dry_run) == (0, 0, "rollback", True)
    assert (flags.epochs, flags.max_steps) == (7, 9)


def test_more_epochs_are_not_ended_by_the_steps_of_before(run):
    assert flags_of_run(ResumeConfig("squares", epochs=20)).max_steps is None
    given = flags_of_run(ResumeConfig("squares", epochs=20, max_steps=30))
    assert (given.epochs, given.max_steps) == (20, 30)


def test_every_flag_of_resume_is_one_that_may_change():
    names = {declared.name for declared in dataclasses.fields(ResumeConfig)} - {"run"}
    assert names <= {declared.name for declared in dataclasses.fields(TrainConfig)}


def test_a_folder_without_a_run(run, tmp_path):
    assert error_of(flags_of_run, ResumeConfig("none")) == (
        "none: holds no run (there is no config.json): give a run's folder, such as checkpoints/paints200, "
        "or its name in checkpoints"
    )


def test_images_that_have_been_moved(run, squares, tmp_path):
    write_settings(
        run.folder, dataclasses.replace(run.settings, config=dataclasses.replace(run.config, data="gone.npy"))
    )
    assert error_of(flags_of_run, ResumeConfig("squares")) == (
        "checkpoints/squares: its images are not at gone.npy any more, as seen from here: give their place with --data"
    )
    assert flags_of_run(ResumeConfig("squares", data=str(squares))).data == str(squares)
