"""GAN losses: pure functions on logits [N, 1] that return a scalar, the mean over the batch.

Each entry of LOSSES is the loss of the discriminator and that of the generator, (real_logits, fake_logits) -> scalar.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

from dcgan_tf.common.backend import tf


class Pair(NamedTuple):
    """relative: whether the generator's loss depends on the real logits, too."""

    discriminator: Callable
    generator: Callable
    relative: bool = False


def discriminator_loss(real_logits, fake_logits, real_target: float = 1.0, scale: float = 1.0):
    """scale * (BCE(real, real_target) + BCE(fake, 0)), each a mean over its batch (arXiv:1406.2661).

    real_target below 1 is one-sided label smoothing (arXiv:1606.03498). Sigmoid cross-entropy on logits is binary
    cross-entropy on probabilities, without its overflow.
    """
    return scale * (_bce(real_logits, real_target) + _bce(fake_logits, 0.0))


def generator_loss(fake_logits, real_target: float = 1.0):
    """BCE(fake, real_target): the non-saturating loss, low where the discriminator takes generated images for real."""
    return _bce(fake_logits, real_target)


def standard(real_target: float = 1.0, scale: float = 1.0) -> Pair:
    """The non-saturating losses above."""
    return Pair(
        functools.partial(discriminator_loss, real_target=real_target, scale=scale),
        lambda real, fake: generator_loss(fake, real_target),
    )


LOSSES = {
    # arXiv:1611.04076, with 0 and 1 for generated and real
    "least-squares": Pair(
        lambda real, fake: 0.5 * (_mean_square(real - 1) + _mean_square(fake)),
        lambda real, fake: 0.5 * _mean_square(fake - 1),
    ),
    # arXiv:1705.02894
    "hinge": Pair(
        lambda real, fake: tf.reduce_mean(tf.nn.relu(1 - real)) + tf.reduce_mean(tf.nn.relu(1 + fake)),
        lambda real, fake: -tf.reduce_mean(fake),
    ),
    # Each generated image against a real one: arXiv:1807.00734 as R3GAN has it, arXiv:2501.05441
    "relativistic": Pair(
        lambda real, fake: tf.reduce_mean(tf.nn.softplus(fake - real)),
        lambda real, fake: tf.reduce_mean(tf.nn.softplus(real - fake)),
        relative=True,
    ),
    # arXiv:1701.07875; it takes a gradient penalty to mean anything
    "wasserstein": Pair(
        lambda real, fake: tf.reduce_mean(fake) - tf.reduce_mean(real),
        lambda real, fake: -tf.reduce_mean(fake),
    ),
}


def _bce(logits, target: float):
    logits = tf.cast(logits, tf.float32)
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.fill(tf.shape(logits), target), logits=logits)
    )


def _mean_square(x):
    return tf.reduce_mean(tf.square(x))
