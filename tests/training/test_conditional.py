"""Runs whose nets know classes: what they learn, what they leave behind, and that they go on exactly."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of

from dcgan_tf.common.backend import keras
from dcgan_tf.common.program import program
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.gan.randomness import fixed_latents
from dcgan_tf.generators.keras_net import picture_function
from dcgan_tf.pictures.sheet import class_sheet
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.training.command import train
from dcgan_tf.training.loop import loop
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.recorder import class_shares
from dcgan_tf.training.resume import resume
from dcgan_tf.training.start import start
from dcgan_tf.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("bare")
TONES, COUNTS = (40, 128, 215), (48, 32, 16)  # of the three classes, whose images are flat but for some noise


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """96 images of 8x8: 6 steps of 16."""
    random, labels = np.random.default_rng(0), np.repeat([0, 1, 2], COUNTS)
    images = np.array(TONES)[labels, None, None] + random.integers(-10, 11, [96, 8, 8])
    path = tmp_path_factory.mktemp("data") / "tones.npz"
    np.savez(path, images=images.astype(np.uint8), labels=labels)
    return path


def flags(tones, run_dir, conditional="on", switches=None, **changes):
    given = dict(
        preset="mnist-mlp", image_size=(8, 8), recipe="tutorial", batch_size=16, epochs=25, learning_rate=1e-3,
        precision="float32", save_every=25, sample_every=25, evaluate_every=0,
    )  # fmt: skip
    switches = Switches(conditional=conditional, **switches or {})
    return TrainConfig(str(tones), run_dir=str(run_dir), switches=switches, **given | changes)


@pytest.fixture(scope="module")
def run(tones, tmp_path_factory, bare):
    """A run of 150 steps."""
    run_dir = tmp_path_factory.mktemp("runs") / "tones"
    assert train(flags(tones, run_dir)) == 0
    return RunFolder(run_dir)


@pytest.fixture(scope="module")
def generator(run):
    return keras.models.load_model(run.generator(25), compile=False)


def test_a_class_looks_like_its_images(generator):
    latents = np.random.default_rng(1).normal(size=[40, 100]).astype("float32")
    for own, tone in enumerate(TONES):
        images = generator([latents, np.full([40], own, np.int32)], training=False).numpy()
        levels = images.mean(axis=(1, 2, 3)) * 127.5 + 127.5
        assert [int(np.abs(np.array(TONES) - level).argmin()) for level in levels] == [own] * 40
        assert levels.mean() == pytest.approx(tone, abs=25)


def test_a_sheet_has_a_row_for_each_class_and_the_same_latents_in_each_column(tones, run, generator):
    preset = make_plan(flags(tones, run.path)).preset
    assert preset.grid == (3, 8)
    latents = fixed_latents(preset, 0).numpy()
    for row in np.split(latents, 3):
        np.testing.assert_array_equal(row, latents[:8])
    images = picture_function(generator)(latents, np.repeat([0, 1, 2], 8).astype(np.int32)).numpy()
    with Image.open(run.pictures / "image_at_epoch_0025.png") as picture:
        shown = np.asarray(picture)[..., None]
    expected = class_sheet(images, ("0", "1", "2"))
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() <= 1  # Another graph may round a pixel otherwise.


def test_the_sheet_of_real_images_shows_each_class_in_its_row(tones, run):
    with Image.open(run.pictures / "reals.png") as picture, np.load(tones) as data:
        images = np.concatenate([data["images"][data["labels"] == own] for own in range(3)])
        places = np.concatenate(
            [np.arange(8) * count // 8 + start for count, start in zip(COUNTS, np.cumsum((0, *COUNTS)))]
        )
        np.testing.assert_array_equal(
            np.asarray(picture)[..., None], class_sheet(images[places][..., None], ("0", "1", "2"))
        )


def test_the_files_are_those_of_any_run(run):
    assert sorted(path.name for path in run.path.iterdir()) == [
        ".lock", "config.json", "epoch25_Dmodel.h5", "epoch25_Gmodel.h5", "log.jsonl", "picture", "saved_model", "state",
        "tensorboard",
    ]  # fmt: skip
    assert sorted(path.name for path in run.pictures.iterdir()) == ["image_at_epoch_0025.png", "reals.png"]
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert set(lines[-1]) == {"epoch", "step", "d_loss", "g_loss", "d_real", "d_fake", "images_per_sec"}


def test_it_is_not_gone_on_with_without_classes(tones, run):
    assert error_of(train, flags(tones, run.path, conditional="off")) == (
        f"{run.path}: the run there was begun with other settings (--conditional on, now off): carry on with: {program()} "
        f"resume {run.path}, or give another --run-dir"
    )


def test_a_run_with_all_that_classes_have_goes_on_exactly(tones, tmp_path):
    """Stopped within an epoch, it has the weights, averages and optimizers of the run that was never stopped."""
    asked = flags(
        tones, tmp_path / "run", preset="auto", recipe="best", learning_rate=None, epochs=1, balance="on",
        switches=dict(class_norm="on", class_judge="auxiliary"),
    )  # fmt: skip
    assert train(replace(asked, max_steps=3)) == 0
    assert train(asked) == 0
    plan = make_plan(asked)
    assert plan.preset.family == "faces64" and plan.recipe.ema > 0
    whole = Trainer(plan, *start(plan, "float32"))
    loop(whole)
    _, resumed, step = resume(plan, "float32")
    assert step == whole.step == 6
    values = (
        [variable.numpy() for owner in gan.variables().values() for variable in owner] for gan in (whole.gan, resumed)
    )
    assert all(np.array_equal(a, b) for a, b in zip(*values, strict=True))


def test_statistics_are_measured_with_the_shares_that_classes_have_in_training(tones, tmp_path):
    shares = [
        class_shares(make_plan(flags(tones, tmp_path / "run", conditional, balance=balance)))
        for conditional, balance in (("on", "off"), ("on", "on"), ("off", "off"))
    ]
    assert shares == [pytest.approx((1 / 2, 1 / 3, 1 / 6)), None, None]
