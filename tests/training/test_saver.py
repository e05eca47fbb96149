import json

import numpy as np
import pytest
from support.image_sets import noise, source_of
from support.settings import settings

from dcgan_tf.common.backend import tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.training.plan import Plan
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


@pytest.fixture(scope="module")
def gan():
    preset = preset_for((8, 8, 1), "paints200")
    gan = GAN(preset, build_generator(preset), build_discriminator(preset))
    gan.train_step(tf.zeros([4, 8, 8, 1]), tf.constant(0, tf.int64))
    return gan


def saver_in(folder, gan, **flags):
    made = settings(image_shape=(8, 8, 1), config=TrainConfig(**flags))
    return ModelSaver(Plan(made, source_of(noise(44, 8, 8, 1)), RunFolder(folder), seed=0, learning_rate=1e-4), gan)


def test_models_per_epoch_and_those_that_go(gan, tmp_path):
    (tmp_path / "best.json").write_text(json.dumps({"epoch": 2}))
    saver = saver_in(tmp_path, gan, keep_last=2, keep_every=4)
    for epoch in range(1, 8):
        saver.save(epoch, gan.sampler)
        saver.delete_old(epoch)
    kept = {2, 4, 6, 7}
    assert {path.name for path in tmp_path.iterdir()} == {"best.json", "saved_model"} | {
        f"epoch{epoch}_{net}model.h5" for epoch in kept for net in "GD"
    }
    assert {path.name for path in (tmp_path / "saved_model").iterdir()} == {str(epoch) for epoch in kept}


def test_an_epoch_that_is_made_again_is_not_old_because_a_killed_run_left_later_ones(gan, tmp_path):
    saver = saver_in(tmp_path, gan, keep_last=1, keep_every=0)
    for epoch in (8, 9, 5, 6):
        saver.save(epoch, gan.sampler)
    saver.delete_old(6)
    assert RunFolder(tmp_path).saved_epochs() == [6, 8, 9]


def test_the_saved_model_gives_the_generators_pixels_of_its_epoch(gan, tmp_path):
    saver = saver_in(tmp_path, gan, keep_last=0, keep_every=0)
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
