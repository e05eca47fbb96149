"""Which input of a generator takes the classes, and how many there are, is read from the net."""

import numpy as np
import pytest
from support.helpers import error_of

from dcgan_tf.common.backend import keras
from dcgan_tf.nets.conditional import Inputs, inputs_of

layers = keras.layers


def image(tensor):
    return layers.Reshape([2, 2, 1])(layers.Dense(4, activation="tanh")(tensor))


def multiplied(order=("latents", "labels"), classes=3, label_shape=(1,)):
    """The classes are embedded and multiplied with the latents."""
    inputs = {"latents": keras.Input([6]), "labels": keras.Input(label_shape)}
    embedded = layers.Flatten()(layers.Embedding(classes, 6)(inputs["labels"]))
    made = image(layers.Multiply()([inputs["latents"], embedded]))
    return keras.Model([inputs[name] for name in order], made)


def concatenated(widths, names=("a", "b")):
    """Both inputs are rows of numbers, one behind the other."""
    inputs = [keras.Input([width], name=name) for width, name in zip(widths, names)]
    return keras.Model(inputs, image(layers.Concatenate()(inputs)))


def test_a_net_of_latents_alone():
    net = keras.Sequential([keras.Input([6]), layers.Dense(4), layers.Reshape([2, 2, 1])])
    assert inputs_of(net) == Inputs(6)


@pytest.mark.parametrize("label_shape", [(1,), ()])
@pytest.mark.parametrize("order", [("latents", "labels"), ("labels", "latents")])
def test_numbers_go_into_an_embedding(order, label_shape):
    takes = inputs_of(multiplied(order, 5, label_shape))
    assert takes == Inputs(6, 5, order.index("latents"), order.index("labels"))


def test_numbers_may_pass_a_layer_before_the_embedding():
    latents, labels = keras.Input([6]), keras.Input([1])
    embedded = layers.Flatten()(layers.Embedding(4, 2)(layers.Reshape([1])(labels)))
    net = keras.Model([latents, labels], image(layers.Concatenate()([latents, embedded])))
    assert inputs_of(net) == Inputs(6, 4, 0, 1)


def test_numbers_may_be_encoded_by_a_layer():
    latents, labels = keras.Input([6]), keras.Input([1], dtype="int32")
    encoded = layers.CategoryEncoding(7, output_mode="one_hot")(labels)
    net = keras.Model([latents, labels], image(layers.Concatenate()([latents, encoded])))
    assert inputs_of(net) == Inputs(6, 7, 0, 1)


@pytest.mark.parametrize(
    ("widths", "names", "labels"),
    [
        ((100, 10), ("a", "b"), 1),
        ((10, 100), ("a", "b"), 0),  # The narrower one has the classes,
        ((4, 10), ("noise", "input_2"), 1),  # unless a name says more,
        ((10, 4), ("input_1", "z"), 0),
        ((4, 10), ("input_1", "label_input"), 1),
        ((10, 10), ("a", "b"), 1),  # and of two alike it is the second.
    ],
)
def test_one_hot_vectors_are_told_by_name_then_by_size(widths, names, labels):
    takes = inputs_of(concatenated(widths, names))
    assert takes == Inputs(widths[1 - labels], widths[labels], 1 - labels, labels, is_one_hot=True)


@pytest.mark.parametrize("net", [multiplied(), multiplied(("labels", "latents")), concatenated((6, 3))])
def test_the_net_is_called_with_both_in_their_order(net):
    takes = inputs_of(net)
    latents, labels = np.random.default_rng(0).normal(size=[4, 6]).astype(np.float32), np.array([0, 2, 1, 2], np.int32)
    given = np.eye(3, dtype=np.float32)[labels] if takes.is_one_hot else labels[:, None].astype(np.float32)
    by_hand = net([given, latents] if takes.labels == 0 else [latents, given], training=False)
    np.testing.assert_array_equal(net(takes.arguments(net, latents, labels), training=False), by_hand)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            [[6], [1], [2]],
            "takes 3 inputs, 6; 1; 2: give the file of a generator, which takes a row of latents, and a label",
        ),
        (
            [[6], [1]],
            "takes two inputs, 6 and 1, and the number of classes is not told by an Embedding or a one-hot input",
        ),
        ([[6], [4, 4, 1]], "takes 4x4x1, not a row of latents; give the file of a generator"),
        ([[8, 8, 3]], "takes 8x8x3, not a row of latents; give the file of a generator"),
    ],
)
def test_other_inputs_are_refused(shapes, message):
    inputs = [keras.Input(shape) for shape in shapes]
    flat = [layers.Flatten()(tensor) for tensor in inputs]
    made = image(layers.Concatenate()(flat) if len(flat) > 1 else flat[0])
    assert error_of(inputs_of, keras.Model(inputs, made)).startswith(message)
