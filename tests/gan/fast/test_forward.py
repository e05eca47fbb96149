"""The fast forward pass against Keras's own."""

import numpy as np
import pytest
from support import small_nets
from support.class_nets import IMAGE_SHAPE, LATENTS, class_nets

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.gan import plain as plain_arithmetic
from dcgan_tf.gan.fast import ops
from dcgan_tf.gan.fast.forward import TrainingForward
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.surgery import with_dtype

layers = keras.layers
KEYS = (7, 8, 9)
DRAW = tf.constant(5, tf.int64)


def plain(model, x):
    """The layers by Keras, but for dropout, which takes the masks that the fast pass draws."""
    keys = iter(KEYS)
    for layer in model.layers:
        if isinstance(layer, layers.Dropout):
            keep = ops.keep_mask(tf.shape(x), layer.rate, tf.stack([tf.constant(next(keys), tf.int64), DRAW]))
            x = x * tf.cast(keep, x.dtype) / (1 - layer.rate)
        else:
            x = layer(x, training=True)
    return x


def differentiated(run, model, x, y_gradient):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = run(x)
    return [y, *tape.gradient(y, [x, *(variable.value for variable in model.trainable_variables)], y_gradient)]


def assert_same_as_keras(model, tolerance=2e-5):
    random = np.random.default_rng(0)
    x = tf.constant(random.uniform(-1, 1, [6, *model.input_shape[1:]]), tf.float32)
    y_gradient = tf.constant(random.normal(size=[6, *model.output_shape[1:]]), tf.float32)
    before = model.get_weights()
    expected = differentiated(lambda x: plain(model, x), model, x, y_gradient)
    averages = [variable.numpy() for variable in model.non_trainable_variables]
    model.set_weights(before)
    fast = TrainingForward(model, iter(KEYS))
    got = differentiated(tf.function(lambda x: fast(x, DRAW)), model, x, y_gradient)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1, float(tf.reduce_max(tf.abs(b)))))
    for variable, value in zip(model.non_trainable_variables, averages, strict=True):
        if "seed" not in variable.path:
            np.testing.assert_allclose(variable, value, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["mnist", "mnist-mlp", "mnist56", "faces64", "mri96", "paints200"])
@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_every_net_gives_what_keras_gives(name, build):
    shape = (28, 28, 1) if name == "mnist" else (25, 18, 3)
    assert_same_as_keras(build(small_nets.narrow(preset_for(shape, name)), seed=1))


def test_dropout_of_whole_channels_runs_as_keras_has_it():
    model = keras.Sequential([
        keras.Input([4, 4, 50]), layers.LeakyReLU(0.3), layers.Dropout(0.5, noise_shape=[None, 1, 1, 50])
    ])  # fmt: skip
    y = TrainingForward(model, iter(KEYS))(tf.ones([3, 4, 4, 50]), DRAW).numpy()
    assert np.array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape)) and set(np.unique(y)) == {0, 2}


@pytest.mark.parametrize("make", [small_nets.generator, small_nets.discriminator])
def test_shaken_weights(make):
    assert_same_as_keras(make())


def test_unusual_layers_run_as_keras_has_them():
    assert_same_as_keras(small_nets.shake(keras.Sequential([
        keras.Input([9, 8, 4]),
        layers.ZeroPadding2D(), layers.Conv2D(6, 3, dilation_rate=2, activation="relu"), layers.Dropout(0.0),
        layers.Conv2D(6, 3, groups=2), layers.BatchNormalization(center=False, scale=False), layers.PReLU(),
        layers.UpSampling2D(), layers.Conv2DTranspose(3, 3, 2, "same", output_padding=1),
        layers.BatchNormalization(axis=1), layers.Dropout(0.5), layers.LayerNormalization(), layers.Dropout(0.2),
        layers.AveragePooling2D(2), layers.Dense(3, activation="tanh"), layers.Flatten(),
        layers.Dense(2, activation="sigmoid"),
    ])))  # fmt: skip


def test_noise_of_other_layers_is_drawn_anew_by_draw():
    model = keras.Sequential([keras.Input([50]), layers.GaussianNoise(1.0, seed=1)])
    fast = TrainingForward(model, iter(KEYS))
    first, again, other = (fast(tf.zeros([4, 50]), tf.constant(draw, tf.int64)).numpy() for draw in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_in_16_bits_it_is_as_near_as_keras_is():
    preset = preset_for((32, 32, 3), "faces64")
    exact = build_discriminator(preset, seed=1)
    model = with_dtype(exact, "mixed_bfloat16")
    x = tf.constant(np.random.default_rng(0).uniform(-1, 1, [16, 32, 32, 3]), tf.float32)
    y_gradient = tf.ones([16, 1]) / 16
    results = [
        differentiated(run, net, x, y_gradient)
        for run, net in (
            (lambda x: exact(x, training=True), exact),
            (lambda x: model(x, training=True), model),
            (lambda x: TrainingForward(model, iter(KEYS))(x, DRAW), model),
        )
    ]
    for exactly, by_keras, fast in zip(*results, strict=True):
        assert fast.dtype == by_keras.dtype
        errors = [float(tf.norm(value - exactly)) for value in (by_keras, fast)]
        assert errors[1] <= 1.5 * errors[0] + 1e-6


@pytest.mark.parametrize("forward", [TrainingForward, plain_arithmetic.Forward])
def test_classes_beyond_256_are_not_rounded_in_16_bits(forward):
    """bfloat16 has no 257: it would be 256."""
    labels = tf.constant([257, 259, 261, 299])
    rounded = tf.cast(tf.cast(labels, tf.bfloat16), tf.int32)
    assert not tf.reduce_any(labels == rounded)
    rounded = tf.minimum(rounded, 298)  # 299 becomes 300, a class that is not there.
    random = np.random.default_rng(0)
    for net, shape in zip(class_nets("projection", 300), ([4, LATENTS], [4, *IMAGE_SHAPE])):
        given = tf.constant(random.normal(size=shape), tf.float32)
        got = forward(with_dtype(net, "mixed_bfloat16"), iter(KEYS))([given, labels], DRAW)
        exact, others = (net([given, of_class], training=True).numpy() for of_class in (labels, rounded))
        error, of_others = (np.abs(values - exact).reshape([4, -1]).max(axis=1) for values in (got, others))
        assert (error < 0.5 * of_others).all() and (error < 0.05).all()
