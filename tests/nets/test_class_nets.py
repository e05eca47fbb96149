"""Nets that know classes, as they are built: what they compute, how their weights are drawn, and that plain Keras loads them."""

import functools

import numpy as np
import pytest
from support.small_nets import shake

from dcgan_tf.common.backend import keras
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.nets.build import CLASS_EMBEDDING_DEVIATION, build_discriminator, build_generator
from dcgan_tf.nets.calls import calls_of
from dcgan_tf.nets.saved import save_model

layers = keras.layers
CLASSES = 4
LABELS = np.array([2, 0, 3, 2, 1], np.int32)
BUILDERS = build_generator, build_discriminator


def preset_of(name, judge="projection", shape=(8, 8, 3), **more):
    return applied(preset_for(shape, name), Recipe(conditional=True, class_judge=judge, **more), CLASSES)


@functools.cache
def shaken(build, preset):
    return shake(build(preset))


def images(shape=(8, 8, 3)):
    return np.random.default_rng(0).uniform(-1, 1, [len(LABELS), *shape]).astype("float32")


def latents(preset):
    return np.random.default_rng(1).normal(size=[len(LABELS), preset.latent_dim]).astype("float32")


def of_kind(net, kind):
    """The layers of a class, in the order in which they compute."""
    return [layer for layer, _, _ in calls_of(net).calls if isinstance(layer, kind)]


def relu(x):
    return np.maximum(x, 0)


def dense(x, layer):
    kernel, bias = layer.get_weights()
    return x @ kernel + bias


# What they compute


def test_a_generator_takes_what_it_has_learned_of_the_class_behind_the_latents():
    preset = preset_of("mnist-mlp")
    net = shaken(build_generator, preset)
    [embedding] = of_kind(net, layers.Embedding)
    first, second, third = of_kind(net, layers.Dense)
    x = np.concatenate([latents(preset), embedding.get_weights()[0][LABELS]], axis=1)
    assert x.shape == (5, 150)
    expected = np.tanh(dense(relu(dense(relu(dense(x, first)), second)), third)).reshape([5, 8, 8, 3])
    np.testing.assert_allclose(net([latents(preset), LABELS], training=False), expected, rtol=0, atol=1e-4)


def test_a_projection_adds_the_inner_product_with_what_stands_for_the_class():
    net = shaken(build_discriminator, preset_of("mnist-mlp"))
    [embedding] = of_kind(net, layers.Embedding)
    first, second, last = of_kind(net, layers.Dense)
    features = relu(dense(relu(dense(images().reshape([5, -1]), first)), second))
    expected = dense(features, last) + (embedding.get_weights()[0][LABELS] * features).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net([images(), LABELS], training=False), expected, rtol=1e-4, atol=1e-3)


def test_a_projection_of_convolved_features():
    net = shaken(build_discriminator, preset_of("faces64", shape=(8, 8, 1)))
    [dot], [embedding] = of_kind(net, layers.Dot), of_kind(net, layers.Embedding)
    last = of_kind(net, layers.Conv2D)[-1]
    features = keras.Model(net.inputs, last.input)([images((8, 8, 1)), LABELS], training=False).numpy()
    assert features.shape == (5, 2, 2, 256) and dot.input[0].shape == (None, 1024)
    flat, kernel = features.reshape([5, -1]), last.get_weights()[0].reshape([-1, 1])
    expected = flat @ kernel + (embedding.get_weights()[0][LABELS] * flat).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net([images((8, 8, 1)), LABELS], training=False), expected, rtol=1e-4, atol=1e-3)


def test_an_auxiliary_classifier_tells_the_class_by_the_same_features():
    net = shaken(build_discriminator, preset_of("mnist-mlp", "auxiliary"))
    logits, class_logits = net(images(), training=False)
    first, second, *heads = of_kind(net, layers.Dense)
    features = relu(dense(relu(dense(images().reshape([5, -1]), first)), second))
    by_units = {head.units: head for head in heads}
    np.testing.assert_allclose(logits, dense(features, by_units[1]), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(class_logits, dense(features, by_units[CLASSES]), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", ["mnist", "faces64"])  # after dense layers, too; before activations
def test_class_norms_scale_and_shift_by_the_class(name):
    preset = preset_of(name, class_norm=True)
    net = shaken(build_generator, preset)
    giving = {call.gives: call for call in calls_of(net).calls}
    sums = [call for call in giving.values() if isinstance(call.layer, layers.Add)]
    assert len(sums) == {"mnist": 3, "faces64": 2}[name]
    for of_sum in sums:
        product, shift = (giving[tensor] for tensor in of_sum.takes)
        norm, scale = (giving[tensor] for tensor in product.takes)
        scale, shift = (giving[reshape.takes[0]].layer.get_weights()[0][LABELS] for reshape in (scale, shift))
        given, got = keras.Model(net.inputs, [norm.layer.input, of_sum.layer.output])(
            [latents(preset), LABELS], training=False
        )
        assert not (norm.layer.scale or norm.layer.center) and norm.layer.epsilon == 1e-5 and norm.layer.momentum == 0.9
        mean, variance = norm.layer.get_weights()
        normalized = (given.numpy() - mean) / np.sqrt(variance + 1e-5)
        wide = (len(LABELS),) + (1,) * (len(given.shape) - 2) + (-1,)
        expected = scale.reshape(wide) * normalized + shift.reshape(wide)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-3)


# How weights are drawn


def test_class_norms_begin_as_the_batch_normalizations_of_the_preset():
    dcgan, torch = (build_generator(preset_of(name, class_norm=True)).get_weights() for name in ("faces64", "mnist"))
    tables = [weight for weight in dcgan if weight.shape in ((CLASSES, 256), (CLASSES, 128))]
    scales = [table for table in tables if table.any()]
    assert len(scales) == 2 and len(tables) == 4
    for scale in scales:
        assert scale.mean() == pytest.approx(1, abs=0.005) and scale.std() == pytest.approx(0.02, rel=0.2)
        assert not np.array_equal(scale[0], scale[1])
    tables = [weight for weight in torch if weight.shape == (CLASSES, 1024)]
    assert sorted(np.unique(table).tolist() for table in tables) == [[0.0], [1.0]]


def test_what_stands_for_a_class_is_smaller_than_latents_and_drawn_like_the_last_layer():
    [of_generator] = of_kind(build_generator(preset_of("faces64")), layers.Embedding)
    numbers = of_generator.get_weights()[0] / CLASS_EMBEDDING_DEVIATION
    assert numbers.shape == (CLASSES, 50) and 0 < CLASS_EMBEDDING_DEVIATION <= 0.5
    assert (numbers.mean(), numbers.std()) == (pytest.approx(0, abs=0.15), pytest.approx(1, abs=0.15))
    [of_discriminator] = of_kind(build_discriminator(preset_of("faces64")), layers.Embedding)
    assert of_discriminator.get_weights()[0].std() == pytest.approx(0.02, rel=0.05)
    [of_torch] = of_kind(build_discriminator(preset_of("mnist-mlp")), layers.Embedding)
    assert np.abs(of_torch.get_weights()[0]).max() == pytest.approx(1 / 256**0.5, rel=0.02)


@pytest.mark.parametrize("judge, class_norm", [("projection", False), ("auxiliary", True)])
def test_the_seed_decides_all_weights(judge, class_norm):
    preset = preset_of("faces64", judge, class_norm=class_norm)
    for build in BUILDERS:
        one, same, other = (build(preset, seed).get_weights() for seed in (1, 1, 2))
        assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
        are_drawn = [np.ptp(weight) > 0 for weight in one]  # The others are zeros or ones.
        assert [not np.array_equal(a, b) for a, b in zip(one, other)] == are_drawn and sum(are_drawn) >= 4
        # No two have the same numbers, whatever their spread.
        firsts = {tuple(np.round(weight.ravel()[:50] / weight.ravel()[0], 3)) for weight in one if np.ptp(weight)}
        assert len(firsts) == sum(are_drawn)


# In files


@pytest.mark.parametrize("judge, class_norm", [("projection", True), ("auxiliary", False)])
def test_saved_nets_load_in_plain_keras_and_give_the_same(judge, class_norm, tmp_path):
    preset = preset_of("faces64", judge, class_norm=class_norm)
    for build, given in zip(BUILDERS, ([latents(preset), LABELS], [images(), LABELS])):
        net = shaken(build, preset)
        given = given if len(net.inputs) == 2 else given[0]
        expected = net(given, training=False)
        save_model(net, tmp_path / "net.h5")
        net.save(tmp_path / "net.keras")
        for name in ("net.h5", "net.keras"):
            loaded = keras.models.load_model(tmp_path / name, compile=False)
            assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}
            for a, b in zip(*map(keras.tree.flatten, (loaded(given, training=False), expected)), strict=True):
                np.testing.assert_array_equal(a, b)


def test_only_minibatch_std_needs_this_package(tmp_path):
    net = build_discriminator(preset_of("faces64", minibatch_std=True))
    net.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    own = [type(layer).__name__ for layer in loaded.layers if type(layer).__module__.split(".")[0] != "keras"]
    assert own == ["MinibatchStd"]
    np.testing.assert_array_equal(loaded([images(), LABELS]), net([images(), LABELS]))
