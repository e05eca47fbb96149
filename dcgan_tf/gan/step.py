"""The two nets, their optimizers, and one training step."""

from typing import NamedTuple

from dcgan_tf.common.backend import tf
from dcgan_tf.config.order import share
from dcgan_tf.config.presets import Preset
from dcgan_tf.config.recipes import TUTORIAL, Recipe
from dcgan_tf.gan import losses, optimizer
from dcgan_tf.gan.augment import flips
from dcgan_tf.gan.ema import MovingAverage
from dcgan_tf.gan.fast import ops
from dcgan_tf.gan.fast.forward import TrainingForward
from dcgan_tf.gan.randomness import (
    DRAWS_PER_STEP,
    DROPOUT,
    FLIPS,
    FRESH_LATENTS,
    LATENTS,
    SPECTRAL,
    draw_latents,
    key,
    keys,
    pair,
)
from dcgan_tf.gan.spectral import SpectralNorm
from dcgan_tf.gan.views import Critic

_LEAST_GRADIENT = 1e-20  # of a logit; below it, neither net's weights would move


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
    """Generator, discriminator and their optimizers, trained as the preset and the recipe say.

    `train_step(images, step)`, see `_train_step`, is compiled on its first call; `variables()` is all that it changes.
    Made in the scope of a strategy of several replicas, it trains with `shared_step` instead.

    sampler: the net that makes pictures: the moving average of the generator, where the recipe has one, with its gain.
    """

    def __init__(
        self,
        preset: Preset,
        generator,
        discriminator,
        recipe: Recipe = TUTORIAL,
        *,
        learning_rate=None,
        seed=0,
        loss_scaling=False,
    ):
        """The nets are those of `variants.applied(preset, recipe)`, and so is `preset`.

        learning_rate: None for the preset's. loss_scaling: needed where the nets compute in float16.
        """
        self.preset, self.recipe, self.seed = preset, recipe, seed
        self.generator, self.discriminator = generator, discriminator
        rate = learning_rate or preset.learning_rate
        self.g_optimizer = optimizer.make_adam(preset, rate, generator, loss_scaling)
        self.d_optimizer = optimizer.make_adam(preset, recipe.d_learning_rate or rate, discriminator, loss_scaling)
        dropout_keys = keys(seed, DROPOUT)
        self._critic = Critic(discriminator, preset, recipe, seed, dropout_keys)
        self._generate = TrainingForward(generator, dropout_keys)
        follows = recipe.ema or recipe.tanh_gain != 1
        self._average = MovingAverage(generator, recipe.ema, recipe.tanh_gain) if follows else None
        self._spectral = SpectralNorm(discriminator, key(seed, SPECTRAL)) if recipe.spectral_norm else None
        self.sampler = self._average.net if self._average else generator
        standard = recipe.loss == "standard"
        self._loss = (
            losses.standard(preset.real_target, preset.d_loss_scale) if standard else losses.LOSSES[recipe.loss]
        )
        self._one_backward = standard and not self._critic.couples_images and not loss_scaling
        self._update = self._joint_update if preset.update == "joint" else self._alternating_update
        self.strategy = tf.distribute.get_strategy()
        self.replicas = self.strategy.num_replicas_in_sync
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

    def set_learning_rate(self, rate: float) -> None:
        """Of both nets, or of the generator where the discriminator has its own, which then falls as much."""
        adams = (self.g_optimizer, self.d_optimizer)
        # float() does not take a variable that has a copy on each of several devices.
        before = [float(adam.learning_rate.value.numpy()) for adam in adams]
        for adam, own in zip(adams, before):
            adam.learning_rate = own * rate / before[0]

    def variables(self) -> dict[str, list]:
        """All state by owner, as TensorFlow variables in a fixed order. Dropout seeds are left out: every call sets them."""
        owners = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }
        if self._average:
            owners["ema"] = self._average
        state = {
            name: [variable.value for variable in owner.variables if "seed_generator" not in variable.path]
            for name, owner in owners.items()
        }
        return state | ({"spectral": self._spectral.variables} if self._spectral else {})

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
        here = len(self.strategy.extended.worker_devices)  # this worker's replicas

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
            sums = optimizer.all_reduce(
                [tf.stack(list(metrics.values()))] + [value / self.replicas for value in averages]
            )
            # Each has moved its own by the statistics of its own images: their mean keeps all copies equal.
            for average, mean in zip(averages, sums[1:]):
                ops.assign(average, mean)
            return dict(zip(metrics, tf.unstack(sums[0], len(metrics))))

        per_replica = self.strategy.experimental_distribute_values_from_function(own_images)
        metrics = self.strategy.run(run, args=(per_replica,))
        first = {name: self.strategy.experimental_local_results(value)[0] for name, value in metrics.items()}
        return first | {"stop": first["stop"] > 0}

    def _step(self, images, part):
        draws = self._draws(part)
        if self.recipe.flips:
            images = flips(images, pair(key(self.seed, FLIPS), next(draws)))
        d_loss, g_loss, real_logits, fake_logits = self._update(images, part, draws)
        if self._average:
            self._average.update(part.step)
        return {
            "d_loss": d_loss,
            "g_loss": g_loss,
            "d_real": part.of_mean(tf.reduce_mean(tf.sigmoid(real_logits))),
            "d_fake": part.of_mean(tf.reduce_mean(tf.sigmoid(fake_logits))),
        }

    # Each update differentiates the nets one by one: the gradients at the fakes connect them.

    def _joint_update(self, images, part, draws):
        """One forward pass, both losses, both nets at once (TensorFlow's DCGAN tutorial)."""
        with tf.GradientTape() as g_tape:
            fakes = self._generate(self._latents(LATENTS, part), next(draws))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fakes)
            logits = self._critic.both(images, fakes, draws, part.step)
            d_loss, g_loss = (
                part.of_mean(self._loss.discriminator(*logits)),
                part.of_mean(self._loss.generator(*logits)),
            )
            scaled_d, scaled_g = self.d_optimizer.scale_loss(d_loss), self.g_optimizer.scale_loss(g_loss)
        weights = _values(self.discriminator)
        if self._one_backward:
            # The losses' gradients at a fake differ by a factor, that of their gradients at its logit: one pass back
            # serves both. The discriminator's gradient at a fake's logit, a probability, is never 0 but by underflow.
            at_real, at_fake = tape.gradient(d_loss, logits)
            at_fake = tf.maximum(at_fake, _LEAST_GRADIENT)
            *d_gradients, at_fakes = tape.gradient(logits, [*weights, fakes], output_gradients=[at_real, at_fake])
            at_fakes *= (tape.gradient(g_loss, logits[1]) / at_fake)[:, :, None, None]
        else:
            d_gradients, at_fakes = tape.gradient(scaled_d, weights), tape.gradient(scaled_g, fakes)
        g_gradients = g_tape.gradient(fakes, _values(self.generator), at_fakes)
        optimizer.apply(self.g_optimizer, g_gradients, self.generator)
        self._apply_to_discriminator(d_gradients, images, fakes, part, draws)
        return d_loss, g_loss, *logits

    def _alternating_update(self, images, part, draws):
        """The discriminator, then the generator through the updated discriminator."""
        latents = self._latents(LATENTS, part)
        with tf.GradientTape() as g_tape:
            fakes = self._generate(latents, next(draws))
        with tf.GradientTape() as tape:
            logits = self._critic.both(images, fakes, draws, part.step)
            d_loss = part.of_mean(self._loss.discriminator(*logits))
            scaled = self.d_optimizer.scale_loss(d_loss)
        gradients = tape.gradient(scaled, _values(self.discriminator))
        self._apply_to_discriminator(gradients, images, fakes, part, draws)
        if self.preset.generator_step != "fakes":
            if self.preset.generator_step == "fresh":
                latents = self._latents(FRESH_LATENTS, part)
            with tf.GradientTape() as g_tape:
                fakes = self._generate(latents, next(draws))
        real_logits = self._critic(images, next(draws), part.step) if self._loss.relative else None
        with tf.GradientTape() as tape:
            tape.watch(fakes)
            fake_logits = self._critic(fakes, next(draws), part.step)
            g_loss = part.of_mean(self._loss.generator(real_logits, fake_logits))
            scaled = self.g_optimizer.scale_loss(g_loss)
        gradients = g_tape.gradient(fakes, _values(self.generator), tape.gradient(scaled, fakes))
        optimizer.apply(self.g_optimizer, gradients, self.generator)
        return d_loss, g_loss, *logits

    def _apply_to_discriminator(self, gradients, images, fakes, part, draws):
        if self.recipe.penalizes:
            draw = next(draws)

            def penalized():
                with tf.GradientTape() as tape:
                    penalty = part.of_mean(self._critic.penalty(images, tf.stop_gradient(fakes), draw, part.step))
                    scaled = self.d_optimizer.scale_loss(penalty)
                more = tape.gradient(scaled, _values(self.discriminator), unconnected_gradients="zero")
                return [gradient + added for gradient, added in zip(gradients, more)]

            due = tf.equal(part.step % self.recipe.penalty_every, 0)
            gradients = tf.cond(due, penalized, lambda: gradients)
        optimizer.apply(self.d_optimizer, gradients, self.discriminator)
        if self._spectral:
            self._spectral.project()

    def _latents(self, purpose, part):
        drawn = draw_latents(self.preset, part.batch_size, key(self.seed, purpose), part.step)
        return drawn if part.replicas == 1 else drawn[part.start : part.start + part.count]

    def _draws(self, part):
        """Numbers for the calls of the nets in a step: no two calls of a run have the same."""
        number = part.step if part.replicas == 1 else part.step * part.replicas + tf.cast(part.replica, tf.int64)
        return (number * DRAWS_PER_STEP + call for call in range(DRAWS_PER_STEP))


def _values(model) -> list:
    return [variable.value for variable in model.trainable_variables]


def _averages(model) -> list:
    """The moving statistics of its batch normalizations."""
    return [variable.value for variable in model.non_trainable_variables if "seed_generator" not in variable.path]
