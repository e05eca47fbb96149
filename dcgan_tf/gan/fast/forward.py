"""The forward pass of training: what `model(x, training=True)` computes, through `dcgan_tf.gan.fast.ops`.

The Keras model stays as it is, and is saved as it is: only its layers' variables are used here. A layer of another
class, or with unusual settings, runs as Keras has it.
"""

import math

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.gan.fast import convolution, ops
from dcgan_tf.layers import MinibatchStd
from dcgan_tf.nets.calls import calls_of

layers = keras.layers


class TrainingForward:
    """Runs the layers of a model as in training, and moves the averages of its batch normalizations.

    Where dropout scales what it keeps by 1 / (1 - rate), the factor goes into the kernel of the next layer, which is
    much smaller than the images.
    """

    def __init__(self, model: keras.Model, keys, runners=None):
        """keys: an iterator of int64 numbers, one of which every random layer takes for its own.
        runners: how each class of layers runs; None for the fastest way, see `make_runners`."""
        runners, self._calls, self._runs = runners or RUNNERS, calls_of(model), {}
        leaky = {call.gives: call.layer for call in self._calls.calls if type(call.layer) is layers.LeakyReLU}
        for layer, takes, gives in self._calls.calls:
            before = leaky.get(takes[0])
            if (
                type(layer) is layers.Dropout
                and before
                and layer.noise_shape is None
                and self._calls.users(takes[0]) == 1
            ):
                self._runs[takes[0]] = runners[LEAKY_DROPOUT](before, layer, keys)
                self._runs[gives] = before, _run_nothing
            else:
                self._runs[gives] = runners.get(type(layer), run_as_keras)(layer, keys)

    def __call__(self, inputs, draw):
        """draw: int64 scalar; another one at every call, for other random numbers."""

        def compute(call, values):
            layer, run = self._runs[call.gives]
            if len(values) > 1:
                return run([_cast(_unscaled(value), layer.compute_dtype) for value in values], 1.0, draw)
            x, scale = values[0]
            return run(_cast(x, layer.compute_dtype), scale, draw)

        is_list = isinstance(inputs, list)
        given = self._calls.run([(x, 1.0) for x in inputs] if is_list else (inputs, 1.0), compute)
        return [_unscaled(value) for value in given] if isinstance(given, list) else _unscaled(given)


def _unscaled(value):
    x, scale = value
    return x if scale == 1 else x * scale


def _cast(x, dtype):
    """Labels stay whole numbers: bfloat16 has them up to 256 alone."""
    return tf.cast(x, dtype) if x.dtype.is_floating else x


def couples_images(model: keras.Model) -> bool:
    """Whether the model's output for an image depends on the other images of the batch."""
    return any(isinstance(layer, (layers.BatchNormalization, MinibatchStd)) for layer in model.layers)


# Each runner takes a layer and returns it with its run: (x, scale, draw) -> (y, scale). The layer's true input is
# x * scale, and its true output y * scale; scale is a plain number. A layer of several inputs takes a list of them, with a
# scale of 1.

LEAKY_DROPOUT = (layers.LeakyReLU, layers.Dropout)  # A leaky ReLU and the dropout after it run as one layer.


def make_runners(leaky_relu=ops.leaky_relu, dense=ops.dense, geometry=convolution.Convolution) -> dict:
    """The runner of each class of layers, made of these operations: functions with the signatures of the defaults."""
    return {
        layers.Flatten: _run_reshape,
        layers.Reshape: _run_reshape,
        layers.LeakyReLU: lambda layer, keys: _run_leaky(layer, leaky_relu),
        layers.Activation: lambda layer, keys: _run_relu(layer, keys, leaky_relu),
        layers.Dropout: lambda layer, keys: _run_dropout(layer, keys, leaky_relu),
        LEAKY_DROPOUT: lambda leaky, dropout, keys: _run_leaky_dropout(leaky, dropout, keys, leaky_relu),
        layers.Dense: lambda layer, keys: _run_dense(layer, keys, dense),
        layers.Conv2D: lambda layer, keys: _run_convolution(layer, keys, geometry),
        layers.Conv2DTranspose: lambda layer, keys: _run_convolution(layer, keys, geometry),
        layers.BatchNormalization: _run_batch_norm,
        layers.Embedding: _run_embedding,
    }


def _run_nothing(x, scale, draw):
    return x, scale


def run_as_keras(layer, keys):
    key = next(keys) if hasattr(layer, "seed_generator") else None

    def run(x, scale, draw):
        if key is not None:
            state = layer.seed_generator.state
            ops.assign(state.value, tf.cast(tf.stack([key, draw]), state.dtype))
        return layer(x if scale == 1 else x * scale, training=True), 1.0

    return layer, run


def _run_reshape(layer, keys):
    return layer, lambda x, scale, draw: (layer(x), scale)


def _run_leaky(layer, leaky_relu):
    return layer, lambda x, scale, draw: (leaky_relu(x, layer.negative_slope), scale)


def _run_relu(layer, keys, leaky_relu):
    if layer.activation is not keras.activations.relu:
        return run_as_keras(layer, keys)
    return layer, lambda x, scale, draw: (leaky_relu(x, 0.0), scale)


def _run_leaky_dropout(leaky, dropout, keys, leaky_relu):
    key = tf.constant(next(keys), tf.int64)

    def run(x, scale, draw):
        y = leaky_relu(x, leaky.negative_slope, dropout.rate, tf.stack([key, draw]))
        return y, scale / (1 - dropout.rate)

    return leaky, run


def _run_embedding(layer, keys):
    return layer, lambda labels, scale, draw: (ops.embedding(labels, layer.embeddings.value, layer.compute_dtype), 1.0)


def _run_dropout(layer, keys, leaky_relu):
    if layer.noise_shape is not None:
        return run_as_keras(layer, keys)
    key = tf.constant(next(keys), tf.int64)

    def run(x, scale, draw):
        if not layer.rate:
            return x, scale
        # A leaky ReLU with a slope of 1 changes nothing, so that its dropout alone is left.
        return leaky_relu(x, 1.0, layer.rate, tf.stack([key, draw])), scale / (1 - layer.rate)

    return layer, run


def _run_dense(layer, keys, dense):
    if len(layer.input.shape) != 2:
        return run_as_keras(layer, keys)

    def run(x, scale, draw):
        return layer.activation(_with_bias(dense(x, layer.kernel.value, scale), layer)), 1.0

    return layer, run


def _run_convolution(layer, keys, geometry):
    transposed = isinstance(layer, layers.Conv2DTranspose)
    if _is_unusual(layer) or transposed and layer.output_padding is not None:
        return run_as_keras(layer, keys)
    images, features = layer.input.shape[1:], layer.output.shape[1:]
    if transposed:
        images, features = features, images
    sizes = geometry(images, features, layer.kernel_size, layer.strides, layer.padding)
    operation = convolution.conv2d_transpose if transposed else convolution.conv2d

    def run(x, scale, draw):
        y = operation(x, ops.scaled(layer.kernel.value, scale, x.dtype), sizes)
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
    # The fused operation normalizes the last axis alone.
    if layer.renorm or layer.synchronized or layer.axis not in (-1, len(layer.input.shape) - 1):
        return run_as_keras(layer, keys)
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


def _with_bias(y, layer):
    return tf.nn.bias_add(y, tf.cast(layer.bias.value, y.dtype)) if layer.use_bias else y


RUNNERS = make_runners()
