"""Layers that Keras does not have. A net with one of them loads in plain Keras after `import dcgan_tf.layers`."""

from dcgan_tf.common.backend import keras, tf


@keras.saving.register_keras_serializable("dcgan_tf")
class MinibatchStd(keras.layers.Layer):
    """Appends one channel that says how much the images of a batch differ: [N, H, W, C] -> [N, H, W, C + 1].

    Every value of the new channel is the same number: the standard deviation over the batch, taken for each feature at
    each place, then averaged (section 3 of arXiv:1710.10196, with the whole batch as one group). It lets a
    discriminator notice a generator whose images are all alike.
    """

    def call(self, x):
        wide = tf.cast(x, tf.float32)
        variance = tf.math.reduce_variance(wide, axis=0)  # [H, W, C]
        # The gradient of a root is infinite at 0; the paper's own code adds the same constant.
        number = tf.cast(tf.reduce_mean(tf.sqrt(variance + 1e-8)), x.dtype)
        return tf.concat([x, tf.broadcast_to(number, [*tf.unstack(tf.shape(x)[:-1]), 1])], -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)
