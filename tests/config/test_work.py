"""How much work a step is, counted by hand."""

import dataclasses

import pytest

from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.order import Order
from dcgan_tf.config.presets import PRESETS, Layer
from dcgan_tf.config.recipes import TUTORIAL, Recipe
from dcgan_tf.config.settings import Images, Settings
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.config.variants import applied
from dcgan_tf.config.work import _of_row, multiplications, seconds_of


@pytest.mark.parametrize(
    "row, shape, work, output",
    [
        (Layer("dense", 5), (7,), 35, (5,)),
        (Layer("reshape", shape=(2, 3, 4)), (24,), 0, (2, 3, 4)),
        (Layer("flatten"), (2, 3, 4), 0, (24,)),
        (Layer("minibatch_std"), (2, 3, 4), 0, (2, 3, 5)),
        (Layer("conv", 8, (3, 3), (2, 2)), (5, 4, 2), 9 * 2 * 8 * 3 * 2, (3, 2, 8)),
        (Layer("conv", 8, (3, 3), (1, 1), padding="valid"), (5, 4, 2), 9 * 2 * 8 * 3 * 2, (3, 2, 8)),
        (Layer("conv", 8, (3, 3), (2, 2), pool=True), (5, 4, 2), 9 * 2 * 8 * 5 * 4, (2, 2, 8)),
        (Layer("deconv", 8, (4, 4), (2, 2), crop=(1, 0)), (3, 2, 5), 16 * 5 * 8 * 3 * 2, (5, 4, 8)),
        (Layer("deconv", 8, (4, 3), (1, 1), padding="valid"), (1, 1, 5), 12 * 5 * 8, (4, 3, 8)),
        (Layer("resize", 8, (4, 4), (2, 2)), (3, 2, 5), 16 * 5 * 8 * 6 * 4, (6, 4, 8)),
    ],
)
def test_a_layer(row, shape, work, output):
    assert _of_row(row, shape) == (work, output)


def test_two_dense_nets():
    # Generator 100-256-512-784, discriminator 784-512-256-1.
    generator, discriminator = 100 * 256 + 256 * 512 + 512 * 784, 784 * 512 + 512 * 256 + 256
    assert multiplications(PRESETS["mnist-mlp"]) == 3 * generator + 8 * discriminator


def test_what_stands_for_a_class_is_multiplied_with_the_first_row():
    mlp = PRESETS["mnist-mlp"]
    of_classes = dataclasses.replace(mlp, classes=10)
    assert multiplications(of_classes) - multiplications(mlp) == 3 * 50 * 256
    # Of a generator that begins with a reshape, the first convolution takes 50 channels more: 4x4 of 512 filters.
    faces = PRESETS["faces64"]
    made = applied(faces, Recipe(conditional=True), 10)
    assert multiplications(made) - multiplications(faces) == 3 * 50 * 4 * 4 * 512


def test_a_run_with_twice_the_steps_takes_twice_the_time_and_larger_images_more():
    def settled(side, epochs, **flags):
        preset = preset_for((side, side, 3))
        steps = Order(1610, preset.batch_size, False, 0).steps_per_epoch
        config = dataclasses.replace(TrainConfig(epochs=epochs, batch_size=preset.batch_size), **flags)
        return Settings(config, Images("x", 1610, (side, side, 3), "", ""), steps, preset, TUTORIAL, {})

    small = settled(64, 10)  # 13 steps an epoch
    assert seconds_of(small, small, 0.5) == 65
    assert seconds_of(settled(64, 20), small, 0.5) == 130
    assert seconds_of(settled(64, 20, max_steps=26), small, 0.5) == 13
    # Images of four times as many pixels; of the nets, one stage more: between four and six times the work.
    assert 4 * 65 < seconds_of(settled(128, 10), small, 0.5) < 6 * 65
