"""The GAN losses (arXiv:1406.2661), pure functions on logits [N, 1] that return a scalar.

Sigmoid cross-entropy on logits is binary cross-entropy on probabilities, without its overflow.
"""

from dcgan_tf.backend import tf


def discriminator_loss(real_logits, fake_logits, real_target: float = 1.0, scale: float = 1.0):
    """scale * (BCE(real, real_target) + BCE(fake, 0)), each a mean over its batch.

    real_target below 1 is one-sided label smoothing (arXiv:1606.03498).
    """
    return scale * (_bce(real_logits, real_target) + _bce(fake_logits, 0.0))


def generator_loss(fake_logits, real_target: float = 1.0):
    """BCE(fake, real_target): the non-saturating loss, low where the discriminator takes generated images for real."""
    return _bce(fake_logits, real_target)


def _bce(logits, target: float):
    logits = tf.cast(logits, tf.float32)
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.fill(tf.shape(logits), target), logits=logits)
    )
