"""What lies between classes: weights of classes in place of a label, against plain Keras with the mean of the embeddings."""

import numpy as np
import pytest
from support.small_nets import shake

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.nets.build import build_generator
from dcgan_tf.nets.conditional import inputs_of
from dcgan_tf.nets.mixing import mixing
from dcgan_tf.nets.surgery import copy_of

layers = keras.layers
LABELS = np.array([2, 0, 1, 2], np.int32)


def latents(net):
    return np.random.default_rng(0).normal(size=[4, inputs_of(net).latent_dim]).astype(np.float32)


def given(net, labels):
    """What plain Keras draws of classes, by their numbers."""
    takes = inputs_of(net)
    return np.asarray(net(takes.arguments(net, latents(net), labels), training=False))


def mixed(net, weights):
    return np.asarray(mixing(net)(tf.constant(latents(net)), tf.constant(weights, tf.float32)))


def built():
    """Of this program: the label goes into an embedding beside the latents, and into two for each batch normalization."""
    preset = applied(preset_for((8, 8, 3), "faces64"), Recipe(conditional=True, class_norm=True), 3)
    return shake(build_generator(preset))


def made(labels, of_labels, order=("latents", "labels")):
    inputs = {"latents": keras.Input([6], name="latents"), "labels": labels}
    joined = layers.Concatenate()([inputs["latents"], of_labels(labels)])
    return shake(
        keras.Model(
            [inputs[name] for name in order], layers.Reshape([2, 2, 1])(layers.Dense(4, activation="tanh")(joined))
        )
    )


def embedded(tensor):
    return layers.Flatten()(layers.Embedding(3, 5)(tensor))


def shared_embedding(labels):
    """One embedding that the label goes into by two ways."""
    embedding = layers.Embedding(3, 5)
    plain, flat = embedding(layers.Reshape([])(labels)), layers.Flatten()(embedding(layers.Flatten()(labels)))
    return layers.Concatenate()([layers.Dense(2)(plain), layers.LeakyReLU()(flat)])


NETS = {
    "built": built,
    "a number": lambda: made(keras.Input([]), layers.Embedding(3, 5)),
    "a row of one": lambda: made(keras.Input([1]), embedded, ("labels", "latents")),
    "reshaped first": lambda: made(keras.Input([1]), lambda labels: embedded(layers.Reshape([1, 1])(labels))),
    "passed on": lambda: made(
        keras.Input([1]), lambda labels: embedded(layers.Activation("linear")(layers.Identity()(labels)))
    ),
    "by two ways": lambda: made(keras.Input([1], dtype="int32"), shared_embedding),
}


@pytest.fixture(scope="module")
def nets():
    return {name: make() for name, make in NETS.items()}


@pytest.mark.parametrize("name", NETS)
def test_weights_of_one_class_alone_are_exactly_that_class(nets, name):
    net = nets[name]
    np.testing.assert_array_equal(mixed(net, np.eye(3)[LABELS]), given(net, LABELS))
    assert np.ptp(given(net, LABELS), axis=0).max() > 0.01


@pytest.mark.parametrize("name", NETS)
def test_weights_between_classes_are_the_mean_of_their_embeddings(nets, name):
    net = nets[name]
    by_hand = copy_of(net)
    embeddings = [layer for layer in by_hand.layers if isinstance(layer, layers.Embedding)]
    for layer in embeddings:
        first, second, third = layer.get_weights()[0]
        layer.set_weights([np.stack([(first + third) / 2, 0.2 * first + 0.3 * second + 0.5 * third, third])])
    assert len(embeddings) == (5 if name == "built" else 1)  # Two batch normalizations have two each.
    weights = np.array([[0, 0, 1], [0.5, 0, 0.5], [0.2, 0.3, 0.5], [0, 0, 1]])
    expected = given(by_hand, LABELS)
    np.testing.assert_allclose(mixed(net, weights), expected, rtol=0, atol=2e-6)
    assert np.abs(expected - given(net, LABELS)).max() > 0.01


def test_one_hot_vectors_are_the_weights(nets):
    net = made(keras.Input([3], name="label"), lambda labels: labels)
    np.testing.assert_array_equal(mixed(net, np.eye(3)[LABELS]), given(net, LABELS))
    weights = np.array([[0.5, 0.5, 0]] * 4, np.float32)
    np.testing.assert_array_equal(mixed(net, weights), net([latents(net), weights], training=False))


@pytest.mark.parametrize("shape", [[1], []])
def test_a_layer_that_makes_one_hot_vectors_gives_the_weights(shape):
    net = made(
        keras.Input(shape, dtype="int32"), lambda labels: layers.CategoryEncoding(3, output_mode="one_hot")(labels)
    )
    np.testing.assert_array_equal(mixed(net, np.eye(3)[LABELS]), given(net, LABELS))
    kernel, bias = net.get_weights()
    weights = np.array([[0.5, 0.5, 0], [0.25, 0, 0.75], [0, 1, 0], [0.1, 0.2, 0.7]])
    by_hand = np.tanh(np.concatenate([latents(net), weights], axis=1) @ kernel + bias).reshape(4, 2, 2, 1)
    np.testing.assert_allclose(mixed(net, weights), by_hand, rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*does not support masking")
@pytest.mark.parametrize(
    "of_labels",
    [
        lambda labels: layers.Concatenate()([embedded(labels), labels]),  # The number itself counts, too.
        lambda labels: layers.Dense(2)(labels),
        lambda labels: layers.Concatenate()([embedded(labels), embedded(layers.Activation("relu")(labels))]),
        lambda labels: layers.Flatten()(layers.Embedding(3, 5, mask_zero=True)(labels)),
    ],
    ids=["number", "changed", "activation", "mask"],
)
def test_a_net_that_does_more_with_the_number_takes_whole_classes_alone(of_labels):
    net = made(keras.Input([1]), lambda labels: layers.Concatenate()([embedded(labels), of_labels(labels)]))
    assert inputs_of(net).classes == 3
    assert mixing(net) is None


def test_a_net_without_classes_mixes_none():
    assert mixing(keras.Sequential([keras.Input([6]), layers.Dense(4), layers.Reshape([2, 2, 1])])) is None
