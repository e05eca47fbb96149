"""The forward pass of training: what `model(x, training=True)` computes, through `dcgan_tf.gan.fast.ops`.

The Keras model stays as it is, and is saved as it is: only its layers' variables are used here. A layer that is not
known here, or set in a way that is not, runs as Keras has it.
"""

import math

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.gan.fast import convolution, ops
from dcgan_tf.layers import MinibatchStd

layers = keras.layers


class TrainingForward:
    """Runs the layers of a Sequential model as in training, and moves the averages of its batch normalizations.

    Where dropout scales what it keeps by 1 / (1 - rate), the factor goes into the kernel that comes next, which is
    much smaller than the images.
    """

    def __init__(self, model: keras.Sequential, keys):
        """keys: an iterator of int64 numbers, one of which every random layer takes for its own."""
        self._layers, previous = [], None
        for layer in model.layers:
            if type(layer) is layers.Dropout and type(previous) is layers.LeakyReLU and layer.noise_shape is None:
                self._layers[-1] = _run_leaky_dropout(previous, layer, keys)
            else:
                self._layers.append(_RUNNERS.get(type(layer), _run_as_keras)(layer, keys))
            previous = layer
        # Whether what becomes of an image depends on the others of its batch.
        self.couples_images = any(
            isinstance(layer, (layers.BatchNormalization, MinibatchStd)) for layer in model.layers
        )

    def __call__(self, x, draw):
        """draw: int64 scalar; another one at every call, for other random numbers."""
        scale = 1.0
        for layer, run in self._layers:
            x, scale = run(tf.cast(x, layer.compute_dtype), scale, draw)
        return x * scale


# Each of these takes a layer and gives it back with its run: (x, scale, draw) -> (y, scale). What x stands for is
# x * scale, and y * scale likewise; scale is a plain number.


def _run_as_keras(layer, keys):
    key = next(keys) if hasattr(layer, "seed_generator") else None

    def run(x, scale, draw):
        if key is not None:
            state = layer.seed_generator.state
            ops.assign(state.value, tf.cast(tf.stack([key, draw]), state.dtype))
        return layer(x if scale == 1 else x * scale, training=True), 1.0

    return layer, run


def _run_reshape(layer, keys):
    return layer, lambda x, scale, draw: (layer(x), scale)


def _run_leaky(layer, keys):
    return layer, lambda x, scale, draw: (ops.leaky_relu(x, layer.negative_slope), scale)


def _run_relu(layer, keys):
    if layer.activation is not keras.activations.relu:
        return _run_as_keras(layer, keys)
    return layer, lambda x, scale, draw: (ops.leaky_relu(x, 0.0), scale)


def _run_leaky_dropout(leaky, dropout, keys):
    key = tf.constant(next(keys), tf.int64)

    def run(x, scale, draw):
        y = ops.leaky_relu(x, leaky.negative_slope, dropout.rate, tf.stack([key, draw]))
        return y, scale / (1 - dropout.rate)

    return leaky, run


def _run_dropout(layer, keys):
    if layer.noise_shape is not None:
        return _run_as_keras(layer, keys)
    key = tf.constant(next(keys), tf.int64)

    def run(x, scale, draw):
        if not layer.rate:
            return x, scale
        # With a slope of 1, a leaky ReLU leaves all as it is.
        return ops.leaky_relu(x, 1.0, layer.rate, tf.stack([key, draw])), scale / (1 - layer.rate)

    return layer, run


def _run_dense(layer, keys):
    def run(x, scale, draw):
        dtype = x.dtype
        if layer.kernel.shape[0] <= 128:
            x = tf.cast(x, tf.float32)  # reading the weights takes longer than the products: no cast copies them
        y = tf.cast(tf.matmul(x, _kernel(layer, scale, x.dtype)), dtype)
        return layer.activation(_with_bias(y, layer)), 1.0

    return layer, run if len(layer.input.shape) == 2 else _run_as_keras(layer, keys)[1]


def _run_convolution(layer, keys):
    transposed = isinstance(layer, layers.Conv2DTranspose)
    if _is_unusual(layer) or transposed and layer.output_padding is not None:
        return _run_as_keras(layer, keys)
    images, features = layer.input.shape[1:], layer.output.shape[1:]
    if transposed:
        images, features = features, images
    geometry = convolution.Convolution(images, features, layer.kernel_size, layer.strides, layer.padding)
    operation = convolution.conv2d_transpose if transposed else convolution.conv2d

    def run(x, scale, draw):
        y = operation(x, _kernel(layer, scale, x.dtype), geometry)
        return layer.activation(_with_bias(y, layer)), 1.0

    return layer, run


def _is_unusual(layer) -> bool:
    return (
        layer.data_format != "channels_last"
        or layer.padding not in ("same", "valid")
        or getattr(layer, "groups", 1) != 1
        or math.prod(layer.dilation_rate) != 1
        or None in layer.input.shape[1:]
    )


def _run_batch_norm(layer, keys):
    # Below rank 4 the fused operation takes vectors, so that no other rank can be meant.
    if layer.renorm or layer.synchronized or layer.axis not in (-1, len(layer.input.shape) - 1):
        return _run_as_keras(layer, keys)
    channels = layer.input.shape[-1]

    def run(x, scale, draw):
        x = x if scale == 1 else x * scale
        gamma = layer.gamma.value if layer.scale else tf.ones([channels])
        beta = layer.beta.value if layer.center else tf.zeros([channels])
        y, mean, variance = ops.batch_norm(x, gamma, beta, layer.epsilon)
        for average, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            value = average * layer.momentum + tf.stop_gradient(now) * (1 - layer.momentum)
            ops.assign(average.value, value)
        return y, 1.0

    return layer, run


def _kernel(layer, scale, dtype):
    kernel = layer.kernel.value
    return tf.cast(kernel if scale == 1 else kernel * scale, dtype)


def _with_bias(y, layer):
    return tf.nn.bias_add(y, tf.cast(layer.bias.value, y.dtype)) if layer.use_bias else y


_RUNNERS = {
    layers.Flatten: _run_reshape,
    layers.Reshape: _run_reshape,
    layers.LeakyReLU: _run_leaky,
    layers.Activation: _run_relu,
    layers.Dropout: _run_dropout,
    layers.Dense: _run_dense,
    layers.Conv2D: _run_convolution,
    layers.Conv2DTranspose: _run_convolution,
    layers.BatchNormalization: _run_batch_norm,
}
