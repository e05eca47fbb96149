"""The step against an implementation of its own: gradients by a plain tape, Adam in numpy."""

import dataclasses

import numpy as np
import pytest

from dcgan_tf import gan as gan_module
from dcgan_tf.backend import tf
from dcgan_tf.fitting import preset_for
from dcgan_tf.gan import GAN, draw_latents, fixed_latents
from dcgan_tf.networks import build_discriminator, build_generator


def int64(number):
    return tf.constant(number, tf.int64)


def small_gan(name, shape=(8, 8, 1), seed=0, **changes):
    preset = dataclasses.replace(preset_for(shape, name), **changes)
    return GAN(preset, build_generator(preset, seed), build_discriminator(preset, seed), seed=seed)


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


def reference_step(preset, g, d, g_adam, d_adam, real, latents, fresh):
    """One update as the preset describes it, written out; returns d_loss, g_loss."""
    target, scale = preset.real_target, preset.d_loss_scale
    with tf.GradientTape(persistent=True) as tape:
        fakes = g(latents, training=True)
        real_logits, fake_logits = d(real, training=True), d(fakes, training=True)
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
        for number, layer in enumerate(other._dropouts):  # the reference draws its dropout from the same seeds
            key = gan_module._key(0, gan_module.DROPOUT, number)
            layer.seed_generator.state.assign([key, step * gan_module._DRAWS_PER_STEP])
        latents, fresh = (
            draw_latents(preset, 6, gan_module._key(0, purpose), step)
            for purpose in (gan_module.LATENTS, gan_module.FRESH_LATENTS)
        )
        expected = reference_step(preset, other.generator, other.discriminator, *adams, real, latents, fresh)
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


def test_dropout_draws_anew_at_every_step_and_in_every_layer():
    gan, real = small_gan("paints200"), real_images()
    seeds = []
    for step in range(2):
        gan.train_step(real, int64(step))
        seeds += [tuple(layer.seed_generator.state.numpy().tolist()) for layer in gan._dropouts]
    assert len(set(seeds)) == len(seeds) > 2
    # Two calls of the discriminator in a step of a joint update, real and fake.
    assert {second % gan_module._DRAWS_PER_STEP for _, second in seeds} == {2}


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
    middle = np.repeat([0.8, -0.8], 4)[:, None, None]  # [H, 1, 1]
    latents = fixed_latents(gan.preset, 0)
    before = gan.generator(latents, training=True).numpy().mean(axis=(0, 2, 3))
    for step in range(200):
        real = middle + random.uniform(-0.2, 0.2, [16, 8, 8, 1])
        gan.train_step(tf.constant(real, tf.float32), int64(step))
    after = gan.generator(latents, training=True).numpy().mean(axis=(0, 2, 3))
    assert np.abs(before).max() < 0.2
    assert after == pytest.approx(middle[:, 0, 0], abs=0.3)
