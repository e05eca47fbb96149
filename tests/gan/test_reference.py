"""The fast arithmetic of a step beside the plain one, for every preset and every switch."""

import dataclasses
import functools

import numpy as np
import pytest

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.recipes import TUTORIAL, Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.gan import plain, replicas
from dcgan_tf.gan.arithmetic import FAST, PLAIN
from dcgan_tf.gan.batch import Batch
from dcgan_tf.gan.fast.forward import TrainingForward
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator

SHAPE = (8, 8, 3)
SWITCHES = {
    "least-squares": Recipe(loss="least-squares"),
    "hinge": Recipe(loss="hinge"),
    "relativistic": Recipe(loss="relativistic"),
    "wasserstein": Recipe(loss="wasserstein", gradient_penalty=10.0),
    "ema": Recipe(ema=0.9),
    "augment": Recipe(augment=("colour", "translation", "cutout")),
    "flips": Recipe(flips=True),
    "r1": Recipe(r1=1.0),
    "r2": Recipe(r2=1.0),
    "gradient-penalty": Recipe(gradient_penalty=5.0),
    "penalty-every": Recipe(r1=1.0, penalty_every=3),
    "minibatch-std": Recipe(minibatch_std=True),
    "packing": Recipe(packing=2),
    "d-bias": Recipe(d_bias=True),
    "spectral-norm": Recipe(spectral_norm=True),
    "d-learning-rate": Recipe(d_learning_rate=1e-3),
    "instance-noise": Recipe(instance_noise=0.1),
    "even": Recipe(upsampling="even"),
    "resize": Recipe(upsampling="resize"),
    "tanh-gain": Recipe(tanh_gain=1.1),
    "all": Recipe(
        loss="hinge", ema=0.9, augment=("colour", "translation", "cutout"), flips=True, r1=0.5, r2=0.5,
        gradient_penalty=1.0, penalty_every=2, minibatch_std=True, packing=2, d_bias=True, spectral_norm=True,
        d_learning_rate=1e-3, instance_noise=0.1, upsampling="even", tanh_gain=1.1,
    ),
}  # fmt: skip


@functools.lru_cache(8)
def built(preset):
    """(nets, all their values): making nets takes half of the time of a step, and most switches have the same."""
    nets = build_generator(preset), build_discriminator(preset)
    return nets, [[variable.numpy() for variable in net.variables] for net in nets]


def nets_of(preset):
    """The generator and the discriminator, as they are when new."""
    nets, values = built(preset)
    for net, value in zip(nets, values):
        for variable, new in zip(net.variables, value, strict=True):
            variable.assign(new)
    return nets


def taken(preset, recipe, arithmetic):
    """(scalars, gradients by net, all state) after a step that finds gradients and then applies others, the same for
    both arithmetics: Adam's first steps are signs, which rounding may turn where a gradient is 0."""
    found = {}

    def keep(adam, gradients, net):
        found[net.name] = [gradient.numpy() for gradient in gradients]
        arithmetic.apply(adam, gradients_far_from_zero(net), net)

    preset = applied(preset, recipe)
    kept = dataclasses.replace(arithmetic, apply=keep)
    gan = GAN(preset, *nets_of(preset), recipe, arithmetic=kept)
    last = [variable for variable in gan.discriminator.trainable_variables if "kernel" in variable.path][-1]
    last.assign(last * 5)  # The discriminator is surer of itself than at the beginning.
    images = tf.constant(np.random.default_rng(1).uniform(-1, 1, [4, *preset.image_shape]), tf.float32)
    scalars = gan.update(Batch(images, None, tf.constant(0, tf.int64), replicas.whole(images)))
    state = {owner: [variable.numpy() for variable in values] for owner, values in gan.variables().items()}
    return {name: float(value) for name, value in scalars.items()}, found, state


def gradients_far_from_zero(net):
    return [tf.fill(weight.shape, 0.1 + 0.01 * place) for place, weight in enumerate(net.trainable_variables)]


def assert_same(preset, recipe=TUTORIAL):
    (scalars, gradients, state), (plain_scalars, plain_gradients, plain_state) = (
        taken(preset, recipe, arithmetic) for arithmetic in (FAST, PLAIN)
    )
    assert scalars == pytest.approx(plain_scalars, rel=1e-4, abs=1e-5)
    assert gradients.keys() == plain_gradients.keys() == {"generator", "discriminator"}
    for net, values in plain_gradients.items():
        for gradient, value in zip(gradients[net], values, strict=True):
            np.testing.assert_allclose(gradient, value, rtol=0, atol=5e-5 * max(np.abs(value).max(), 1e-2))
    assert state.keys() == plain_state.keys()
    for (
        owner,
        values,
    ) in plain_state.items():  # weights, averages of batch normalization, Adam, moving average, spectral
        for own, value in zip(state[owner], values, strict=True):
            np.testing.assert_allclose(own, value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("update", ["joint", "alternating"])
def test_every_preset(name, update):
    assert_same(dataclasses.replace(preset_for(SHAPE, name), update=update))


@pytest.mark.parametrize("generator_step", ["fakes", "latents", "fresh"])
def test_every_generator_step(generator_step):
    assert_same(dataclasses.replace(preset_for(SHAPE, "faces64"), generator_step=generator_step))


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("name", ["paints200", "faces64"])  # joint, dropout; alternating, batch normalization
def test_every_switch(name, switch):
    assert_same(preset_for(SHAPE, name), SWITCHES[switch])


def test_every_switch_is_in_the_table():
    plain_recipe = Recipe()
    fields = {field.name for field in dataclasses.fields(Recipe)} - {"batch_size", "learning_rate"}  # not of the step
    turned = {
        field
        for recipe in SWITCHES.values()
        for field in fields
        if getattr(recipe, field) != getattr(plain_recipe, field)
    }
    assert turned == fields


def test_large_images_take_two_passes_in_both():
    preset = preset_for(SHAPE, "paints200")
    two = [dataclasses.replace(arithmetic, max_one_pass_values=0) for arithmetic in (FAST, PLAIN)]
    (_, gradients, _), (_, expected, _) = (taken(preset, Recipe(), arithmetic) for arithmetic in two)
    for net, values in expected.items():
        for gradient, value in zip(gradients[net], values, strict=True):
            np.testing.assert_allclose(gradient, value, rtol=0, atol=5e-5 * max(np.abs(value).max(), 1e-2))


def test_noise_of_other_layers_is_that_of_the_fast_pass():
    model = keras.Sequential([keras.Input([50]), keras.layers.GaussianNoise(1.0), keras.layers.Dropout(0.3)])
    x, draw = tf.ones([4, 50]), tf.constant(3, tf.int64)
    got = [forward(model, iter((7, 8)))(x, draw).numpy() for forward in (plain.Forward, TrainingForward)]
    np.testing.assert_allclose(*got, rtol=1e-5, atol=1e-6)
    assert len(np.unique(got[0])) > 50
