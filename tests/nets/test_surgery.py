"""Loaded nets end in logits, compute as the run does, and fit its images, or are refused in one line."""

import numpy as np
import pytest
from support.helpers import H5, error_of
from support.small_nets import RNG_SEED, assert_same_net, discriminator, generator, outputs, shake

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.nets.saved import load_model
from dcgan_tf.nets.surgery import as_logits, check_discriminator, check_generator, with_dtype

layers = keras.layers

# Logits

CONVOLUTION = [keras.Input([8, 8, 3]), layers.Conv2D(4, 4, 2, "same"), layers.LeakyReLU(0.2)]
ENDINGS = {
    "dense": [layers.Flatten(), layers.Dense(1, activation="sigmoid")],
    "activation": [layers.Flatten(), layers.Dense(1), layers.Activation("sigmoid")],
    "convolution": [layers.Conv2D(1, 4, activation="sigmoid")],
    "convolution, flattened": [layers.Conv2D(1, 4, activation="sigmoid"), layers.Flatten()],
    "activation, reshaped": [layers.Conv2D(1, 4), layers.Activation("sigmoid"), layers.Reshape([1])],
    "pooled": [layers.Conv2D(1, 1), layers.GlobalAveragePooling2D(keepdims=True), layers.Activation("sigmoid")],
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_sigmoid_at_the_end_becomes_logits(ending):
    model = shake(keras.Sequential([type(x).from_config(x.get_config()) for x in CONVOLUTION[1:] + ENDINGS[ending]]))
    model.build([None, 8, 8, 3])
    model = shake(model)
    logits, changed = as_logits(model, "d.h5")
    x = np.random.default_rng(RNG_SEED).uniform(-1, 1, [3, 8, 8, 3]).astype("float32")
    assert changed
    assert logits.output_shape == (None, 1)
    np.testing.assert_allclose(
        1 / (1 + np.exp(-outputs(logits, x))), outputs(model, x).reshape([3, 1]), rtol=0, atol=1e-6
    )
    assert model.layers[-1] is not logits.layers[-1]  # The given net stays as it was.
    again, changed = as_logits(logits, "d.h5")
    assert again is logits and not changed


def test_the_sigmoid_of_old_tensorflow():
    expected = np.load(H5 / "tf215_expected.npz")
    logits, changed = as_logits(load_model(H5 / "tf215_faces_discriminator.h5"), "d.h5")
    probabilities = 1 / (1 + np.exp(-outputs(logits, expected["faces_discriminator_x"])))
    assert changed
    np.testing.assert_allclose(probabilities[:, :, None, None], expected["faces_discriminator_y"], rtol=0, atol=1e-6)


def test_logits_of_shape_n111_are_flattened():
    model = keras.Sequential([keras.Input([4, 4, 3]), layers.Conv2D(1, 4, name="logits")])
    logits, changed = as_logits(model, "d.h5")
    assert changed
    assert logits.output_shape == (None, 1)


def test_logits_stay_as_they_are():
    model = discriminator()
    assert as_logits(model, "d.h5") == (model, False)


def test_a_discriminator_of_patches_is_refused():
    model = keras.Sequential([keras.Input([8, 8, 3]), layers.Conv2D(1, 4, activation="sigmoid")])
    assert error_of(as_logits, model, "d.h5") == (
        "d.h5: gives 5x5x1 numbers per image, not one; give --discriminator another net"
    )


# Shapes


def test_nets_that_fit_pass():
    check_generator(generator(), "g.h5", (8, 8, 3))
    check_discriminator(discriminator(), "d.h5", (8, 8, 3))


def test_nets_that_do_not_fit_are_refused():
    assert error_of(check_generator, generator(), "a/g.h5", (64, 48, 1)) == (
        "a/g.h5: makes images of 8x8x3, but the images here are 64x48x1; "
        "give --generator a net for these images, or change --image-size"
    )
    assert error_of(check_generator, discriminator(), "d.h5", (8, 8, 3)) == (
        "d.h5: is a discriminator: takes 8x8x3 and gives one number; give the file of a generator"
    )
    assert error_of(check_discriminator, discriminator(), "d.h5", (64, 48, 1)) == (
        "d.h5: takes images of 8x8x3, but the images here are 64x48x1; "
        "give --discriminator a net for these images, or change --image-size"
    )
    assert error_of(check_generator, keras.Sequential([keras.Input([4]), layers.Dense(3)]), "x.h5") == (
        "x.h5: gives 3, not images; give the file of a generator"
    )


# Precision


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("make", [generator, discriminator])
def test_precision_there_and_back(make, policy):
    model = make()
    mixed = with_dtype(model, policy)
    back = with_dtype(mixed, "float32")

    assert {v.dtype for v in mixed.weights} == {"float32"}
    assert mixed.layers[0].compute_dtype == policy.removeprefix("mixed_")
    x = np.random.default_rng(RNG_SEED).uniform(-1, 1, [3, *model.input_shape[1:]]).astype("float32")
    assert mixed(x, training=True).dtype == tf.float32
    np.testing.assert_allclose(outputs(mixed, x), outputs(model, x), rtol=0, atol=0.02)

    assert back.get_config() == model.get_config()
    for a, b in zip(back.variables, model.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_only_the_end_stays_in_float32():
    dtypes = [layer.compute_dtype for layer in with_dtype(generator(), "mixed_bfloat16").layers]
    assert dtypes == ["bfloat16"] * 7 + ["float32"]


def test_a_clone_drops_the_same_units():
    model = discriminator()
    clone = with_dtype(model, "float32")
    x = np.ones([4, 8, 8, 3], "float32")
    for _ in range(2):  # The second call finds both in the same later random state.
        np.testing.assert_array_equal(model(x, training=True), clone(x, training=True))


def test_a_functional_net_stays_functional():
    inputs = keras.Input([4])
    model = keras.Model(inputs, layers.Dense(1)(layers.Dense(3, activation="relu")(inputs)))
    mixed = with_dtype(model, "mixed_bfloat16")
    assert [layer.compute_dtype for layer in mixed.layers[1:]] == ["bfloat16", "float32"]
    assert_same_net(model, with_dtype(mixed, "float32"))
