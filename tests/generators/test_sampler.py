import dataclasses

import numpy as np
import pytest
from support import small_nets
from support.class_nets import class_nets, class_preset

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.gan.step import GAN
from dcgan_tf.generators.generator import picture_function
from dcgan_tf.generators.sampler import Sampler

AVERAGED = Recipe(ema=0.9, tanh_gain=1.1)


def trained(recipe, generator=None, steps=3):
    """A small GAN that has learned a little, or after 0 steps nothing, where that is all the same."""
    tiny = dataclasses.replace(PRESETS["paints200"], latent_dim=6, image_shape=(8, 8, 3))
    gan = GAN(applied(tiny, recipe), generator or small_nets.generator(), small_nets.discriminator(), recipe, seed=5)
    for step in range(steps):
        real = np.random.default_rng(step).uniform(-1, 1, [4, 8, 8, 3]).astype("float32")
        gan.train_step(tf.constant(real), tf.constant(step, tf.int64))
    return gan


def test_an_average_is_shown_with_statistics_of_its_own():
    gan = trained(AVERAGED)
    before = [variable.numpy() for variable in gan.sampler.variables]
    net = Sampler(gan).net(3)
    expected = iter(small_nets.own_statistics(gan.sampler, gan.preset, seed=5))
    for shown, averaged in zip(net.weights, gan.sampler.weights, strict=True):
        if "moving" in shown.path:
            np.testing.assert_allclose(shown, next(expected), rtol=1e-4, atol=1e-5)
            assert not np.allclose(shown, averaged, rtol=0.01, atol=0.001)
        else:
            np.testing.assert_array_equal(shown, averaged)
    assert not list(expected)
    for variable, value in zip(gan.sampler.variables, before, strict=True):  # Training's own net is unchanged.
        np.testing.assert_array_equal(variable, value)


def test_pictures_are_of_the_net_after_that_step():
    gan = trained(AVERAGED, steps=0)
    sampler, latents = Sampler(gan), np.random.default_rng(0).normal(size=[4, 6]).astype("float32")
    for step in (3, 4):
        pictures = sampler.pictures(latents, step).numpy()
        np.testing.assert_array_equal(pictures, picture_function(sampler.net(step))(latents))
        np.testing.assert_array_equal(
            pictures, Sampler(gan).pictures(latents, step)
        )  # A new one knows no earlier step.
        for weight in gan.sampler.trainable_weights:
            weight.assign(1.5 * weight)
        np.testing.assert_array_equal(pictures, sampler.pictures(latents, step))  # The net is taken once a step.
    assert not np.array_equal(pictures, sampler.pictures(latents, 5))


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(tanh_gain=1.1)])
def test_without_an_average_the_net_is_shown_as_it_is(recipe):
    gan = trained(recipe, steps=0)
    assert Sampler(gan).net(3) is gan.sampler


def test_an_average_without_batch_normalization_is_shown_as_it_is():
    plain = keras.Sequential([
        keras.Input([6]), keras.layers.Dense(8 * 8 * 3, activation="tanh"), keras.layers.Reshape([8, 8, 3])
    ])  # fmt: skip
    gan = trained(AVERAGED, plain, steps=0)
    assert Sampler(gan).net(3) is gan.sampler is not gan.generator


def test_statistics_along_any_axis():
    # A net from a file may have its channels first.
    first = small_nets.shake(keras.Sequential([
        keras.Input([6]), keras.layers.Dense(8 * 8 * 3), keras.layers.Reshape([8, 8, 3]),
        keras.layers.BatchNormalization(axis=1), keras.layers.Activation("tanh"),
    ]))  # fmt: skip
    gan = trained(AVERAGED, first, steps=0)
    (shown,), expected = (
        small_nets.norms(Sampler(gan).net(3)),
        small_nets.own_statistics(gan.sampler, gan.preset, seed=5),
    )
    assert shown.moving_mean.shape == (8,)
    for value, wanted in zip((shown.moving_mean, shown.moving_variance), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shares", [None, (0.6, 0.3, 0.1)])
def test_statistics_are_those_of_classes_in_their_shares(shares):
    recipe, preset = Recipe(ema=0.9, conditional=True), class_preset("projection", 3)
    gan = GAN(preset, *class_nets("projection", 3), recipe, seed=5)
    ends = np.cumsum(shares or [1 / 3] * 3)
    places = (np.arange(512) * (5**0.5 - 1) / 2) % 1
    labels = np.array([next(own for own, end in enumerate(ends) if place < end) for place in places], np.int32)
    for own, share in enumerate(shares or [1 / 3] * 3):
        assert (labels == own).sum() == pytest.approx(512 * share, abs=1.5)
    [shown] = small_nets.norms(Sampler(gan, shares).net(0))
    expected = small_nets.own_statistics(gan.sampler, preset, 5, labels)
    for value, wanted in zip((shown.moving_mean, shown.moving_variance), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)
    others = small_nets.own_statistics(gan.sampler, preset, 5, np.sort(labels))
    assert not all(np.allclose(value, other, rtol=1e-3) for value, other in zip(others, expected))


def test_pictures_are_of_the_class_that_is_asked_for():
    preset, labels = class_preset("projection", 3), np.array([2, 0, 1], np.int32)
    gan = GAN(preset, *class_nets("projection", 3), Recipe(conditional=True))
    latents = np.random.default_rng(0).normal(size=[3, 6]).astype("float32")
    expected = gan.generator([latents, labels], training=False).numpy() * 127.5 + 127.5
    pictures = Sampler(gan).pictures(latents, 0, labels).numpy()
    np.testing.assert_allclose(pictures, expected, rtol=0, atol=0.51)
    assert not np.array_equal(pictures, Sampler(gan).pictures(latents, 0, labels[::-1].copy()))
