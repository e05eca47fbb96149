"""Small nets for the tests, and how to compare them."""

from dataclasses import replace

import numpy as np

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.gan.randomness import STATISTICS, draw_latents, key
from dcgan_tf.generators.sampler import STATISTICS_BATCH_SIZE, STATISTICS_BATCHES
from dcgan_tf.nets.surgery import copy_of

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


def narrow(preset):
    """The same layers with an eighth of the units: that is quicker."""

    def rows(given):
        last = max(place for place, row in enumerate(given) if row.units)
        for place, row in enumerate(given):
            if row.kind == "reshape" and row.shape[0] > 1 and row.shape != preset.image_shape:
                yield replace(row, shape=(*row.shape[:2], row.shape[2] // 8))
            elif row.units and place != last:
                yield replace(row, units=row.units // 8)
            else:
                yield row

    return replace(preset, generator=tuple(rows(preset.generator)), discriminator=tuple(rows(preset.discriminator)))


def norms(net):
    return [layer for layer in net.layers if isinstance(layer, layers.BatchNormalization)]


def own_statistics(net, preset, seed, labels=None):
    """Mean and variance at each batch normalization, by Keras in training, which forgets at a momentum of 0.

    labels: of all the images that are drawn, where the net draws classes.
    """
    net, found = copy_of(net), []
    for layer in norms(net):
        layer.momentum = 0.0
    for number in range(STATISTICS_BATCHES):
        latents = draw_latents(preset, STATISTICS_BATCH_SIZE, key(seed, STATISTICS), number)
        of_classes = [] if labels is None else [tf.constant(np.split(labels, STATISTICS_BATCHES)[number])]
        net([latents, *of_classes] if of_classes else latents, training=True)
        found.append([value.numpy() for layer in norms(net) for value in (layer.moving_mean, layer.moving_variance)])
    return [np.mean(values, axis=0) for values in zip(*found)]


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
