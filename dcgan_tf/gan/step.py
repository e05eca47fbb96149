"""One training step, and the two nets and optimizers that it updates."""

from typing import NamedTuple

from dcgan_tf.common.backend import tf
from dcgan_tf.config.presets import Preset
from dcgan_tf.config.recipes import TUTORIAL, Recipe
from dcgan_tf.gan import plain, replicas
from dcgan_tf.gan.arithmetic import FAST, Arithmetic
from dcgan_tf.gan.augment import flips
from dcgan_tf.gan.batch import Batch
from dcgan_tf.gan.ema import MovingAverage
from dcgan_tf.gan.fast import one_backward
from dcgan_tf.gan.losses import class_loss, losses_of
from dcgan_tf.gan.optimizer import make_adam
from dcgan_tf.gan.randomness import (
    DROPOUT,
    FLIPS,
    FRESH_LATENTS,
    LATENTS,
    SPECTRAL,
    draw_latents,
    draw_names,
    draws_of_step,
    key,
    keys,
    pair,
)
from dcgan_tf.gan.spectral import SpectralNorm
from dcgan_tf.gan.views import AugmentedDiscriminator, Judgement
from dcgan_tf.nets.conditional import inputs_of


class Fakes(NamedTuple):
    """Generated images [N, H, W, C], and the tape that recorded how the generator made them."""

    images: object
    tape: tf.GradientTape


class GAN:
    """Generator, discriminator and their optimizers, trained as the preset and the recipe say.

    `train_step(images, step)`, see `_train_step`, is compiled on its first call; `variables()` is all that it changes.
    Nets that know classes take `train_step(images, step, labels)`.
    Made in the scope of a strategy of several replicas, it trains with `shared_step` instead.

    generate, discriminate: the forward passes of training, see `Arithmetic.forward` and `AugmentedDiscriminator`.
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
        arithmetic: Arithmetic = FAST,
    ):
        """The nets are those of `variants.applied(preset, recipe)`, and so is `preset`.

        learning_rate: None for the preset's. loss_scaling: needed where the nets compute in float16.
        arithmetic: FAST, or PLAIN for the same numbers from Keras's own layers.
        """
        self.preset, self.recipe, self.seed = preset, recipe, seed
        self.generator, self.discriminator = generator, discriminator
        rate = learning_rate or preset.learning_rate
        self.g_optimizer = make_adam(preset, rate, generator, loss_scaling)
        self.d_optimizer = make_adam(preset, recipe.d_learning_rate or rate, discriminator, loss_scaling)
        dropout_keys = keys(seed, DROPOUT)
        self.discriminate = AugmentedDiscriminator(discriminator, preset, recipe, seed, dropout_keys, arithmetic)
        self.generate, self._takes = arithmetic.forward(generator, dropout_keys), inputs_of(generator)
        self._apply = arithmetic.apply
        judge = self.discriminate
        has_choice = one_backward.is_possible(recipe, judge.couples_images, loss_scaling, judge.tells_classes)
        self._backward = arithmetic.backward if has_choice else plain.backward
        self._loss = losses_of(preset, recipe)
        self._draw_names = draw_names(preset, recipe, self.discriminate.one_pass, self._loss.relative)
        follows = recipe.ema or recipe.tanh_gain != 1
        self._average = MovingAverage(generator, recipe.ema, recipe.tanh_gain) if follows else None
        self._spectral = SpectralNorm(discriminator, key(seed, SPECTRAL)) if recipe.spectral_norm else None
        self.sampler = self._average.net if self._average else generator
        self.strategy = tf.distribute.get_strategy()
        self.replicas = self.strategy.num_replicas_in_sync
        self.use_xla(False)

    # The step. What finds gradients changes no weight, only the moving averages of batch normalization. Each net is
    # differentiated by itself, and the gradients at the fakes connect the two.

    def update(self, batch: Batch) -> dict:
        """One replica's update of both nets.

        Returns float32 scalars, whose sums over the replicas are those of the whole batch: d_loss, g_loss, and d_real
        and d_fake, the discriminator's mean probability of being real for real and for generated images, before its
        update.
        """
        draws = draws_of_step(self._draw_names, batch.part.number(batch.step))
        if self.recipe.flips:
            batch = batch._replace(images=flips(batch.images, pair(key(self.seed, FLIPS), draws.flips)))
        update = self._joint_update if self.preset.update == "joint" else self._alternating_update
        d_loss, g_loss, judged = update(batch, draws)
        if self._average:
            self._average.update(batch.step)
        d_real, d_fake = (batch.part.share_of(tf.reduce_mean(tf.sigmoid(own.logits))) for own in judged)
        return {"d_loss": d_loss, "g_loss": g_loss, "d_real": d_real, "d_fake": d_fake}

    def _joint_update(self, batch, draws):
        """Both nets at once, from one forward pass (TensorFlow's DCGAN tutorial)."""
        d_gradients, g_gradients, d_loss, g_loss, judged = self.joint_gradients(batch, draws)
        self.apply_to_generator(g_gradients)
        self.apply_to_discriminator(d_gradients)
        return d_loss, g_loss, judged

    def _alternating_update(self, batch, draws):
        """The discriminator, then the generator through the updated discriminator (arXiv:1406.2661, algorithm 1)."""
        latents = self.latents(LATENTS, batch)
        fakes = self.fakes(latents, draws.generator, batch.labels)
        d_gradients, d_loss, judged = self.discriminator_gradients(batch, fakes, draws)
        self.apply_to_discriminator(d_gradients)
        if self.preset.generator_step == "fresh":
            latents = self.latents(FRESH_LATENTS, batch)
        if self.preset.generator_step != "fakes":
            fakes = self.fakes(latents, draws.generator_again, batch.labels)
        g_gradients, g_loss = self.generator_gradients(batch, fakes, draws)
        self.apply_to_generator(g_gradients)
        return d_loss, g_loss, judged

    def joint_gradients(self, batch: Batch, draws):
        """(the discriminator's gradients, the generator's, d_loss, g_loss, what was judged of (real images, fakes))."""
        fakes = self.fakes(self.latents(LATENTS, batch), draws.generator, batch.labels)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fakes.images)
            judged = self.discriminate.both(batch.images, fakes.images, draws, batch.step, batch.labels)
            d_loss, g_loss = self._discriminator_loss(batch, *judged), self._generator_loss(batch, *judged)
            scaled = self.d_optimizer.scale_loss(d_loss), self.g_optimizer.scale_loss(g_loss)
        logits = [own.logits for own in judged]
        d_gradients, at_fakes = self._backward(tape, scaled, logits, _weights(self.discriminator), fakes.images)
        g_gradients = fakes.tape.gradient(fakes.images, _weights(self.generator), at_fakes)
        return self._penalized(d_gradients, batch, fakes, draws), g_gradients, d_loss, g_loss, judged

    def discriminator_gradients(self, batch: Batch, fakes: Fakes, draws):
        """(the discriminator's gradients, d_loss, what was judged of (real images, fakes))."""
        with tf.GradientTape() as tape:
            judged = self.discriminate.both(batch.images, fakes.images, draws, batch.step, batch.labels)
            d_loss = self._discriminator_loss(batch, *judged)
            scaled = self.d_optimizer.scale_loss(d_loss)
        gradients = tape.gradient(scaled, _weights(self.discriminator))
        return self._penalized(gradients, batch, fakes, draws), d_loss, judged

    def generator_gradients(self, batch: Batch, fakes: Fakes, draws):
        """(the generator's gradients, g_loss), through the discriminator as it is now."""
        real = Judgement(None)
        if self._loss.relative:
            real = self.discriminate(batch.images, draws.real_again, batch.step, batch.labels)
        with tf.GradientTape() as tape:
            tape.watch(fakes.images)
            fake = self.discriminate(fakes.images, draws.fakes_again, batch.step, batch.labels)
            g_loss = self._generator_loss(batch, real, fake)
            scaled = self.g_optimizer.scale_loss(g_loss)
        at_fakes = tape.gradient(scaled, fakes.images)
        return fakes.tape.gradient(fakes.images, _weights(self.generator), at_fakes), g_loss

    # What the step is made of.

    def _discriminator_loss(self, batch: Batch, real: Judgement, fake: Judgement):
        loss = self._loss.discriminator(real.logits, fake.logits)
        if real.class_logits is not None:
            loss += class_loss(batch.labels, real.class_logits) + class_loss(batch.labels, fake.class_logits)
        return batch.part.share_of(loss)

    def _generator_loss(self, batch: Batch, real: Judgement, fake: Judgement):
        loss = self._loss.generator(real.logits, fake.logits)
        if fake.class_logits is not None:
            loss += class_loss(batch.labels, fake.class_logits)
        return batch.part.share_of(loss)

    def _penalized(self, gradients, batch, fakes, draws):
        """The discriminator's gradients, plus those of the recipe's penalties at the steps where they are due."""
        if not self.recipe.penalizes:
            return gradients
        draw = draws.penalty

        def penalized():
            with tf.GradientTape() as tape:
                images = batch.images, tf.stop_gradient(fakes.images)
                penalty = batch.part.share_of(self.discriminate.penalty(*images, draw, batch.step, batch.labels))
                scaled = self.d_optimizer.scale_loss(penalty)
            more = tape.gradient(scaled, _weights(self.discriminator), unconnected_gradients="zero")
            return [gradient + added for gradient, added in zip(gradients, more)]

        due = tf.equal(batch.step % self.recipe.penalty_every, 0)
        return tf.cond(due, penalized, lambda: gradients)

    def apply_to_generator(self, gradients) -> None:
        self._apply(self.g_optimizer, gradients, self.generator)

    def apply_to_discriminator(self, gradients) -> None:
        self._apply(self.d_optimizer, gradients, self.discriminator)
        if self._spectral:
            self._spectral.project()

    def latents(self, purpose: int, batch: Batch):
        """This replica's rows of the batch's latents [batch_size, latent_dim]. purpose: LATENTS or FRESH_LATENTS."""
        return batch.part.rows(draw_latents(self.preset, batch.part.batch_size, key(self.seed, purpose), batch.step))

    def fakes(self, latents, draw, labels=None) -> Fakes:
        """What the generator makes of latents [N, latent_dim]. draw: int64 scalar, for its random layers. labels: see
        `Batch`."""
        with tf.GradientTape() as tape:
            images = self.generate(self._takes.arguments(self.generator, latents, labels), draw)
        return Fakes(images, tape)

    # How the step is called, and its state.

    def use_xla(self, on: bool) -> None:
        """Whether XLA compiles the step: the same step, but XLA rounds differently and draws other latents."""
        self.xla = on
        # All batches share one graph: the last of an epoch may be smaller, and another graph may round differently.
        labels = [tf.TensorSpec([None], tf.int32)] if self.preset.classes else []
        signature = [tf.TensorSpec([None, *self.preset.image_shape], tf.float32), tf.TensorSpec([], tf.int64)]
        self.train_step = tf.function(
            self._train_step, input_signature=[*signature, *labels], jit_compile=on or None, autograph=False
        )
        shared = [*signature, tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.bool), *labels]
        self.shared_step = tf.function(self._shared_step, input_signature=shared, autograph=False)

    def set_learning_rate(self, rate: float) -> None:
        """Gives the generator this rate, and changes the discriminator's by the same factor: it may have its own."""
        optimizers = (self.g_optimizer, self.d_optimizer)
        # float() fails on a variable that has a copy on each of several devices.
        before = [float(adam.learning_rate.value.numpy()) for adam in optimizers]
        for adam, own in zip(optimizers, before):
            adam.learning_rate = own * rate / before[0]

    def variables(self) -> dict[str, list]:
        """All state by owner, TensorFlow variables in a fixed order; without dropout seeds, which every call sets."""
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

    def _train_step(self, images, step, labels=None):
        """One update of both nets; returns the scalars of `update`.

        images: [N, H, W, C] float32 in -1..1. step: int64 scalar, the number of updates done before this one. labels: [N]
        int32 for nets that know classes.
        """
        return self.update(Batch(images, labels, step, replicas.whole(images)))

    def _shared_step(self, images, step, batch_size, stop, labels=None):
        """The same update by all replicas of the strategy together; see `replicas.run_together`."""

        def update(images, labels, part):
            return self.update(Batch(images, labels, step, part))

        nets = self.discriminator, self.generator
        return replicas.run_together(self.strategy, update, nets, images, labels, batch_size, stop)


def _weights(model) -> list:
    return [variable.value for variable in model.trainable_variables]
