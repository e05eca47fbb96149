"""An order of images in which all classes come equally often, as a pure function of seed and step like any other order."""

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.config.order import Order

SHUFFLE_ROUNDS = 4  # As index_shuffle has them.


class Balanced:
    """The images by class. Draw number d of a run is of class d mod K, once the draws of an epoch are shuffled.

    Each class goes through all its images, in a new order each time: no image of a class comes twice before all others
    have come. So a small class comes round several times in an epoch, and a large one takes several epochs.
    """

    def __init__(self, numbers: np.ndarray):
        """numbers: the class of each image, int64 [N], 0 to K - 1, each of which has one image at least."""
        self._members = tf.constant(np.argsort(numbers, kind="stable"), tf.int64)
        self._counts = tf.constant(np.bincount(numbers), tf.int64)
        self._starts = tf.cumsum(self._counts, exclusive=True)

    def indices(self, order: Order, epoch, places):
        """The images at some places of an epoch, int64 [n] each."""
        classes = tf.size(self._counts, tf.int64)
        places = tf.random.experimental.index_shuffle(
            places, tf.stack([tf.constant(order.seed, tf.int64), epoch]), tf.constant(order.images - 1, tf.int64)
        )
        # Draws are counted over all epochs, so that a class goes on where it was.
        draws = epoch * order.images + places
        own, number = draws % classes, draws // classes
        count, seed = tf.gather(self._counts, own), tf.fill(tf.shape(own), tf.constant(order.seed, tf.int64))
        # Each round of a class has a seed of its own. TensorFlow 2.21's index_shuffle fails for several seeds.
        seeds = tf.stack([seed, own, number // count], 1)
        member = tf.raw_ops.RandomIndexShuffle(
            index=number % count, seed=seeds, max_index=count - 1, rounds=SHUFFLE_ROUNDS
        )
        return tf.gather(self._members, tf.gather(self._starts, own) + member)
