"""The plain arithmetic of a step: Keras's own layers and optimizer, and a backward pass for each loss.

`dcgan_tf.gan.fast` is tested against it. Both have the same random numbers, dropout masks included.
"""

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.gan.fast import ops
from dcgan_tf.nets.calls import calls_of

layers = keras.layers


class Forward:
    """The forward pass of training: `model(inputs, training=True)`, with random numbers that are functions of a draw."""

    def __init__(self, model: keras.Model, keys):
        """keys: an iterator of int64 numbers, one of which every random layer takes for its own."""
        self._calls = calls_of(model)
        self._runs = {call.gives: _run_of(call.layer, keys) for call in self._calls.calls}

    def __call__(self, inputs, draw):
        """draw: int64 scalar; another one at every call, for other random numbers."""
        return self._calls.run(inputs, lambda call, given: self._runs[call.gives](*given, draw=draw))


def _run_of(layer, keys):
    """(x, draw) -> y, for one layer."""
    if type(layer) is layers.Dropout and layer.noise_shape is None:
        return _dropout(layer, next(keys))
    if type(layer) is layers.BatchNormalization and not (layer.renorm or layer.synchronized):
        return _batch_norm(layer)
    if hasattr(layer, "seed_generator"):
        return _seeded(layer, next(keys))
    if type(layer) is layers.Embedding:
        return lambda labels, draw: ops.embedding(labels, layer.embeddings.value, layer.compute_dtype)
    return lambda *given, draw: layer(given[0] if len(given) == 1 else list(given), training=True)


def _dropout(layer, key):
    def run(x, draw):
        x = tf.cast(x, layer.compute_dtype)
        keep = ops.keep_mask(tf.shape(x), layer.rate, tf.stack([tf.constant(key, tf.int64), draw]))
        return tf.where(keep, x / (1 - layer.rate), tf.zeros([], x.dtype))

    return run


def _batch_norm(layer):
    """arXiv:1502.03167, written out. Penalties on the discriminator's gradient need a second derivative, and that of
    Keras's layer is wrong: its variance treats the mean as a constant."""

    def run(x, draw):
        x = tf.cast(x, tf.float32)
        others = [axis for axis in range(len(x.shape)) if axis != layer.axis % len(x.shape)]
        mean = tf.reduce_mean(x, others, keepdims=True)
        variance = tf.reduce_mean((x - mean) ** 2, others, keepdims=True)
        y = (x - mean) * tf.math.rsqrt(variance + layer.epsilon)
        if layer.scale:
            y *= tf.reshape(layer.gamma.value, mean.shape)
        if layer.center:
            y += tf.reshape(layer.beta.value, mean.shape)
        for average, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            now = tf.stop_gradient(tf.reshape(now, [-1]))
            average.assign(average.value * layer.momentum + now * (1 - layer.momentum))
        return tf.cast(y, layer.compute_dtype)

    return run


def _seeded(layer, key):
    def run(*given, draw):
        state = layer.seed_generator.state
        state.assign(tf.cast(tf.stack([tf.constant(key, tf.int64), draw]), state.dtype))
        return layer(given[0] if len(given) == 1 else list(given), training=True)

    return run


def backward(tape, losses, logits, weights, fakes):
    """(gradients of the discriminator's loss at its weights, that of the generator's loss at the fakes [N, H, W, C]).

    tape: persistent; it recorded how the losses came about. losses: the discriminator's and the generator's, scalars.
    logits: those of the real images and of the fakes, between the two.
    """
    d_loss, g_loss = losses
    return tape.gradient(d_loss, weights), tape.gradient(g_loss, fakes)


def apply(optimizer, gradients, model) -> None:
    """One step of the optimizer, on one device."""
    optimizer.apply(gradients, model.trainable_variables)
