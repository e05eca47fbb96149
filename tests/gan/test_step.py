"""The step against an implementation of its own: gradients by a plain tape, Adam in numpy."""

import dataclasses
import functools

import numpy as np
import pytest
from support.small_nets import narrow

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.gan import plain, randomness, replicas
from dcgan_tf.gan.arithmetic import FAST
from dcgan_tf.gan.batch import Batch
from dcgan_tf.gan.fast import forward, one_backward, ops
from dcgan_tf.gan.randomness import draw_latents, fixed_latents
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator


def int64(number):
    return tf.constant(number, tf.int64)


def small_gan(name, shape=(8, 8, 1), seed=0, arithmetic=FAST):
    preset = narrow(preset_for(shape, name))
    nets = build_generator(preset, seed), build_discriminator(preset, seed)
    return GAN(preset, *nets, seed=seed, arithmetic=arithmetic)


def update(gan, images, step):
    """A step that is not compiled."""
    return gan.update(Batch(images, None, int64(step), replicas.whole(images)))


def real_images(count=6, shape=(8, 8, 1)):
    return tf.constant(np.random.default_rng(1).uniform(-1, 1, [count, *shape]), tf.float32)


def bce(logits, target):
    return tf.reduce_mean(tf.maximum(logits, 0) - logits * target + tf.math.log1p(tf.exp(-tf.abs(logits))))


class Adam:
    """arXiv:1412.6980, in the order of operations of section 2's last paragraph."""

    def __init__(self, lr, beta_1, beta_2, epsilon):
        self.lr, self.beta_1, self.beta_2, self.epsilon, self.t = lr, beta_1, beta_2, epsilon, 0
        self.m, self.v = {}, {}

    def apply(self, gradients, variables):
        self.t += 1
        rate = self.lr * np.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        for number, (gradient, variable) in enumerate(zip(gradients, variables)):
            gradient = gradient.numpy().astype("float64")
            self.m[number] = self.beta_1 * self.m.get(number, 0) + (1 - self.beta_1) * gradient
            self.v[number] = self.beta_2 * self.v.get(number, 0) + (1 - self.beta_2) * gradient**2
            variable.assign(variable.numpy() - rate * self.m[number] / (np.sqrt(self.v[number]) + self.epsilon))


def gradients(tape, loss, net):
    return tape.gradient(loss, [variable.value for variable in net.trainable_variables])


def through(net, x, step, half, together):
    """net(x, training=True) by Keras, layer by layer; dropout takes the masks that the step draws for real (half 0) and
    generated images (half 1), or for both together."""
    number = 0
    call = int64(8 * step + (1 if together else 1 + half))
    for layer in net.layers:
        if isinstance(layer, keras.layers.Dropout):
            seed = tf.stack([tf.constant(randomness.key(0, randomness.DROPOUT, number), tf.int64), call])
            keep = ops.keep_mask(tf.constant([(1 + together) * x.shape[0], *x.shape[1:]]), layer.rate, seed)
            keep = tf.split(keep, 2)[half] if together else keep
            x = x * tf.cast(keep, x.dtype) / (1 - layer.rate)
            number += 1
        else:
            x = layer(x, training=True)
    return x


def reference_step(preset, g, d, g_adam, d_adam, real, latents, fresh, step=0, together=True):
    """One update as the preset describes it, written out; returns d_loss, g_loss."""
    target, scale = preset.real_target, preset.d_loss_scale
    with tf.GradientTape(persistent=True) as tape:
        fakes = g(latents, training=True)
        real_logits, fake_logits = (through(d, x, step, half, together) for half, x in enumerate((real, fakes)))
        d_loss = scale * (bce(real_logits, target) + bce(fake_logits, 0.0))
        g_loss = bce(fake_logits, target)
    if preset.update == "joint":
        g_gradients, d_gradients = gradients(tape, g_loss, g), gradients(tape, d_loss, d)
        g_adam.apply(g_gradients, g.trainable_variables)
        d_adam.apply(d_gradients, d.trainable_variables)
        return float(d_loss), float(g_loss)
    d_adam.apply(gradients(tape, d_loss, d), d.trainable_variables)
    z = fresh if preset.generator_step == "fresh" else latents
    statistics = [variable.numpy() for variable in g.non_trainable_variables]
    with tf.GradientTape() as tape:
        g_loss = bce(d(g(z, training=True), training=True), target)
    if preset.generator_step == "fakes":  # the same fakes: the generator ran forward once only
        for variable, value in zip(g.non_trainable_variables, statistics):
            variable.assign(value)
    g_adam.apply(gradients(tape, g_loss, g), g.trainable_variables)
    return float(d_loss), float(g_loss)


@pytest.mark.parametrize("name", ["mnist", "mnist-mlp", "mnist56", "faces64", "mri96", "paints200"])
def test_two_steps_are_those_of_the_description(name):
    gan, other = small_gan(name), small_gan(name)
    preset, real = gan.preset, real_images()
    adams = [Adam(preset.learning_rate, preset.beta_1, preset.beta_2, preset.adam_epsilon) for _ in range(2)]
    for step in range(2):
        latents, fresh = (
            draw_latents(preset, 6, randomness.key(0, purpose), step)
            for purpose in (randomness.LATENTS, randomness.FRESH_LATENTS)
        )
        expected = reference_step(preset, other.generator, other.discriminator, *adams, real, latents, fresh, step)
        metrics = gan.train_step(real, int64(step))
        assert float(metrics["d_loss"]) == pytest.approx(expected[0], abs=2e-4)
        assert float(metrics["g_loss"]) == pytest.approx(expected[1], abs=2e-4)
    rate = preset.learning_rate
    for net in ("generator", "discriminator"):
        for a, b in zip(getattr(gan, net).variables, getattr(other, net).variables):
            if "seed" in a.path:
                continue
            # Adam's first steps are signs of gradients: where those are rounding errors, signs may differ.
            far = np.abs(a.numpy() - b.numpy()) > 0.05 * rate
            assert far.mean() < 0.03 or "moving" in a.path and np.allclose(a, b, atol=1e-5), a.path


def weights(gan):
    return [variable.numpy() for owner in gan.variables().values() for variable in owner]


@pytest.mark.parametrize("name", ["mnist", "mnist-mlp", "paints200"])  # fresh and same latents; dropout
def test_a_step_depends_on_seed_and_step_number_alone(name):
    real = real_images()
    whole, late = small_gan(name), small_gan(name)
    for step in range(3):
        whole.train_step(real, int64(step))
    before = weights(whole)
    for step in range(3, 5):
        whole.train_step(real, int64(step))
    late.train_step(real, int64(77))  # whatever was done before
    for variable, value in zip((v for owner in late.variables().values() for v in owner), before):
        variable.assign(value)
    for step in range(3, 5):
        late.train_step(real, int64(step))
    assert all(np.array_equal(a, b) for a, b in zip(weights(whole), weights(late)))


class Kept:
    """In place of an optimizer: keeps the gradients and moves nothing."""

    def apply(self, gradients, variables):
        self.gradients = [gradient.numpy() for gradient in gradients]


@pytest.mark.parametrize("small", [True, False], ids=["small-images", "large-images"])
@pytest.mark.parametrize("name", ["mnist", "mnist-mlp", "mnist56", "faces64", "mri96", "paints200"])
def test_gradients_are_those_of_the_plain_step(name, small):
    """Within float32 rounding, at weights where the discriminator is sure of itself, as it soon is in training."""
    got = {}

    def keep(adam, gradients, net):
        got[net.name] = [gradient.numpy() for gradient in gradients]

    arithmetic = dataclasses.replace(FAST, apply=keep, max_one_pass_values=64 if small else 63)
    gan, other = small_gan(name, arithmetic=arithmetic), small_gan(name)
    for net in (gan, other):
        last = [variable for variable in net.discriminator.trainable_variables if "kernel" in variable.path][-1]
        last.assign(last * 40)
    update(gan, real_images(), 0)
    latents, fresh = (
        draw_latents(gan.preset, 6, randomness.key(0, purpose), 0)
        for purpose in (randomness.LATENTS, randomness.FRESH_LATENTS)
    )
    expected = {"generator": Kept(), "discriminator": Kept()}
    nets = other.generator, other.discriminator
    reference_step(gan.preset, *nets, *expected.values(), real_images(), latents, fresh, together=small)
    for net, kept in expected.items():
        for gradient, value in zip(got[net], kept.gradients, strict=True):
            np.testing.assert_allclose(gradient, value, rtol=0, atol=2e-5 * max(np.abs(value).max(), 1e-6))


def test_one_pass_back_serves_both_losses_where_the_discriminator_is_certain():
    """Its gradient at a fake underflows to 0 there; the generator's, 1 / N a logit, must not be lost with it."""
    two_passes = dataclasses.replace(FAST, backward=plain.backward)
    gan, other = small_gan("paints200"), small_gan("paints200", arithmetic=two_passes)
    assert one_backward.is_possible(gan.recipe, gan.discriminate.couples_images, loss_scaling=False)
    results = []
    for net in (gan, other):
        net.discriminator.layers[-1].bias.assign([-200.0])  # a probability of exp(-200): 0 in float32
        net.train_step(real_images(), int64(0))
        results.append([m.numpy() for m in net.g_optimizer._momentums])
    assert max(np.abs(value).max() for value in results[0]) > 1e-6
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-4 * np.abs(two).max())


def test_dropout_draws_anew_at_every_step_and_in_every_layer():
    drawn = []

    def leaky_relu(x, slope, rate=0.0, seed=None):
        if rate:
            drawn.append(tuple(seed.numpy().tolist()))
        return ops.leaky_relu(x, slope, rate, seed)

    run = functools.partial(forward.TrainingForward, runners=forward.make_runners(leaky_relu=leaky_relu))
    gan = small_gan("paints200", arithmetic=dataclasses.replace(FAST, forward=run))
    for step in range(2):
        update(gan, real_images(), step)
    assert len(set(drawn)) == len(drawn) == 2 * 2  # steps, layers; real and generated images go through together


@pytest.mark.parametrize("name, low, high, std", [("mnist", -1, 1, 3**-0.5), ("faces64", -6, 6, 1.0)])
def test_latents(name, low, high, std):
    drawn = draw_latents(preset_for((8, 8, 1), name), 500, 5, 0).numpy()
    assert drawn.shape == (500, 96 if name == "mnist" else 100) and drawn.dtype == "float32"
    assert drawn.min() >= low and drawn.max() <= high
    assert drawn.mean() == pytest.approx(0, abs=0.02) and drawn.std() == pytest.approx(std, rel=0.02)
    assert not np.array_equal(drawn, draw_latents(preset_for((8, 8, 1), name), 500, 5, 1).numpy())


def test_fixed_latents_fill_the_grid_and_belong_to_the_seed():
    preset = preset_for((200, 200, 3))
    assert fixed_latents(preset, 0).shape == (4, 100)
    assert np.array_equal(fixed_latents(preset, 3), fixed_latents(preset, 3))
    assert not np.array_equal(fixed_latents(preset, 3), fixed_latents(preset, 4))


def test_training_pulls_the_samples_to_the_images():
    """Real images are bright above and dark below: soon the generated ones are, too."""
    gan, random = small_gan("faces64"), np.random.default_rng(0)
    gan.set_learning_rate(6e-3)
    middle = np.repeat([0.8, -0.8], 4)[:, None, None]  # [H, 1, 1]
    latents = fixed_latents(gan.preset, 0)
    before = gan.generator(latents, training=True).numpy().mean(axis=(0, 2, 3))
    for step in range(150):
        real = middle + random.uniform(-0.2, 0.2, [16, 8, 8, 1])
        gan.train_step(tf.constant(real, tf.float32), int64(step))
    after = gan.generator(latents, training=True).numpy().mean(axis=(0, 2, 3))
    assert np.abs(before).max() < 0.2
    assert after == pytest.approx(middle[:, 0, 0], abs=0.3)
