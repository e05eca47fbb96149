"""Loads the generator in a file as a net of Keras that makes images in -1..1, and compiles what draws with it."""

from typing import NamedTuple

import numpy as np

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.net_file import AS_SAVED, NetFile
from dcgan_tf.generators import runtimes
from dcgan_tf.generators.find import Found, latent_distribution
from dcgan_tf.generators.latents import seed_latents
from dcgan_tf.generators.running import drawn, first_inputs, given
from dcgan_tf.nets.conditional import inputs_of
from dcgan_tf.nets.mixing import mixing
from dcgan_tf.nets.opening import open_net
from dcgan_tf.nets.ranges import (
    MEASURED_IMAGES,
    SIGNED,
    Range,
    guessed_range,
    output_range,
    with_output_in,
)
from dcgan_tf.nets.surgery import check_generator

RANGE_FLAG = "--value-range"
BATCH_SIZE = 32  # of the images that are looked at for their range


class LoadedNet(NamedTuple):
    """A generator of Keras that makes images in -1..1. made: the range in which the net in the file makes them."""

    net: keras.Model
    made: Range


def load_keras(
    found: Found,
    file: NetFile = AS_SAVED,
    latents: str = "auto",
    value_range: tuple[float, float] | None = None,
    range_flag: str = RANGE_FLAG,
) -> LoadedNet:
    """The Keras net of a generator that was found as "keras", float32, with images in -1..1 whatever it was made for.

    file: see `NetFile`. latents: as they are asked for, to measure the range of the images where no layer tells it.
    value_range: of the images of the net as it is; None: as its layers or images tell.

    Raises:
        UserError: the file holds no generator of grey or colour images, or one that does not run, or whose weights are
            NaN.
    """
    path, shown = found.path, printable(found.path)
    net = open_net(path, "generator", file)
    check_generator(net, path)
    takes = inputs_of(net)
    if takes.latent_dim > runtimes.MAX_LATENT_DIM:
        raise UserError(
            f"{shown}: takes {takes.latent_dim:,} latents for each image, "
            f"{runtimes.MAX_LATENT_DIM:,} at most are drawn; give another net"
        )
    channels = net.output_shape[-1]
    if channels not in (1, 3):
        raise UserError(f"{shown}: makes images of {channels} channels, not 1 or 3; give another net")
    if not all(np.isfinite(weight).all() for weight in net.get_weights()):
        raise UserError(f"{shown}: has weights that are no numbers (NaN); give an earlier epoch")
    said = found.settings and found.settings.preset.latents
    distribution = latent_distribution(latents, said, takes.latent_dim, net.output_shape[1:])
    return in_signed_range(net, found.name, distribution, value_range, range_flag)


def in_signed_range(
    net: keras.Model,
    name: str,
    distribution: str,
    value_range: tuple[float, float] | None = None,
    range_flag: str = RANGE_FLAG,
) -> LoadedNet:
    """A generator whose images are in -1..1. Where its layers do not tell what they are in, some are looked at, and what
    is found is said.

    distribution: of the latents. value_range: of the net's images, where a person says it.

    Raises:
        UserError: the net does not run.
    """
    takes = inputs_of(net)

    def run(latents, labels=None):
        return net(takes.arguments(net, latents, labels), training=False)

    known = Range(*value_range) if value_range else output_range(net)
    if known is None:
        known = measured_range(name, run, takes.latent_dim, takes.classes, distribution, range_flag)
    else:
        drawn(name, run, *first_inputs(1, takes.latent_dim, takes.classes))
    return LoadedNet(with_output_in(net, SIGNED, known), known)


def measured_range(
    name: str, run, latent_dim: int, classes: int, distribution: str, range_flag: str = RANGE_FLAG
) -> Range:
    """The range of the images of a net whose layers do not tell it, by some of its images; it is said.

    range_flag: that says another one.
    """
    seeds, values = np.arange(1, MEASURED_IMAGES + 1, dtype=np.int32), []
    for some in np.split(seeds, MEASURED_IMAGES // BATCH_SIZE):
        inputs = [seed_latents(some, latent_dim, distribution), *([some % classes] if classes else [])]
        values.append(given(name, run, *map(np.asarray, inputs)))
    values = np.concatenate(values)
    if values.dtype == np.uint8:
        return SIGNED  # Pixels need no range.
    if not np.isfinite(values).all():
        raise UserError(f"{printable(name)}: the images hold NaN; give a generator of an earlier epoch")
    known = guessed_range(values)
    note(
        f"{printable(name)} does not say the range of its images; of {MEASURED_IMAGES} they reach from {values.min():.3g} "
        f"to {values.max():.3g}, which is taken as {known}: {range_flag} LOW HIGH says otherwise"
    )
    return known


def picture_function(generator: keras.Model):
    """A compiled function of a Keras net that makes images in -1..1: latents [N, Z] float32, and labels [N] int32 where it
    takes them -> images [N, H, W, C] uint8, N as one batch."""
    takes = inputs_of(generator)

    @tf.function(input_signature=takes.specs(), autograph=False)
    def pictures(latents, labels=None):
        return _pixels(generator(takes.arguments(generator, latents, labels), training=False))

    return pictures


def mixed_picture_function(generator: keras.Model):
    """The same with weights [N, classes] float32 in place of the labels, see `nets.mixing`; None where a net takes no label,
    or whole classes alone."""
    mixed = mixing(generator)
    if mixed is None:
        return None
    takes = inputs_of(generator)
    specs = [takes.specs()[0], tf.TensorSpec([None, takes.classes], tf.float32, name="weights")]

    @tf.function(input_signature=specs, autograph=False)
    def pictures(latents, weights):
        return _pixels(mixed(latents, weights))

    return pictures


def _pixels(images):
    """Images in -1..1 -> uint8."""
    return tf.cast(tf.clip_by_value(tf.round(images * 127.5 + 127.5), 0.0, 255.0), tf.uint8)
