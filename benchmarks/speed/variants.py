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

    # The builders import Keras from this module. The replacement leaves out the settings that the real one makes.
    sys.modules["dcgan_tf.common.backend"] = types.SimpleNamespace(keras=keras, tf=tf)
    from dcgan_tf.nets.build import build_discriminator, build_generator

    keras.config.set_dtype_policy({"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision])
    generator, discriminator = build_generator(preset), build_discriminator(preset)
    g_optimizer, d_optimizer = (
        keras.optimizers.Adam(preset.learning_rate, preset.beta_1, preset.beta_2, preset.adam_epsilon) for _ in range(2)
    )
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    images = tf.constant(real_images(preset))

    def latents():
        shape = [preset.batch_size, preset.latent_dim]
        return tf.random.uniform(shape, -1, 1) if preset.latents == "uniform" else tf.random.normal(shape)

    def discriminator_loss(fakes):
        real_logits, fake_logits = discriminator(images, training=True), discriminator(fakes, training=True)
        real_loss = cross_entropy(preset.real_target * tf.ones_like(real_logits), real_logits)
        fake_loss = cross_entropy(tf.zeros_like(fake_logits), fake_logits)
        return preset.d_loss_scale * (real_loss + fake_loss), fake_logits

    def generator_loss(fake_logits):
        return cross_entropy(preset.real_target * tf.ones_like(fake_logits), fake_logits)

    def apply(optimizer, tape, loss, net):
        optimizer.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))

    def joint():
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            d_loss, fake_logits = discriminator_loss(generator(latents(), training=True))
            g_loss = generator_loss(fake_logits)
        apply(g_optimizer, g_tape, g_loss, generator)
        apply(d_optimizer, d_tape, d_loss, discriminator)
        return d_loss, g_loss

    def alternating():
        z = latents()
        with tf.GradientTape() as g_tape:
            fakes = generator(z, training=True)
            with g_tape.stop_recording():
                with tf.GradientTape() as d_tape:
                    d_loss, _ = discriminator_loss(fakes)
                apply(d_optimizer, d_tape, d_loss, discriminator)
            if preset.generator_step != "fakes":
                fakes = generator(latents() if preset.generator_step == "fresh" else z, training=True)
            g_loss = generator_loss(discriminator(fakes, training=True))
        apply(g_optimizer, g_tape, g_loss, generator)
        return d_loss, g_loss

    return precision, tf.function(joint if preset.update == "joint" else alternating, jit_compile=jit)


def pytorch(preset: Preset, precision: str, channels_last: bool = False, compiled: bool = False):
    """The same nets in PyTorch: fused Adam, gradients only of what is asked for, autocast for bfloat16."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    from benchmarks.speed import torch_nets

    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    generator, discriminator = (
        build(preset).to(memory_format=layout) for build in (torch_nets.build_generator, torch_nets.build_discriminator)
    )
    g_weights, d_weights = list(generator.parameters()), list(discriminator.parameters())
    g_optimizer, d_optimizer = (
        torch.optim.Adam(weights, preset.learning_rate, (preset.beta_1, preset.beta_2), preset.adam_epsilon, fused=True)
        for weights in (g_weights, d_weights)
    )
    images = torch.from_numpy(real_images(preset)).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    if compiled:
        # A joint update goes back twice through one forward pass.
        torch._functorch.config.donated_buffer = preset.update != "joint"
        generator, discriminator = torch.compile(generator), torch.compile(discriminator)

    def latents():
        shape = preset.batch_size, preset.latent_dim
        return torch.rand(shape) * 2 - 1 if preset.latents == "uniform" else torch.randn(shape)

    def loss(logits, target):
        return cross_entropy(logits.float(), torch.full(logits.shape, target))

    def discriminator_loss(real_logits, fake_logits):
        return preset.d_loss_scale * (loss(real_logits, preset.real_target) + loss(fake_logits, 0.0))

    def update(optimizer):
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def joint():
        with autocast():
            fakes = generator(latents())
            real_logits, fake_logits = discriminator(images), discriminator(fakes)
        d_loss, g_loss = discriminator_loss(real_logits, fake_logits), loss(fake_logits, preset.real_target)
        g_loss.backward(inputs=g_weights, retain_graph=True)
        d_loss.backward(inputs=d_weights)
        update(g_optimizer)
        update(d_optimizer)
        return d_loss.detach(), g_loss.detach()

    def alternating():
        z = latents()
        with autocast():
            fakes = generator(z)
            real_logits, fake_logits = discriminator(images), discriminator(fakes.detach())
        d_loss = discriminator_loss(real_logits, fake_logits)
        d_loss.backward(inputs=d_weights)
        update(d_optimizer)
        discriminator.requires_grad_(False)  # a compiled backward pass makes every gradient that is wanted by anyone
        with autocast():
            if preset.generator_step != "fakes":
                fakes = generator(latents() if preset.generator_step == "fresh" else z)
            g_loss = loss(discriminator(fakes), preset.real_target)
        g_loss.backward(inputs=g_weights)
        discriminator.requires_grad_(True)
        update(g_optimizer)
        return d_loss.detach(), g_loss.detach()

    def autocast():
        return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")

    return precision, joint if preset.update == "joint" else alternating


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
