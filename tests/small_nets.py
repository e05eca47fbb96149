"""Small nets for the tests, and how to compare them."""

import numpy as np

from dcgan_tf.backend import keras

layers = keras.layers
RNG_SEED = 3


def outputs(model, x):
    return np.asarray(model(x, training=False))


def assert_same_net(a, b):
    """Equal outputs for the same inputs, in float32 rounding."""
    x = np.random.default_rng(RNG_SEED).uniform(-1, 1, [3, *a.input_shape[1:]]).astype("float32")
    np.testing.assert_allclose(outputs(a, x), outputs(b, x), rtol=0, atol=1e-5)


def shake(model):
    """Gives every weight a value of its own, so that a weight in the wrong place shows."""
    rng = np.random.default_rng(RNG_SEED)
    model.set_weights(
        [rng.normal(0, 0.2, w.shape) if w.ndim > 1 else rng.uniform(0.2, 0.8, w.shape) for w in model.get_weights()]
    )
    return model


def generator():
    return shake(keras.Sequential([
        keras.Input([6]),
        layers.Dense(2 * 2 * 8, use_bias=False), layers.BatchNormalization(), layers.LeakyReLU(0.3),
        layers.Reshape([2, 2, 8]),
        layers.Conv2DTranspose(4, 5, 2, "same", use_bias=False), layers.BatchNormalization(), layers.ReLU(),
        layers.Conv2DTranspose(3, 5, 2, "same", use_bias=False, activation="tanh"),
    ]))  # fmt: skip


def discriminator():
    return shake(keras.Sequential([
        keras.Input([8, 8, 3]),
        layers.Conv2D(4, 5, 2, "same"), layers.LeakyReLU(0.3), layers.Dropout(0.3, seed=5),
        layers.Conv2D(4, 3, 2, "same"), layers.LeakyReLU(0.3), layers.Dropout(0.3),
        layers.Flatten(), layers.Dense(1),
    ]))  # fmt: skip
