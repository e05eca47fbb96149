"""The two nets, their optimizers, and one training step.

All randomness of a step is keyed by (seed, step): latents through stateless draws, dropout by setting the seeds of the
dropout layers anew at every step. So a resumed run needs the step number alone to go on exactly as it would have.
"""

import numpy as np

from dcgan_tf import losses
from dcgan_tf.backend import keras, tf
from dcgan_tf.presets import Preset

# What a random number is for; each purpose is a stream of its own.
LATENTS, FRESH_LATENTS, FIXED_LATENTS, DROPOUT = range(4)
_DRAWS_PER_STEP = 8  # of one dropout layer: more than the calls of the discriminator in a step


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
        self._dropouts = [
            layer for layer in discriminator.layers + generator.layers if hasattr(layer, "seed_generator")
        ]
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
        for number, layer in enumerate(self._dropouts):
            key = tf.constant(_key(self.seed, DROPOUT, number), tf.int64)
            layer.seed_generator.state.assign(tf.stack([key, step * _DRAWS_PER_STEP]))
        d_loss, g_loss, real_logits, fake_logits = self._update(images, step)
        return {
            "d_loss": d_loss,
            "g_loss": g_loss,
            "d_real": tf.reduce_mean(tf.sigmoid(real_logits)),
            "d_fake": tf.reduce_mean(tf.sigmoid(fake_logits)),
        }

    def _joint_update(self, images, step):
        """One forward pass, both losses, both nets at once (TensorFlow's DCGAN tutorial)."""
        latents = self._latents(LATENTS, images, step)
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fakes = self.generator(latents, training=True)
            d_loss, real_logits, fake_logits = self._discriminator_loss(images, fakes)
            g_loss = losses.generator_loss(fake_logits, self.preset.real_target)
            scaled_d, scaled_g = self.d_optimizer.scale_loss(d_loss), self.g_optimizer.scale_loss(g_loss)
        _apply(self.g_optimizer, g_tape, scaled_g, self.generator)
        _apply(self.d_optimizer, d_tape, scaled_d, self.discriminator)
        return d_loss, g_loss, real_logits, fake_logits

    def _alternating_update(self, images, step):
        """The discriminator, then the generator through the updated discriminator."""
        latents = self._latents(LATENTS, images, step)
        with tf.GradientTape() as g_tape:
            fakes = self.generator(latents, training=True)
            with g_tape.stop_recording():
                d_loss, real_logits, fake_logits = self._update_discriminator(images, fakes)
                if self.preset.generator_step == "fresh":
                    latents = self._latents(FRESH_LATENTS, images, step)
            if self.preset.generator_step != "fakes":
                fakes = self.generator(latents, training=True)
            g_loss = losses.generator_loss(self.discriminator(fakes, training=True), self.preset.real_target)
            scaled = self.g_optimizer.scale_loss(g_loss)
        _apply(self.g_optimizer, g_tape, scaled, self.generator)
        return d_loss, g_loss, real_logits, fake_logits

    def _update_discriminator(self, images, fakes):
        with tf.GradientTape() as tape:
            d_loss, real_logits, fake_logits = self._discriminator_loss(images, fakes)
            scaled = self.d_optimizer.scale_loss(d_loss)
        _apply(self.d_optimizer, tape, scaled, self.discriminator)
        return d_loss, real_logits, fake_logits

    def _discriminator_loss(self, images, fakes):
        # Two passes: in one mixed batch, batch normalization would give the answer away.
        real_logits = self.discriminator(images, training=True)
        fake_logits = self.discriminator(fakes, training=True)
        loss = losses.discriminator_loss(real_logits, fake_logits, self.preset.real_target, self.preset.d_loss_scale)
        return loss, real_logits, fake_logits

    def _latents(self, purpose, images, step):
        return draw_latents(self.preset, tf.shape(images)[0], _key(self.seed, purpose), step)


def _adam(preset, learning_rate, model, loss_scaling):
    optimizer = keras.optimizers.Adam(learning_rate, preset.beta_1, preset.beta_2, preset.adam_epsilon)
    if loss_scaling:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def _apply(optimizer, tape, loss, model):
    variables = model.trainable_variables
    optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
