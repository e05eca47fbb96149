"""The two nets, their optimizers, and one training step.

All randomness of a step is keyed by (seed, step): latents and dropout alike are stateless draws. So a resumed run needs
the step number alone to go on exactly as it would have.
"""

import functools
import itertools

import numpy as np

from dcgan_tf import kernels, losses
from dcgan_tf.backend import keras, tf
from dcgan_tf.forward import TrainingForward
from dcgan_tf.presets import Preset

# What a random number is for; each purpose is a stream of its own.
LATENTS, FRESH_LATENTS, FIXED_LATENTS, DROPOUT = range(4)
_DRAWS_PER_STEP = 8  # of one random layer: more than the calls of a net in a step
_LEAST_GRADIENT = 1e-20  # of a logit; below it, neither net's weights would move


def _key(seed: int, *purpose: int) -> int:
    """A key for stateless draws, different for every purpose; below 2**31, as Keras narrows its seeds to int32."""
    return int(np.random.SeedSequence([seed, *purpose]).generate_state(1)[0]) >> 1


def draw_latents(preset: Preset, count, key: int, step):
    """Latents [count, latent_dim], float32: a pure function of (key, step)."""
    shape, seed = [count, preset.latent_dim], tf.stack([tf.constant(key, tf.int64), tf.cast(step, tf.int64)])
    if preset.latents == "uniform":
        return tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
    return tf.random.stateless_normal(shape, seed)


def fixed_latents(preset: Preset, seed: int):
    """The latents of a run's sample pictures [rows * columns, latent_dim], the same at every epoch."""
    return draw_latents(preset, preset.grid[0] * preset.grid[1], _key(seed, FIXED_LATENTS), 0)


class GAN:
    """Generator, discriminator and their optimizers, trained as `preset` says.

    `train_step(images, step)`, see `_train_step`, is compiled on its first call; `variables()` is all that it changes.
    """

    def __init__(self, preset: Preset, generator, discriminator, *, learning_rate=None, seed=0, loss_scaling=False):
        """learning_rate: None for the preset's. loss_scaling: needed where the nets compute in float16."""
        self.preset, self.seed = preset, seed
        self.generator, self.discriminator = generator, discriminator
        self.g_optimizer, self.d_optimizer = (
            _adam(preset, learning_rate or preset.learning_rate, model, loss_scaling)
            for model in (generator, discriminator)
        )
        keys = (_key(seed, DROPOUT, number) for number in itertools.count())
        self._judge, self._generate = TrainingForward(discriminator, keys), TrainingForward(generator, keys)
        # Without batch normalization, images do not touch each other on their way through the discriminator.
        self._one_backward = not self._judge.has_batch_norm and not loss_scaling
        self._update = self._joint_update if preset.update == "joint" else self._alternating_update
        # One graph for batches of any size: the last of an epoch may be smaller, and graphs may differ in rounding.
        signature = [tf.TensorSpec([None, *preset.image_shape], tf.float32), tf.TensorSpec([], tf.int64)]
        self.train_step = tf.function(self._train_step, input_signature=signature)

    def variables(self) -> dict[str, list]:
        """All state by owner, as TensorFlow variables in a fixed order. Dropout seeds are left out: see the top."""
        owners = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }
        return {
            name: [variable.value for variable in owner.variables if "seed_generator" not in variable.path]
            for name, owner in owners.items()
        }

    def _train_step(self, images, step):
        """One update of both nets.

        images: [N, H, W, C] float32 in -1..1. step: int64 scalar, the number of updates done before this one.

        Returns scalars, all float32: d_loss, g_loss, and d_real and d_fake, the discriminator's mean probability of
        being real for real and for generated images before its update.
        """
        d_loss, g_loss, real_logits, fake_logits = self._update(images, step)
        return {
            "d_loss": d_loss,
            "g_loss": g_loss,
            "d_real": tf.reduce_mean(tf.sigmoid(real_logits)),
            "d_fake": tf.reduce_mean(tf.sigmoid(fake_logits)),
        }

    # Each update differentiates the nets one by one: the gradients at the fakes connect them.

    def _joint_update(self, images, step):
        """One forward pass, both losses, both nets at once (TensorFlow's DCGAN tutorial)."""
        draws = self._draws(step)
        with tf.GradientTape() as g_tape:
            fakes = self._generate(self._latents(LATENTS, images, step), next(draws))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fakes)
            real_logits, fake_logits = self._both_logits(images, fakes, draws)
            d_loss, g_loss = self._d_loss(real_logits, fake_logits), self._g_loss(fake_logits)
            scaled_d, scaled_g = self.d_optimizer.scale_loss(d_loss), self.g_optimizer.scale_loss(g_loss)
        weights = _values(self.discriminator)
        if self._one_backward:
            # The losses' gradients at a fake differ by a factor, that of their gradients at its logit: one pass back
            # serves both. The discriminator's gradient at a fake's logit, a probability, is never 0 but by underflow.
            at_real, at_fake = tape.gradient(d_loss, [real_logits, fake_logits])
            at_fake = tf.maximum(at_fake, _LEAST_GRADIENT)
            *d_gradients, at_fakes = tape.gradient(
                [real_logits, fake_logits], [*weights, fakes], output_gradients=[at_real, at_fake]
            )
            at_fakes *= (tape.gradient(g_loss, fake_logits) / at_fake)[:, :, None, None]
        else:
            d_gradients, at_fakes = tape.gradient(scaled_d, weights), tape.gradient(scaled_g, fakes)
        _apply(self.g_optimizer, g_tape.gradient(fakes, _values(self.generator), at_fakes), self.generator)
        _apply(self.d_optimizer, d_gradients, self.discriminator)
        return d_loss, g_loss, real_logits, fake_logits

    def _alternating_update(self, images, step):
        """The discriminator, then the generator through the updated discriminator."""
        draws = self._draws(step)
        latents = self._latents(LATENTS, images, step)
        with tf.GradientTape() as g_tape:
            fakes = self._generate(latents, next(draws))
        with tf.GradientTape() as tape:
            real_logits, fake_logits = self._both_logits(images, fakes, draws)
            d_loss = self._d_loss(real_logits, fake_logits)
            scaled = self.d_optimizer.scale_loss(d_loss)
        _apply(self.d_optimizer, tape.gradient(scaled, _values(self.discriminator)), self.discriminator)
        if self.preset.generator_step != "fakes":
            if self.preset.generator_step == "fresh":
                latents = self._latents(FRESH_LATENTS, images, step)
            with tf.GradientTape() as g_tape:
                fakes = self._generate(latents, next(draws))
        with tf.GradientTape() as tape:
            tape.watch(fakes)
            g_loss = self._g_loss(self._judge(fakes, next(draws)))
            scaled = self.g_optimizer.scale_loss(g_loss)
        gradients = g_tape.gradient(fakes, _values(self.generator), tape.gradient(scaled, fakes))
        _apply(self.g_optimizer, gradients, self.generator)
        return d_loss, g_loss, real_logits, fake_logits

    def _both_logits(self, images, fakes, draws):
        """The discriminator's logits of real and generated images, [N, 1] each."""
        if self._judge.has_batch_norm:  # in one mixed batch, it would give the answer away
            return self._judge(images, next(draws)), self._judge(fakes, next(draws))
        logits = self._judge(tf.concat([images, fakes], 0), next(draws))
        return tf.split(logits, [tf.shape(images)[0], tf.shape(fakes)[0]])

    def _d_loss(self, real_logits, fake_logits):
        return losses.discriminator_loss(real_logits, fake_logits, self.preset.real_target, self.preset.d_loss_scale)

    def _g_loss(self, fake_logits):
        return losses.generator_loss(fake_logits, self.preset.real_target)

    def _latents(self, purpose, images, step):
        return draw_latents(self.preset, tf.shape(images)[0], _key(self.seed, purpose), step)

    def _draws(self, step):
        """Numbers for the calls of the nets in a step: no two calls of a run have the same."""
        return (step * _DRAWS_PER_STEP + call for call in range(_DRAWS_PER_STEP))


def _adam(preset, learning_rate, model, loss_scaling):
    optimizer = keras.optimizers.Adam(learning_rate, preset.beta_1, preset.beta_2, preset.adam_epsilon)
    if loss_scaling:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def _values(model) -> list:
    return [variable.value for variable in model.trainable_variables]


def _apply(optimizer, gradients, model):
    """What `optimizer.apply` does; Adam itself in one pass over the weights instead of a dozen."""
    variables = model.trainable_variables
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer.apply(gradients, variables)
        return
    optimizer.iterations.assign_add(1)
    update = functools.partial(
        kernels.adam,
        step=tf.cast(optimizer.iterations, tf.float32),
        learning_rate=optimizer.learning_rate,
        beta_1=optimizer.beta_1,
        beta_2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
    )
    for variable, gradient, m, v in zip(variables, gradients, optimizer._momentums, optimizer._velocities, strict=True):
        update(variable.value, gradient, m.value, v.value)
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
