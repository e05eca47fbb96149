"""The range of a net's images is told by its last layers, guessed by its images, and one layer turns it into another."""

import numpy as np
import pytest
from support.small_nets import discriminator, outputs, shake

from dcgan_tf.common.backend import keras
from dcgan_tf.nets.ranges import (
    BYTES,
    SIGNED,
    UNITS,
    Range,
    for_signed_images,
    guessed_range,
    input_range,
    output_range,
    with_output_in,
)

layers = keras.layers


def ending(*last):
    """A generator of images [4, 4, 1] that ends in some layers."""
    return keras.Sequential([keras.Input([3]), layers.Dense(16), layers.Reshape([4, 4, 1]), *last])


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ([layers.Activation("tanh")], SIGNED),
        ([layers.Activation("sigmoid")], UNITS),
        ([layers.Activation("hard_sigmoid")], UNITS),
        ([layers.Activation("hard_tanh")], SIGNED),
        ([layers.Activation("softsign")], SIGNED),
        ([layers.Conv2D(1, 3, padding="same", activation="sigmoid")], UNITS),
        ([layers.Conv2D(1, 3, padding="same", activation="tanh"), layers.Cropping2D(1)], SIGNED),
        ([layers.Softmax()], UNITS),
        ([layers.ReLU(max_value=1.0)], UNITS),
        ([layers.Rescaling(0.2, 0.5), layers.ReLU(max_value=1.0)], UNITS),  # the hard sigmoid of Keras 2
        ([layers.Activation("sigmoid"), layers.Rescaling(255.0)], BYTES),
        ([layers.Activation("tanh"), layers.Rescaling(0.5, 0.5)], UNITS),
        ([layers.Activation("tanh"), layers.Rescaling(-1.0)], SIGNED),
        ([layers.Activation("tanh"), layers.Rescaling(127.5, 127.5)], BYTES),
        ([layers.Activation("tanh"), layers.UpSampling2D(), layers.Reshape([4, 16, 1]), layers.Dropout(0.1)], SIGNED),
        ([layers.Activation("tanh"), layers.UpSampling2D(interpolation="bicubic")], None),
        ([layers.Activation("sigmoid"), layers.ZeroPadding2D(1)], UNITS),
        ([layers.Activation("tanh"), layers.Rescaling(1.0, 3.0), layers.ZeroPadding2D(1)], Range(0.0, 4.0)),
        ([layers.Activation("tanh"), layers.Conv2D(1, 3)], None),
        ([layers.Activation("relu")], None),
        ([layers.ReLU(max_value=1.0, negative_slope=0.1)], None),
        ([layers.BatchNormalization()], None),
        ([], None),
    ],
)
def test_what_the_last_layers_tell(last, told):
    net = ending(*last)
    assert output_range(net) == told
    if told is not None:
        images = outputs(shake(net), np.random.default_rng(0).normal(0, 9, [64, 3]).astype(np.float32))
        assert told.low - 1e-4 <= images.min() and images.max() <= told.high + 1e-4


def test_branches_have_the_range_of_all():
    latents = keras.Input([3])
    image = layers.Reshape([4, 4, 1])(layers.Dense(16)(latents))
    signed, units = layers.Activation("tanh")(image), layers.Activation("sigmoid")(image)
    assert output_range(keras.Model(latents, layers.Concatenate()([signed, units]))) == SIGNED
    assert output_range(keras.Model(latents, layers.Add()([signed, units]))) is None


@pytest.mark.parametrize(
    ("low", "high", "guess"),
    [
        (-1.02, 1.1, SIGNED),  # a linear end that overshoots
        (-0.3, 0.4, SIGNED),
        (-0.02, 1.05, UNITS),
        (0.0, 0.6, UNITS),
        (0.0, 250.0, BYTES),
        (-3.0, 261.0, BYTES),
        (-2.5, 2.7, Range(-2.5, 2.7)),
        (-120.0, 140.0, Range(-120.0, 140.0)),
    ],
)
def test_a_range_is_guessed_from_images(low, high, guess):
    found = guessed_range(np.linspace(low, high, 100_001).reshape(1, -1))
    assert (found.low, found.high) == pytest.approx((guess.low, guess.high), abs=(high - low) * 0.002)


def test_single_outliers_do_not_count():
    values = np.concatenate([np.linspace(0, 1, 100_000), np.full(50, -7.0), np.full(50, 9.0)])
    assert guessed_range(values) == UNITS


def test_images_of_one_tone_have_the_common_range():
    assert guessed_range(np.full([4, 4], -5.0)) == SIGNED


@pytest.mark.parametrize("made", [UNITS, BYTES, Range(-2.0, 6.0)])
def test_a_generator_is_turned_to_another_range(made):
    net = ending(layers.Activation("sigmoid"), layers.Rescaling(made.high - made.low, made.low))
    x = np.random.default_rng(0).normal(0, 1, [5, 3]).astype(np.float32)
    turned = with_output_in(net, SIGNED, made)
    by_hand = (outputs(net, x) - made.low) / (made.high - made.low) * 2 - 1
    np.testing.assert_allclose(outputs(turned, x), by_hand, atol=1e-5)
    assert output_range(turned) == SIGNED and isinstance(turned, keras.Sequential)


def test_a_generator_of_the_range_is_left_as_it_is():
    net = ending(layers.Activation("tanh"))
    assert with_output_in(net, SIGNED, SIGNED) is net


@pytest.mark.parametrize(
    ("front", "takes"),
    [
        ([layers.Rescaling(1 / 255)], BYTES),
        ([layers.Rescaling(1 / 127.5, -1.0)], BYTES),
        ([layers.Rescaling(2.0, -1.0)], UNITS),
        ([layers.Rescaling(0.5, 0.5)], SIGNED),
        ([layers.Rescaling(3.0)], None),
        ([], None),
    ],
)
def test_what_a_discriminator_takes_is_told_by_a_rescaling_in_front(front, takes):
    net = keras.Sequential([keras.Input([8, 8, 3]), *front, *discriminator().layers])
    assert input_range(net) == takes


@pytest.mark.parametrize("front", [[], [layers.Rescaling(1 / 255)]])
def test_a_discriminator_judges_images_of_the_common_range_as_its_own(front):
    net = keras.Sequential([keras.Input([8, 8, 3]), *front, *discriminator().layers])
    units = np.random.default_rng(0).uniform(0, 1, [5, 8, 8, 3]).astype(np.float32)
    turned = for_signed_images(net, UNITS)
    own = units * 255 if front else units
    np.testing.assert_allclose(outputs(turned, 2 * units - 1), outputs(net, own), rtol=1e-4, atol=1e-4)


def test_a_discriminator_of_the_common_range_is_left_as_it_is():
    net = discriminator()
    assert for_signed_images(net, SIGNED) is net
