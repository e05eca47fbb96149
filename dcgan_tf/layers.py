"""Layers that Keras does not have. A net with one of them loads in plain Keras after `import dcgan_tf.layers`."""

from dcgan_tf.common.backend import keras, tf


@keras.saving.register_keras_serializable("dcgan_tf")
class MinibatchStd(keras.layers.Layer):
    """Images [N, H, W, C] -> [N, H, W, C + 1]: the last channel is one number, how much the images differ from each other.

    It is the standard deviation over the batch of every feature at every place, and of these the mean (section 3 of
    arXiv:1710.10196, with the whole batch as one group). A discriminator sees by it that a generator makes all alike.
    """

    def call(self, x):
        wide = tf.cast(x, tf.float32)
        variance = tf.math.reduce_variance(wide, axis=0)  # [H, W, C]
        # The root of 0 has no gradient; the paper's programs add the same.
        number = tf.cast(tf.reduce_mean(tf.sqrt(variance + 1e-8)), x.dtype)
        return tf.concat([x, tf.broadcast_to(number, [*tf.unstack(tf.shape(x)[:-1]), 1])], -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)
