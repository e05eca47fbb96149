"""The training steps that are compared. Each runs in a process of its own, so that every library is as it likes to be.

A variant is a function of a preset that returns (precision, step); `step()` does one update of both nets on a constant
batch and returns its losses, numbers or what `float` makes numbers of.
"""

import itertools
import sys
import types

from benchmarks.common import smooth_images
from dcgan_tf.config.presets import Preset


def real_images(preset: Preset):
    """A batch [N, H, W, C] float32 in -1..1."""
    return smooth_images(preset.batch_size, preset.image_shape).astype("float32") / 127.5 - 1


def settled(asked: str) -> str:
    """The precision that --precision `asked` means here."""
    from dcgan_tf.common.backend import tf
    from dcgan_tf.training.machine import tuning

    return tuning.fastest_precision(tf.distribute.get_strategy()).name if asked == "auto" else asked


def build_gan(preset: Preset, asked: str, **options):
    """(GAN, precision) as training builds it. asked: as of --precision. options: more arguments of GAN, such as
    `arithmetic`."""
    from dcgan_tf.gan.step import GAN
    from dcgan_tf.nets.build import build_discriminator, build_generator
    from dcgan_tf.nets.surgery import with_dtype
    from dcgan_tf.training.start import POLICIES

    precision = settled(asked)
    nets = build_generator(preset), build_discriminator(preset)
    nets = [with_dtype(net, POLICIES[precision]) for net in nets]
    return GAN(preset, *nets, loss_scaling=precision == "float16", **options), precision


def step_of(gan):
    """The step of a GAN as a variant has it."""
    from dcgan_tf.common.backend import tf

    images, numbers = tf.constant(real_images(gan.preset)), itertools.count()

    def step():
        metrics = gan.train_step(images, tf.constant(next(numbers), tf.int64))
        return metrics["d_loss"], metrics["g_loss"]

    return step


def ours(preset: Preset, asked: str):
    gan, precision = build_gan(preset, asked)
    return precision, step_of(gan)


def reference(preset: Preset, asked: str):
    """Our step in its plain arithmetic: Keras's layers and optimizer, a backward pass for each loss."""
    from dcgan_tf.gan.arithmetic import PLAIN

    gan, precision = build_gan(preset, asked, arithmetic=PLAIN)
    return precision, step_of(gan)


def plain_keras(preset: Preset, precision: str, jit: bool = False):
    """The same nets trained as TensorFlow's tutorials do, with TensorFlow and Keras as they are when imported."""
    import keras
    import tensorflow as tf

    # The builders take Keras from `dcgan_tf.common.backend`. This stands in its place, so that nothing of what it sets
    # is set.
    sys.modules["dcgan_tf.common.backend"] = types.SimpleNamespace(keras=keras, tf=tf)
    keras.config.set_dtype_policy({"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision])
    update = _KerasUpdate(preset, keras, tf)
    return precision, tf.function(update.joint if preset.update == "joint" else update.alternating, jit_compile=jit)


class _KerasUpdate:
    """One update of both nets, joint or alternating, as a tutorial would write it."""

    def __init__(self, preset: Preset, keras, tf):
        from dcgan_tf.nets.build import build_discriminator, build_generator

        self._preset, self._tf = preset, tf
        self._generator, self._discriminator = build_generator(preset), build_discriminator(preset)
        self._g_optimizer, self._d_optimizer = (
            keras.optimizers.Adam(preset.learning_rate, preset.beta_1, preset.beta_2, preset.adam_epsilon)
            for _ in range(2)
        )
        self._cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        self._images = tf.constant(real_images(preset))

    def joint(self):
        with self._tf.GradientTape() as g_tape, self._tf.GradientTape() as d_tape:
            d_loss, fake_logits = self._discriminator_loss(self._generator(self._latents(), training=True))
            g_loss = self._generator_loss(fake_logits)
        _apply(self._g_optimizer, g_tape, g_loss, self._generator)
        _apply(self._d_optimizer, d_tape, d_loss, self._discriminator)
        return d_loss, g_loss

    def alternating(self):
        z, generator_step = self._latents(), self._preset.generator_step
        with self._tf.GradientTape() as g_tape:
            fakes = self._generator(z, training=True)
            with g_tape.stop_recording():
                with self._tf.GradientTape() as d_tape:
                    d_loss, _ = self._discriminator_loss(fakes)
                _apply(self._d_optimizer, d_tape, d_loss, self._discriminator)
            if generator_step != "fakes":
                fakes = self._generator(self._latents() if generator_step == "fresh" else z, training=True)
            g_loss = self._generator_loss(self._discriminator(fakes, training=True))
        _apply(self._g_optimizer, g_tape, g_loss, self._generator)
        return d_loss, g_loss

    def _latents(self):
        shape = [self._preset.batch_size, self._preset.latent_dim]
        random = self._tf.random
        return random.uniform(shape, -1, 1) if self._preset.latents == "uniform" else random.normal(shape)

    def _discriminator_loss(self, fakes):
        real_logits = self._discriminator(self._images, training=True)
        fake_logits = self._discriminator(fakes, training=True)
        real_loss = self._cross_entropy(self._preset.real_target * self._tf.ones_like(real_logits), real_logits)
        fake_loss = self._cross_entropy(self._tf.zeros_like(fake_logits), fake_logits)
        return self._preset.d_loss_scale * (real_loss + fake_loss), fake_logits

    def _generator_loss(self, fake_logits):
        return self._cross_entropy(self._preset.real_target * self._tf.ones_like(fake_logits), fake_logits)


def _apply(optimizer, tape, loss, net):
    optimizer.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))


def pytorch(preset: Preset, precision: str, channels_last: bool = False, compiled: bool = False):
    """The same nets in PyTorch: fused Adam, gradients only of what is asked for, autocast for bfloat16."""
    update = _TorchUpdate(preset, precision, channels_last, compiled)
    return precision, update.joint if preset.update == "joint" else update.alternating


class _TorchUpdate:
    """One update of both nets, joint or alternating, in PyTorch."""

    def __init__(self, preset: Preset, precision: str, channels_last: bool, compiled: bool):
        import torch

        from benchmarks.speed import torch_nets

        torch.manual_seed(0)
        self._preset, self._torch = preset, torch
        self._autocast = lambda: torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")
        layout = torch.channels_last if channels_last else torch.contiguous_format
        generator, discriminator = (
            build(preset).to(memory_format=layout)
            for build in (torch_nets.build_generator, torch_nets.build_discriminator)
        )
        self._g_weights, self._d_weights = list(generator.parameters()), list(discriminator.parameters())
        betas = (preset.beta_1, preset.beta_2)
        self._g_optimizer, self._d_optimizer = (
            torch.optim.Adam(weights, preset.learning_rate, betas, preset.adam_epsilon, fused=True)
            for weights in (self._g_weights, self._d_weights)
        )
        self._images = torch.from_numpy(real_images(preset)).permute(0, 3, 1, 2).contiguous(memory_format=layout)
        if compiled:
            # A joint update goes back twice through one forward pass.
            torch._functorch.config.donated_buffer = preset.update != "joint"
            generator, discriminator = torch.compile(generator), torch.compile(discriminator)
        self._generator, self._discriminator = generator, discriminator

    def joint(self):
        with self._autocast():
            fakes = self._generator(self._latents())
            real_logits, fake_logits = self._discriminator(self._images), self._discriminator(fakes)
        d_loss = self._discriminator_loss(real_logits, fake_logits)
        g_loss = self._loss(fake_logits, self._preset.real_target)
        g_loss.backward(inputs=self._g_weights, retain_graph=True)
        d_loss.backward(inputs=self._d_weights)
        _step(self._g_optimizer)
        _step(self._d_optimizer)
        return d_loss.detach(), g_loss.detach()

    def alternating(self):
        z, generator_step = self._latents(), self._preset.generator_step
        with self._autocast():
            fakes = self._generator(z)
            real_logits, fake_logits = self._discriminator(self._images), self._discriminator(fakes.detach())
        d_loss = self._discriminator_loss(real_logits, fake_logits)
        d_loss.backward(inputs=self._d_weights)
        _step(self._d_optimizer)
        # A compiled backward pass computes every gradient that anyone wants: here nobody wants the discriminator's.
        self._discriminator.requires_grad_(False)
        with self._autocast():
            if generator_step != "fakes":
                fakes = self._generator(self._latents() if generator_step == "fresh" else z)
            g_loss = self._loss(self._discriminator(fakes), self._preset.real_target)
        g_loss.backward(inputs=self._g_weights)
        self._discriminator.requires_grad_(True)
        _step(self._g_optimizer)
        return d_loss.detach(), g_loss.detach()

    def _latents(self):
        shape = self._preset.batch_size, self._preset.latent_dim
        return self._torch.rand(shape) * 2 - 1 if self._preset.latents == "uniform" else self._torch.randn(shape)

    def _loss(self, logits, target):
        targets = self._torch.full(logits.shape, target)
        return self._torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), targets)

    def _discriminator_loss(self, real_logits, fake_logits):
        loss = self._loss(real_logits, self._preset.real_target) + self._loss(fake_logits, 0.0)
        return self._preset.d_loss_scale * loss


def _step(optimizer):
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


VARIANTS = {
    "ours": lambda preset: ours(preset, "auto"),
    "ours float32": lambda preset: ours(preset, "float32"),
    "ours bfloat16": lambda preset: ours(preset, "bfloat16"),
    "reference float32": lambda preset: reference(preset, "float32"),
    "reference bfloat16": lambda preset: reference(preset, "bfloat16"),
    "keras float32": lambda preset: plain_keras(preset, "float32"),
    "keras bfloat16": lambda preset: plain_keras(preset, "bfloat16"),
    "keras float32 jit": lambda preset: plain_keras(preset, "float32", jit=True),
    "torch float32": lambda preset: pytorch(preset, "float32"),
    "torch float32 channels-last": lambda preset: pytorch(preset, "float32", channels_last=True),
    "torch bfloat16 channels-last": lambda preset: pytorch(preset, "bfloat16", channels_last=True),
    "torch bfloat16 compiled": lambda preset: pytorch(preset, "bfloat16", channels_last=True, compiled=True),
}


def train(name: str, preset: Preset):
    """The variant of that name: what a worker makes."""
    return VARIANTS[name](preset)


def fastest_precision():
    """(the precision that --precision auto takes here, nothing to do)."""
    return settled("auto"), lambda: (0.0,)


def matmul(precision: str, side: int):
    """(operations, step): TensorFlow's product of two square matrices, with oneDNN on any x86 processor as for ours."""
    from dcgan_tf.common.backend import tf

    a, b = (tf.cast(tf.random.normal([side, side]), precision) for _ in range(2))
    # As arguments: of constants the product would be worked out once, when the graph is made.
    multiply = tf.function(lambda a, b: tf.matmul(a, b)[0, 0])
    return 2 * side**3, lambda: multiply(a, b)
