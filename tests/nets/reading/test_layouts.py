"""Nets of channels first give, with the channels last, what they would have given: compared with twins made so at once.

TensorFlow computes no convolution of channels first on a processor, so the nets of channels first are only saved here.
"""

import numpy as np
import pytest
from support.small_nets import keras, layers, outputs, shake

from dcgan_tf.nets.reading.graph import graph_of
from dcgan_tf.nets.reading.layouts import with_channels_last
from dcgan_tf.nets.saved import load_net, settings_of

FIRST, LAST = "channels_first", "channels_last"
IMAGE = [6, 4, 3]  # rows, columns, channels


class Order:
    """The words for one of two orders. last: whether it is channels last."""

    def __init__(self, last: bool):
        self.last, self.format, self.axis = last, LAST if last else FIRST, 3 if last else 1

    def image(self, rows, columns, channels):
        return [rows, columns, channels] if self.last else [channels, rows, columns]

    def as_first(self):
        """Layers before one that reckons with [C, H, W] whatever its settings say."""
        return [layers.Permute([3, 1, 2])] if self.last else []

    def as_last(self):
        """Layers after one that gives [C, H, W] whatever its settings say."""
        return [layers.Permute([2, 3, 1])] if self.last else []


def chain(make):
    return lambda order: keras.Sequential(make(order))


def assert_twins(make, tmp_path):
    """Saves the net that `make(order)` gives of channels first, loads it, and compares it with that of channels last."""
    last, first = shake(make(Order(True))), make(Order(False))
    for old, new in zip(first.weights, last.weights, strict=True):
        is_image = old.name == "alpha" and len(old.shape) == 3
        old.assign(np.transpose(new, [2, 0, 1]) if is_image else new)
    first.save(tmp_path / "first.h5")
    net = load_net(tmp_path / "first.h5")
    assert [tensor.shape for tensor in net.inputs] == [tensor.shape for tensor in last.inputs]
    rng = np.random.default_rng(1)
    x = [rng.uniform(-1, 1, [2, *tensor.shape[1:]]).astype("float32") for tensor in last.inputs]
    x = x if len(x) > 1 else x[0]
    np.testing.assert_allclose(outputs(net, x), outputs(last, x), rtol=0, atol=1e-5)
    return net


def test_a_generator(tmp_path):
    def made(order):
        return [
            keras.Input([5]), layers.Dense(24), layers.Reshape([4, 2, 3]), *order.as_last(),
            layers.BatchNormalization(axis=order.axis), layers.UpSampling2D((1, 2), data_format=order.format),
            layers.Conv2D(5, 3, padding="same", data_format=order.format), layers.ELU(),
            layers.GaussianNoise(0.1), layers.ZeroPadding2D(((1, 0), (0, 2)), data_format=order.format),
            layers.Conv2DTranspose(3, (4, 3), 2, "same", data_format=order.format), layers.Activation("tanh"),
        ]  # fmt: skip

    net = assert_twins(chain(made), tmp_path)
    assert net.output_shape == (None, 6, 16, 3)
    assert isinstance(net, keras.Sequential)


@pytest.mark.parametrize("flat", [FIRST, LAST])
def test_flatten_by_either_of_its_settings(tmp_path, flat):
    """One of channels first flattens [H, W, C]; one that says channels last takes the values as they come."""

    def made(order):
        return [
            keras.Input(order.image(*IMAGE)), layers.Conv2D(5, 3, data_format=order.format), layers.ELU(),
            layers.LeakyReLU(), layers.Dropout(0.1), *(order.as_first() if flat == LAST else []),
            layers.Flatten(data_format=LAST if order.last else flat), layers.Dense(2),
        ]  # fmt: skip

    net = assert_twins(chain(made), tmp_path)
    assert isinstance(net, keras.Sequential)
    assert [type(layer).__name__ for layer in net.layers].count("Permute") == (flat == LAST)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("image", [IMAGE, [6, 6, 4]])
def test_weights_that_are_an_image(tmp_path, shared, image):
    """Those of PReLU; after the convolution, all three sizes of the second image are 4."""

    def made(order):
        axes = ([1, 2] if order.last else [2, 3]) if shared else None
        return [
            keras.Input(order.image(*image)), layers.Conv2D(4, 3, data_format=order.format),
            layers.PReLU(shared_axes=axes), layers.Flatten(data_format=order.format), layers.Dense(2),
        ]  # fmt: skip

    assert_twins(chain(made), tmp_path)


def test_a_layer_within_another(tmp_path):
    def made(order):
        return [
            keras.Input(order.image(*IMAGE)),
            layers.SpectralNormalization(layers.Conv2D(4, 3, data_format=order.format)),
            layers.Flatten(data_format=order.format), layers.Dense(1),
        ]  # fmt: skip

    assert_twins(chain(made), tmp_path)


def test_layers_that_have_to_see_the_old_order(tmp_path):
    def made(order):
        return [
            keras.Input(order.image(*IMAGE)), layers.Conv2D(5, 3, data_format=order.format),
            *order.as_first(), layers.Activation("softmax"), *order.as_last(),
            layers.AveragePooling2D((2, 1), data_format=order.format),
            *order.as_first(), layers.Reshape([5, 4]), layers.Dense(2),
        ]  # fmt: skip

    assert_twins(chain(made), tmp_path)


def test_axes(tmp_path):
    def made(order):
        return [
            keras.Input(order.image(*IMAGE)), layers.Conv2D(4, 3, data_format=order.format),
            layers.LayerNormalization(axis=order.axis), layers.GroupNormalization(2, axis=order.axis),
            layers.BatchNormalization(axis=[2, 1][order.last]),  # of the rows
            layers.Softmax(axis=3 if order.last else -3), layers.BatchNormalization(axis=[-1, -2][order.last]),
            layers.GlobalAveragePooling2D(data_format=order.format), layers.Dense(1),
        ]  # fmt: skip

    assert_twins(chain(made), tmp_path)


def test_branches_and_a_layer_that_is_called_twice(tmp_path):
    def made(order):
        image, label = keras.Input(order.image(*IMAGE)), keras.Input([2])
        shared = layers.Conv2D(3, 3, padding="same", data_format=order.format)
        norm = layers.BatchNormalization(axis=order.axis)
        x = layers.Add()([norm(shared(image)), norm(shared(shared(image)))])
        channel = layers.Reshape([1, 6, 4])(layers.Dense(24)(label))
        for layer in order.as_last():
            channel = layer(channel)
        x = layers.Concatenate(axis=order.axis)([channel, x])
        return keras.Model([label, image], layers.MaxPooling2D(2, data_format=order.format)(x))

    net = assert_twins(made, tmp_path)
    assert net.output_shape == (None, 3, 2, 4)
    kinds = [type(layer).__name__ for layer in net.layers]
    assert kinds.count("Conv2D") == kinds.count("BatchNormalization") == 1


def test_pooling_that_keeps_its_dimensions(tmp_path):
    def made(order):
        image = keras.Input(order.image(*IMAGE))
        x = layers.Conv2D(4, 3, data_format=order.format)(image)
        scale = layers.GlobalAveragePooling2D(data_format=order.format, keepdims=True)(x)
        scale = layers.Conv2D(4, 1, data_format=order.format)(scale)
        return keras.Model(image, layers.Multiply()([x, scale]))

    assert_twins(made, tmp_path)


@pytest.mark.parametrize("activations", [0, 2])
def test_an_image_that_a_reshape_makes_at_the_end(tmp_path, activations):
    def made(order):
        return [
            keras.Input(order.image(*IMAGE)), layers.Conv2D(2, 3, data_format=order.format),
            layers.GlobalMaxPooling2D(data_format=order.format), layers.Dense(24), layers.Reshape([3, 4, 2]),
            *order.as_last(), *[layers.Activation("tanh") for _ in range(activations)],
        ]  # fmt: skip

    assert assert_twins(chain(made), tmp_path).output_shape == (None, 4, 2, 3)


def test_an_output_that_is_no_image_is_left(tmp_path):
    def made(order):
        return [
            keras.Input(order.image(*IMAGE)), layers.Conv2D(2, 3, data_format=order.format),
            layers.GlobalMaxPooling2D(data_format=order.format), layers.Dense(24), layers.Reshape([3, 8]),
        ]  # fmt: skip

    assert assert_twins(chain(made), tmp_path).output_shape == (None, 3, 8)


def test_a_net_without_channels_first_is_itself():
    made = keras.Sequential([keras.Input([3, 4, 2]), layers.Conv2D(2, 1), layers.Flatten(), layers.Dense(1)])
    graph = graph_of(settings_of(made.to_json()))
    assert with_channels_last(graph) is graph
