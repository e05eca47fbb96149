import json

import filelock
import numpy as np
import pytest

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.runs.folder import best_epoch, locked, saved_steps
from dcgan_tf.runs.state import restore_state, save_nets, save_state, saved_nets
from dcgan_tf.training.saver import ModelSaver, to_delete


@pytest.mark.parametrize(
    "epochs, last, every, best, deleted",
    [
        ([1, 2, 3, 4, 5], 2, 0, None, [1, 2, 3]),
        ([1, 2, 3, 4, 5], 2, 2, None, [1, 3]),
        ([1, 2, 3, 4, 5], 2, 0, 1, [2, 3]),
        ([1, 2, 3, 4, 5], 0, 0, None, []),
        ([1, 2], 10, 50, None, []),
        ([50, 90, 91, 100], 1, 50, None, [90, 91]),
        ([], 3, 0, None, []),
    ],
)
def test_retention(epochs, last, every, best, deleted):
    assert to_delete(epochs, last, every, best) == deleted


@pytest.mark.parametrize("content, best", [(None, None), ("{", None), ("[]", None), ('{"epoch": 7}', 7)])
def test_best_epoch(tmp_path, content, best):
    if content:
        (tmp_path / "best.json").write_text(content)
    assert best_epoch(tmp_path) == best


def test_one_training_per_folder(tmp_path):
    with filelock.FileLock(tmp_path / ".lock"), pytest.raises(UserError) as raised, locked(tmp_path):
        pass
    assert str(raised.value) == (
        f"--run-dir {tmp_path}: another training is writing to it: wait for it, or give another --run-dir"
    )


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as raised, locked(tmp_path / "file" / "run"):
        pass
    assert str(raised.value) == (
        f"--run-dir {tmp_path}/file/run: cannot be written (Not a directory): give another --run-dir"
    )


@pytest.fixture(scope="module")
def gan():
    preset = preset_for((8, 8, 1), "paints200")
    gan = GAN(preset, build_generator(preset), build_discriminator(preset))
    gan.train_step(tf.zeros([4, 8, 8, 1]), tf.constant(0, tf.int64))
    return gan


def values(gan):
    return {name: [variable.numpy() for variable in variables] for name, variables in gan.variables().items()}


def test_state_holds_every_variable_and_rebuilds_the_nets(gan, tmp_path):
    save_nets(tmp_path, gan)
    save_state(tmp_path, 1, gan)
    before = values(gan)
    generator, discriminator = saved_nets(tmp_path)
    other = GAN(gan.preset, generator, discriminator)
    restore_state(tmp_path, 1, other)
    for name, arrays in values(other).items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, before[name], strict=True)), name


def test_the_newest_two_states_stay(gan, tmp_path):
    for step in (5, 9, 10, 100):
        save_state(tmp_path, step, gan)
    assert saved_steps(tmp_path) == [10, 100]
    assert sorted(path.name for path in (tmp_path / "state" / "100").iterdir()) == [
        "variables.data-00000-of-00001",
        "variables.index",
    ]


def test_models_per_epoch_and_those_that_go(gan, tmp_path):
    (tmp_path / "best.json").write_text(json.dumps({"epoch": 2}))
    saver = ModelSaver(tmp_path, gan, keep_last=2, keep_every=4)
    for epoch in range(1, 8):
        saver.save(epoch, gan.sampler)
    kept = {2, 4, 6, 7}
    assert {path.name for path in tmp_path.iterdir()} == {"best.json", "saved_model"} | {
        f"epoch{epoch}_{net}model.h5" for epoch in kept for net in "GD"
    }
    assert {path.name for path in (tmp_path / "saved_model").iterdir()} == {str(epoch) for epoch in kept}


def test_the_saved_model_gives_the_generators_pixels_of_its_epoch(gan, tmp_path):
    saver = ModelSaver(tmp_path, gan, keep_last=0, keep_every=0)
    latents = np.random.default_rng(0).normal(size=[3, 100]).astype("float32")
    pixels = []
    for epoch in (1, 2):
        saver.save(epoch, gan.sampler)
        floats = gan.generator(latents, training=False).numpy().astype("float64")
        pixels.append(np.clip(np.round(floats * 127.5 + 127.5), 0, 255))
        gan.train_step(tf.zeros([4, 8, 8, 1]), tf.constant(epoch, tf.int64))
    for epoch, expected in zip((1, 2), pixels):
        served = tf.saved_model.load(str(tmp_path / "saved_model" / str(epoch))).signatures["serving_default"]
        images = served(latents=latents)["images"]
        assert images.dtype == tf.uint8 and images.shape == (3, 8, 8, 1)
        assert np.abs(images.numpy() - expected).max() <= 1  # a half may round either way
    assert not np.array_equal(*pixels)
