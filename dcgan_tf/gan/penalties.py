"""Penalties on the discriminator's gradient at its images: float32 scalars, each the mean over the images."""

from dcgan_tf.common.backend import tf

MIN_SQUARED_LENGTH = 1e-12  # Keeps the square root away from 0, where it has no gradient.


def gradient_size(judge, images):
    """Mean of |gradient|^2. Times weight / 2 it is R1 at real images, and R2 at generated ones (arXiv:1801.04406).

    judge: images [N, H, W, C] -> logits.
    """
    return tf.reduce_mean(_squared_gradients(judge, images))


def gradient_off_one(judge, real, fakes, between):
    """Mean of (|gradient| - 1)^2 at images on the lines between real and generated ones (arXiv:1704.00028).

    between: [N], uniform in 0..1, the places on the lines.
    """
    images = fakes + (real - fakes) * between[:, None, None, None]
    lengths = tf.sqrt(_squared_gradients(judge, images) + MIN_SQUARED_LENGTH)
    return tf.reduce_mean(tf.square(lengths - 1))


def _squared_gradients(judge, images):
    """|gradient of the sum of all logits|^2 at each image, [N].

    Where every image has a logit of its own, that is the gradient of this logit.
    """
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = tf.reduce_sum(judge(images))
    gradients = tf.cast(tape.gradient(logits, images), tf.float32)
    return tf.reduce_sum(tf.square(gradients), [1, 2, 3])
