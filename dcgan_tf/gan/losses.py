"""GAN losses: pure functions on logits [N, 1] that return a scalar, the mean over the batch."""

import functools
from collections.abc import Callable
from typing import NamedTuple

from dcgan_tf.common.backend import tf
from dcgan_tf.config.presets import Preset
from dcgan_tf.config.recipes import Recipe


class Pair(NamedTuple):
    """The losses of both nets, (real_logits, fake_logits) -> scalar.

    relative: whether the generator's loss depends on the real logits, too; else it takes None for them.
    """

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
    # arXiv:1611.04076, with the targets 0 for generated and 1 for real images
    "least-squares": Pair(
        lambda real, fake: 0.5 * (_mean_square(real - 1) + _mean_square(fake)),
        lambda real, fake: 0.5 * _mean_square(fake - 1),
    ),
    # arXiv:1705.02894
    "hinge": Pair(
        lambda real, fake: tf.reduce_mean(tf.nn.relu(1 - real)) + tf.reduce_mean(tf.nn.relu(1 + fake)),
        lambda real, fake: -tf.reduce_mean(fake),
    ),
    # Compares each generated image with a real one: arXiv:1807.00734 in the form of R3GAN, arXiv:2501.05441
    "relativistic": Pair(
        lambda real, fake: tf.reduce_mean(tf.nn.softplus(fake - real)),
        lambda real, fake: tf.reduce_mean(tf.nn.softplus(real - fake)),
        relative=True,
    ),
    # arXiv:1701.07875; meaningful only with a gradient penalty
    "wasserstein": Pair(
        lambda real, fake: tf.reduce_mean(fake) - tf.reduce_mean(real),
        lambda real, fake: -tf.reduce_mean(fake),
    ),
}


def losses_of(preset: Preset, recipe: Recipe) -> Pair:
    """The losses that the recipe names; the standard ones are as the preset sets them."""
    if recipe.loss == "standard":
        return standard(preset.real_target, preset.d_loss_scale)
    return LOSSES[recipe.loss]


def class_loss(labels, class_logits):
    """The mean cross-entropy of labels [N], int32, and class logits [N, classes]: a scalar (arXiv:1610.09585, L_C)."""
    logits = tf.cast(class_logits, tf.float32)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def _bce(logits, target: float):
    logits = tf.cast(logits, tf.float32)
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.fill(tf.shape(logits), target), logits=logits)
    )


def _mean_square(x):
    return tf.reduce_mean(tf.square(x))
