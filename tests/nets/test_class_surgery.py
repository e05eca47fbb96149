"""Nets of classes are made to end in logits, to compute as the run does, and to fit its images, or are refused in one line."""

import functools

import numpy as np
import pytest
from support.class_nets import IMAGE_SHAPE, class_nets
from support.helpers import error_of
from support.small_nets import discriminator, generator, shake

from dcgan_tf.common.backend import keras
from dcgan_tf.nets.calls import calls_of
from dcgan_tf.nets.ranges import BYTES, SIGNED, for_signed_images, input_range, with_input_in
from dcgan_tf.nets.surgery import (
    as_logits,
    check_discriminator,
    check_generator,
    copy_of,
    in_dtype,
    known_classes,
    with_dtype,
    with_gain,
    without_gain,
)

layers = keras.layers
CLASSES = 3
LABELS = np.array([2, 0, 1, 2], np.int32)


def images(shape=IMAGE_SHAPE):
    return np.random.default_rng(0).uniform(-1, 1, [len(LABELS), *shape]).astype("float32")


def latents():
    return np.random.default_rng(0).normal(size=[len(LABELS), 6]).astype("float32")


def given(net):
    first = latents() if len(net.inputs[0].shape) == 2 else images()
    return [first, LABELS] if len(net.inputs) == 2 else first


def outputs(net):
    return [np.asarray(value) for value in keras.tree.flatten(net(given(net), training=False))]


@functools.cache
def nets():
    """By what they are; no test changes them."""
    made, projection = class_nets("projection", CLASSES)
    return {"generator": made, "projection": projection, "auxiliary": class_nets("auxiliary", CLASSES)[1]}


# Logits


def acgan(*, verdict, told):
    """A discriminator that tells the class, too, as people build them. verdict, told: what makes the two of the features."""
    taken = keras.Input(IMAGE_SHAPE)
    features = layers.LeakyReLU(0.2)(layers.Conv2D(4, 4, 2, "same")(taken))
    return shake(keras.Model(taken, [verdict(features), told(layers.Flatten()(features))]))


def dense_verdict(features):
    return layers.Dense(1, activation="sigmoid")(layers.Flatten()(features))


def convolved_verdict(features):
    return layers.Activation("sigmoid")(layers.Conv2D(1, 4)(features))


TOLD = {
    "softmax": lambda features: layers.Dense(CLASSES, activation="softmax")(features),
    "an activation": lambda features: layers.Activation("softmax")(layers.Dense(CLASSES)(features)),
    "a layer of softmax": lambda features: layers.Softmax()(layers.Dense(CLASSES)(features)),
}


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("verdict", [dense_verdict, convolved_verdict])
def test_an_acgan_gives_logits_of_both(verdict, told):
    net = acgan(verdict=verdict, told=TOLD[told])
    probabilities, of_classes = outputs(net)
    made, changed = as_logits(net, "d.h5")
    assert changed and made.output_shape == [(None, 1), (None, CLASSES)]
    logits, class_logits = outputs(made)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), probabilities.reshape([-1, 1]), rtol=0, atol=1e-6)
    powers = np.exp(class_logits)
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), of_classes, rtol=0, atol=1e-6)
    assert not np.allclose(class_logits, of_classes, atol=0.1)
    np.testing.assert_array_equal(outputs(net)[0], probabilities)  # The given net stays as it was.
    assert as_logits(made, "d.h5") == (made, False)


def test_logits_of_one_output_stay_where_the_other_is_no_logit():
    net = acgan(verdict=lambda features: layers.Dense(1)(layers.Flatten()(features)), told=TOLD["softmax"])
    made, changed = as_logits(net, "d.h5")
    assert changed
    np.testing.assert_array_equal(outputs(made)[0], outputs(net)[0])


@pytest.mark.parametrize("judge", ["projection", "auxiliary"])
def test_our_own_nets_give_logits_already(judge):
    _, net = class_nets(judge, CLASSES)
    assert as_logits(net, "d.h5") == (net, False)


def test_a_projection_of_a_sigmoid():
    """The verdict of a net with two inputs, as a person may have made it."""
    taken, labels = keras.Input(IMAGE_SHAPE), keras.Input([1])
    of_class = layers.Dense(64)(layers.Flatten()(layers.Embedding(CLASSES, 8)(labels)))
    both = layers.Concatenate()([taken, layers.Reshape(IMAGE_SHAPE)(of_class)])
    net = shake(keras.Model([taken, labels], dense_verdict(layers.Conv2D(4, 4, 2)(both))))
    made, changed = as_logits(net, "d.h5")
    assert changed
    np.testing.assert_allclose(1 / (1 + np.exp(-outputs(made)[0])), outputs(net)[0], rtol=0, atol=1e-6)


def test_other_outputs_are_refused():
    first = acgan(verdict=lambda features: TOLD["softmax"](layers.Flatten()(features)), told=dense_verdict)
    assert (
        error_of(as_logits, first, "d.h5")
        == "d.h5: gives 3 numbers per image, not one; give --discriminator another net"
    )
    maps = acgan(verdict=dense_verdict, told=layers.Reshape([4, 4, 4]))
    taken = keras.Input(IMAGE_SHAPE)
    three = keras.Model(taken, [layers.Dense(units)(layers.Flatten()(taken)) for units in (1, 3, 2)])
    for net, count in ((maps, 2), (three, 3)):
        assert error_of(as_logits, net, "d.h5") == (
            f"d.h5: gives {count} outputs, of which only one number and the class are of use; give --discriminator another "
            "net"
        )


# The gain, there and back


def test_a_gain_is_put_on_and_taken_off():
    net = nets()["generator"]
    [plain] = outputs(net)
    amplified = with_gain(net, 1.5)
    np.testing.assert_allclose(outputs(amplified)[0], np.clip(1.5 * plain, -1, 1), rtol=0, atol=1e-6)
    assert np.abs(1.5 * plain).max() > 1
    back = without_gain(amplified)
    np.testing.assert_array_equal(outputs(back)[0], plain)
    assert [layer.name for layer in back.layers] == [layer.name for layer in net.layers]
    assert without_gain(net) is net


# Images of other ranges


@pytest.mark.parametrize("which", ["projection", "auxiliary"])
def test_images_of_another_range_are_turned_into_those_that_a_discriminator_takes(which):
    net = nets()[which]
    assert input_range(net) is None  # Nothing says which it takes.
    of_bytes = with_input_in(net, BYTES, SIGNED)
    assert input_range(of_bytes) == BYTES and [tensor.name for tensor in of_bytes.inputs] == [
        tensor.name for tensor in net.inputs
    ]
    bytes_of_images, *labels = keras.tree.flatten(given(net))
    got = of_bytes([bytes_of_images * 127.5 + 127.5, *labels] if labels else bytes_of_images * 127.5 + 127.5)
    for a, b in zip(keras.tree.flatten(got), outputs(net), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    assert for_signed_images(net, SIGNED) is net


# Precision


def names_of(net, dtype):
    return {type(layer).__name__ for layer in net.layers if layer.compute_dtype == dtype}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("which, stay", [
    ("generator", {"Activation"}), ("projection", {"Add", "Dense", "Dot"}), ("auxiliary", {"Dense"}),
])  # fmt: skip
def test_what_gives_the_outputs_stays_in_float32(which, stay, policy):
    net, narrow = nets()[which], policy.removeprefix("mixed_")
    mixed = with_dtype(net, policy)
    wide = [
        layer for layer in mixed.layers if layer.compute_dtype == "float32" and layer.name not in names_of_inputs(mixed)
    ]
    assert {type(layer).__name__ for layer in wide} == stay
    last = {calls.layer.name for calls in calls_of(mixed).calls if calls.gives in calls_of(mixed).outputs}
    assert last <= {layer.name for layer in wide}
    if which == "generator":
        assert len(wide) == 1 and {"Embedding", "BatchNormalization", "Multiply"} <= names_of(mixed, narrow)
    elif which == "projection":
        assert {"Embedding", "Conv2D"} <= names_of(mixed, narrow)
    assert {weight.dtype for weight in mixed.weights} == {"float32"}
    assert {value.dtype.name for value in outputs(mixed)} == {"float32"}
    for a, b in zip(outputs(mixed), outputs(net), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=0.05)
    back = with_dtype(mixed, "float32")
    assert back.get_config() == net.get_config()
    for a, b in zip(outputs(back), outputs(net), strict=True):
        np.testing.assert_array_equal(a, b)
    assert in_dtype(mixed, policy) is mixed and in_dtype(net, "float32") is net
    assert in_dtype(net, policy).get_config() == mixed.get_config()


def names_of_inputs(net):
    return {layer.name for layer in net.layers if isinstance(layer, layers.InputLayer)}


@pytest.mark.parametrize("which", ["generator", "projection", "auxiliary"])
def test_a_copy_is_the_same_net_with_weights_of_its_own(which):
    net = nets()[which]
    clone, expected = copy_of(net), outputs(net)
    for a, b in zip(outputs(clone), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    for weight in clone.weights:
        weight.assign(weight * 0)
    for a, b in zip(outputs(net), expected, strict=True):
        np.testing.assert_array_equal(a, b)


# What is refused


def test_nets_that_fit_pass():
    made = nets()
    check_generator(made["generator"], "g.h5", IMAGE_SHAPE, classes=CLASSES)
    for which in ("projection", "auxiliary"):
        check_discriminator(made[which], "d.h5", IMAGE_SHAPE, classes=CLASSES)
        check_discriminator(made[which], "d.h5", IMAGE_SHAPE)  # Any number will do.
        assert known_classes(made[which]) == CLASSES
    assert known_classes(discriminator()) == 0
    check_generator(generator(), "g.h5", (8, 8, 3), classes=0)
    check_discriminator(discriminator(), "d.h5", (8, 8, 3), classes=0)


def test_other_classes_are_refused():
    made = nets()
    assert error_of(check_generator, made["generator"], "g.h5", classes=4) == (
        "g.h5: draws 3 classes, but the images here are of 4"
    )
    assert error_of(check_generator, made["generator"], "g.h5", classes=0) == (
        "g.h5: draws 3 classes: give --conditional on, too, and images with classes"
    )
    assert error_of(check_generator, generator(), "g.h5", classes=4) == (
        "g.h5: draws no classes, but the images here are of 4"
    )
    for which in ("projection", "auxiliary"):
        assert error_of(check_discriminator, made[which], "d.h5", IMAGE_SHAPE, classes=2) == (
            "d.h5: knows 3 classes, but the images here are of 2"
        )
        assert error_of(check_discriminator, made[which], "d.h5", IMAGE_SHAPE, classes=0) == (
            "d.h5: knows 3 classes: give --conditional on, too, and images with classes"
        )
    assert error_of(check_discriminator, discriminator(), "d.h5", (8, 8, 3), classes=2) == (
        "d.h5: knows no classes, but the images here are of 2"
    )


def test_other_shapes_are_refused():
    made = nets()
    assert error_of(check_generator, made["generator"], "g.h5", (8, 8, 3), classes=CLASSES) == (
        "g.h5: makes images of 8x8x1, but the images here are 8x8x3; give --generator a net for these images, or change "
        "--image-size"
    )
    assert error_of(check_discriminator, made["projection"], "d.h5", (16, 8, 1), classes=CLASSES) == (
        "d.h5: takes images of 8x8x1, but the images here are 16x8x1; give --discriminator a net for these images, or change "
        "--image-size"
    )
    assert error_of(check_generator, made["auxiliary"], "d.h5") == (
        "d.h5: takes 8x8x1, not a row of latents; give the file of a generator"
    )
    assert error_of(check_discriminator, made["generator"], "g.h5", IMAGE_SHAPE) == (
        "g.h5: takes 6 and a number, not an image, or an image and a label: give the file of a discriminator"
    )


def test_a_generator_that_gives_more_than_images_is_refused():
    taken = keras.Input([6])
    image = layers.Reshape([8, 8, 1])(layers.Dense(64)(taken))
    net = keras.Model(taken, [image, layers.Flatten()(image)])
    assert error_of(check_generator, net, "g.h5") == (
        "g.h5: gives 2 things, not images alone; give the file of a generator"
    )
