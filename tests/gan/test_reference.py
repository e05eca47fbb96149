"""The fast arithmetic of a step beside the plain one, for every preset and every switch."""

import dataclasses
import functools

import numpy as np
import pytest
from support.small_nets import narrow

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.recipes import TUTORIAL, Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.gan import plain, replicas, step
from dcgan_tf.gan.arithmetic import FAST, PLAIN
from dcgan_tf.gan.batch import Batch
from dcgan_tf.gan.fast.forward import TrainingForward
from dcgan_tf.gan.optimizer import make_adam
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator

SHAPE, CLASSES = (8, 8, 3), 3
LABELS = tf.constant([2, 0, 2, 1])
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
PROJECTION = dict(conditional=True)
AUXILIARY = dict(conditional=True, class_judge="auxiliary", class_norm=True)
# Every loss and every penalty, in nets of classes.
OF_CLASSES = {
    "least-squares": Recipe(loss="least-squares", r1=1.0, **PROJECTION),
    "hinge": Recipe(loss="hinge", r2=1.0, penalty_every=3, **AUXILIARY),
    "relativistic": Recipe(loss="relativistic", r1=0.5, r2=0.5, **PROJECTION),
    "wasserstein": Recipe(loss="wasserstein", gradient_penalty=10.0, **AUXILIARY),
    "all": dataclasses.replace(SWITCHES["all"], loss="standard", packing=1, **PROJECTION),
}
OTHER_JUDGE = {"projection": "auxiliary", "auxiliary": "projection"}


@functools.lru_cache(16)
def built(preset):
    """(nets, all their values, an optimizer for each): making them takes half of the time of a step, and most switches have
    the same."""
    nets = build_generator(preset), build_discriminator(preset)
    values = [[variable.numpy() for variable in net.variables] for net in nets]
    return nets, values, [make_adam(preset, 1.0, net, loss_scaling=False) for net in nets]


def as_new(preset):
    """The generator and the discriminator, as they are when new."""
    nets, values, optimizers = built(dataclasses.replace(preset, name="", update="joint", generator_step="fakes"))
    for net, value, optimizer in zip(nets, values, optimizers):
        for variable, new in zip(net.variables, value, strict=True):
            variable.assign(new)
        for variable in optimizer.variables:
            variable.assign(variable * 0)
    return nets, optimizers


def taken(preset, recipe, arithmetic):
    """(scalars, gradients by net, all state) after a step that finds gradients and then applies others, the same for
    both arithmetics: Adam's first steps are signs, which rounding may turn where a gradient is 0."""
    found = {}

    def keep(adam, gradients, net):
        found[net.name] = [gradient.numpy() for gradient in gradients]
        arithmetic.apply(adam, gradients_far_from_zero(net), net)

    preset = narrow(applied(preset, recipe, CLASSES))
    kept = dataclasses.replace(arithmetic, apply=keep)
    nets, optimizers = as_new(preset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "make_adam", lambda preset, rate, net, loss_scaling: renewed(optimizers, nets, net, rate))
        gan = GAN(preset, *nets, recipe, arithmetic=kept)
    last = [variable for variable in gan.discriminator.trainable_variables if "kernel" in variable.path][-1]
    last.assign(last * 5)  # The discriminator is surer of itself than at the beginning.
    images = tf.constant(np.random.default_rng(1).uniform(-1, 1, [4, *preset.image_shape]), tf.float32)
    labels = LABELS if preset.classes else None
    scalars = gan.update(Batch(images, labels, tf.constant(0, tf.int64), replicas.whole(images)))
    state = {owner: [variable.numpy() for variable in values] for owner, values in gan.variables().items()}
    return {name: float(value) for name, value in scalars.items()}, found, state


def renewed(optimizers, nets, net, rate):
    optimizer = optimizers[nets.index(net)]
    optimizer.learning_rate = rate
    return optimizer


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


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("classes", [PROJECTION, AUXILIARY], ids=["projection", "auxiliary"])
def test_every_preset_of_classes(name, classes):
    assert_same(preset_for(SHAPE, name), Recipe(**classes))


@pytest.mark.parametrize("switch", OF_CLASSES)
def test_every_loss_and_penalty_of_classes(switch):
    recipe = OF_CLASSES[switch]
    assert_same(preset_for(SHAPE, "paints200"), recipe)
    assert_same(preset_for(SHAPE, "faces64"), dataclasses.replace(recipe, class_judge=OTHER_JUDGE[recipe.class_judge]))


def test_every_switch_is_in_the_table():
    plain_recipe = Recipe()
    fields = {field.name for field in dataclasses.fields(Recipe)} - {"batch_size", "learning_rate"}  # not of the step
    turned = {
        field
        for recipe in [*SWITCHES.values(), *OF_CLASSES.values()]
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
