"""The two nets, their optimizers, and one training step.

All randomness of a step is keyed by (seed, step): latents and dropout alike are stateless draws. So a resumed run needs
the step number alone to go on exactly as it would have.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from dcgan_tf import kernels, losses
from dcgan_tf.backend import keras, tf
from dcgan_tf.forward import TrainingForward
from dcgan_tf.presets import Preset
from dcgan_tf.schedule import share

# What a random number is for; each purpose is a stream of its own.
LATENTS, FRESH_LATENTS, FIXED_LATENTS, DROPOUT = range(4)
_DRAWS_PER_STEP = 8  # of one random layer: more than the calls of a net in a step
_SMALL_IMAGE = 64 * 64 * 3  # numbers
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


class Part(NamedTuple):
    """What one replica does of a step: the images `start` to `start + count - 1` of `batch_size`.

    replica, replicas: Python's 0 and 1 where one does it all. The rest are int64 or int32 scalars.
    """

    step: object
    batch_size: object
    start: object
    count: object
    replica: object
    replicas: int

    def of_mean(self, mean):
        """A mean over this replica's images -> what it adds to the mean over the whole batch."""
        if self.replicas == 1:
            return mean
        return mean * (tf.cast(self.count, tf.float32) / tf.cast(self.batch_size, tf.float32))


class GAN:
    """Generator, discriminator and their optimizers, trained as `preset` says.

    `train_step(images, step)`, see `_train_step`, is compiled on its first call; `variables()` is all that it changes.
    Made in the scope of a strategy of several replicas, it trains with `shared_step` instead.
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
        self._strategy = tf.distribute.get_strategy()
        self.replicas = self._strategy.num_replicas_in_sync
        self.use_xla(False)

    def use_xla(self, on: bool) -> None:
        """Whether XLA compiles the step: the same step, but XLA rounds differently and draws other latents."""
        self.xla = on
        # One graph for batches of any size: the last of an epoch may be smaller, and graphs may differ in rounding.
        signature = [tf.TensorSpec([None, *self.preset.image_shape], tf.float32), tf.TensorSpec([], tf.int64)]
        self.train_step = tf.function(
            self._train_step, input_signature=signature, jit_compile=on or None, autograph=False
        )
        shared = [*signature, tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.bool)]
        self.shared_step = tf.function(self._shared_step, input_signature=shared, autograph=False)

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
        count = tf.shape(images)[0]
        return self._step(images, Part(step, count, 0, count, 0, 1))

    def _shared_step(self, images, step, batch_size, stop):
        """The same update by all replicas of the strategy together: every worker must call it.

        images: this worker's share of the batch. batch_size: int64 scalar, of all workers' images. stop: bool scalar.

        Returns the scalars of the whole batch, and "stop": whether any worker said so.
        """
        here = len(self._strategy.extended.worker_devices)  # this worker's replicas

        def part(replica):
            first, last = share(batch_size, tf.cast(replica, tf.int64), self.replicas)
            return Part(step, batch_size, first, last - first, replica, self.replicas)

        def own_images(context):
            replica = context.replica_id_in_sync_group
            worker_start, _ = share(batch_size, replica // here, self.replicas // here)
            start = part(replica).start - worker_start
            return images[start : start + part(replica).count]

        def run(images):
            replica = tf.distribute.get_replica_context()
            metrics = self._step(images, part(replica.replica_id_in_sync_group)) | {"stop": tf.cast(stop, tf.float32)}
            averages = [value for net in (self.discriminator, self.generator) for value in _averages(net)]
            sums = _all_reduce([tf.stack(list(metrics.values()))] + [value / self.replicas for value in averages])
            # Each has moved its own by the statistics of its own images: their mean keeps all copies equal.
            for average, mean in zip(averages, sums[1:]):
                kernels.assign(average, mean)
            return dict(zip(metrics, tf.unstack(sums[0], len(metrics))))

        per_replica = self._strategy.experimental_distribute_values_from_function(own_images)
        metrics = self._strategy.run(run, args=(per_replica,))
        first = {name: self._strategy.experimental_local_results(value)[0] for name, value in metrics.items()}
        return first | {"stop": first["stop"] > 0}

    def _step(self, images, part):
        d_loss, g_loss, real_logits, fake_logits = self._update(images, part)
        return {
            "d_loss": d_loss,
            "g_loss": g_loss,
            "d_real": part.of_mean(tf.reduce_mean(tf.sigmoid(real_logits))),
            "d_fake": part.of_mean(tf.reduce_mean(tf.sigmoid(fake_logits))),
        }

    # Each update differentiates the nets one by one: the gradients at the fakes connect them.

    def _joint_update(self, images, part):
        """One forward pass, both losses, both nets at once (TensorFlow's DCGAN tutorial)."""
        draws = self._draws(part)
        with tf.GradientTape() as g_tape:
            fakes = self._generate(self._latents(LATENTS, part), next(draws))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fakes)
            real_logits, fake_logits = self._both_logits(images, fakes, draws)
            d_loss, g_loss = self._d_loss(real_logits, fake_logits, part), self._g_loss(fake_logits, part)
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

    def _alternating_update(self, images, part):
        """The discriminator, then the generator through the updated discriminator."""
        draws = self._draws(part)
        latents = self._latents(LATENTS, part)
        with tf.GradientTape() as g_tape:
            fakes = self._generate(latents, next(draws))
        with tf.GradientTape() as tape:
            real_logits, fake_logits = self._both_logits(images, fakes, draws)
            d_loss = self._d_loss(real_logits, fake_logits, part)
            scaled = self.d_optimizer.scale_loss(d_loss)
        _apply(self.d_optimizer, tape.gradient(scaled, _values(self.discriminator)), self.discriminator)
        if self.preset.generator_step != "fakes":
            if self.preset.generator_step == "fresh":
                latents = self._latents(FRESH_LATENTS, part)
            with tf.GradientTape() as g_tape:
                fakes = self._generate(latents, next(draws))
        with tf.GradientTape() as tape:
            tape.watch(fakes)
            g_loss = self._g_loss(self._judge(fakes, next(draws)), part)
            scaled = self.g_optimizer.scale_loss(g_loss)
        gradients = g_tape.gradient(fakes, _values(self.generator), tape.gradient(scaled, fakes))
        _apply(self.g_optimizer, gradients, self.generator)
        return d_loss, g_loss, real_logits, fake_logits

    def _both_logits(self, images, fakes, draws):
        """The discriminator's logits of real and generated images, [N, 1] each."""
        # In one mixed batch, batch normalization would give the answer away. Without it one batch has fewer calls of
        # small operations, but for large images the memory of twice as many costs more than that.
        if self._judge.has_batch_norm or math.prod(self.preset.image_shape) > _SMALL_IMAGE:
            return self._judge(images, next(draws)), self._judge(fakes, next(draws))
        logits = self._judge(tf.concat([images, fakes], 0), next(draws))
        return tf.split(logits, [tf.shape(images)[0], tf.shape(fakes)[0]])

    def _d_loss(self, real_logits, fake_logits, part):
        target, scale = self.preset.real_target, self.preset.d_loss_scale
        return part.of_mean(losses.discriminator_loss(real_logits, fake_logits, target, scale))

    def _g_loss(self, fake_logits, part):
        return part.of_mean(losses.generator_loss(fake_logits, self.preset.real_target))

    def _latents(self, purpose, part):
        drawn = draw_latents(self.preset, part.batch_size, _key(self.seed, purpose), part.step)
        return drawn if part.replicas == 1 else drawn[part.start : part.start + part.count]

    def _draws(self, part):
        """Numbers for the calls of the nets in a step: no two calls of a run have the same."""
        number = part.step if part.replicas == 1 else part.step * part.replicas + tf.cast(part.replica, tf.int64)
        return (number * _DRAWS_PER_STEP + call for call in range(_DRAWS_PER_STEP))


def _adam(preset, learning_rate, model, loss_scaling):
    optimizer = keras.optimizers.Adam(learning_rate, preset.beta_1, preset.beta_2, preset.adam_epsilon)
    if loss_scaling:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def _values(model) -> list:
    return [variable.value for variable in model.trainable_variables]


def _averages(model) -> list:
    """The moving statistics of its batch normalizations."""
    return [variable.value for variable in model.non_trainable_variables if "seed_generator" not in variable.path]


def _all_reduce(tensors) -> list:
    """The sums over all replicas, in one message."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def _apply(optimizer, gradients, model):
    """What `optimizer.apply` does; Adam itself in one pass over the weights instead of a dozen.

    gradients: of this replica's part of the loss. All replicas apply their sum.
    """
    variables = model.trainable_variables
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        gradients = _all_reduce(gradients)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer.apply(gradients, variables)
        return
    steps = optimizer.iterations + 1
    kernels.assign(optimizer.iterations.value, steps)
    update = functools.partial(
        kernels.adam,
        step=tf.cast(steps, tf.float32),
        learning_rate=optimizer.learning_rate,
        beta_1=optimizer.beta_1,
        beta_2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
    )
    for variable, gradient, m, v in zip(variables, gradients, optimizer._momentums, optimizer._velocities, strict=True):
        update(variable.value, gradient, m.value, v.value)
        if variable.constraint is not None:
            kernels.assign(variable.value, variable.constraint(variable))
