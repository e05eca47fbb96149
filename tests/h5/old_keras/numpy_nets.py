"""What a Sequential computes, in NumPy alone: for nets that the TensorFlow at hand cannot run on a CPU.

Convolutions with data_format="channels_first" are such. Images are turned to channels_last before, and back after.
"""

import numpy as np

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def _pad_same(x, size, stride, axis):
    """Pads one axis as TensorFlow does for "same": the larger half comes after."""
    length = x.shape[axis]
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    widths = [(0, 0)] * x.ndim
    widths[axis] = (total // 2, total - total // 2)
    return np.pad(x, widths, mode="constant")


def _conv2d(x, kernel, strides, padding):
    """x [N, H, W, C], kernel [h, w, C, D]."""
    if padding == "same":
        x = _pad_same(_pad_same(x, kernel.shape[0], strides[0], 1), kernel.shape[1], strides[1], 2)
    height = (x.shape[1] - kernel.shape[0]) // strides[0] + 1
    width = (x.shape[2] - kernel.shape[1]) // strides[1] + 1
    y = np.zeros([x.shape[0], height, width, kernel.shape[3]])
    for i in range(height):
        for j in range(width):
            top, left = i * strides[0], j * strides[1]
            patch = x[:, top : top + kernel.shape[0], left : left + kernel.shape[1]]
            y[:, i, j] = np.tensordot(patch, kernel, 3)
    return y


def _conv2d_transpose(x, kernel, strides, padding):
    """x [N, H, W, C], kernel [h, w, D, C]: every pixel adds its kernel to the image, and "same" crops the margins."""
    count, height, width, _ = x.shape
    full = [max(n * s, (n - 1) * s + k) for n, s, k in zip((height, width), strides, kernel.shape)]
    y = np.zeros([count, full[0], full[1], kernel.shape[2]])
    for i in range(height):
        for j in range(width):
            top, left = i * strides[0], j * strides[1]
            y[:, top : top + kernel.shape[0], left : left + kernel.shape[1]] += np.tensordot(x[:, i, j], kernel, (1, 3))
    if padding == "valid":
        return y
    before = [max(k - s, 0) // 2 for k, s in zip(kernel.shape, strides)]
    return y[:, before[0] : before[0] + height * strides[0], before[1] : before[1] + width * strides[1]]


def _convolve(x, config, weights, convolution):
    y = convolution(x, weights[0], config["strides"], config["padding"])
    return ACTIVATIONS[config["activation"]](y + weights[1] if config["use_bias"] else y)


def _batch_norm(x, config, weights):
    gamma, beta, mean, variance = weights
    axis = np.ravel(config["axis"])[0]
    shape = [1] * x.ndim
    shape[axis] = -1
    gamma, beta, mean, variance = [value.reshape(shape) for value in (gamma, beta, mean, variance)]
    return (x - mean) / np.sqrt(variance + config["epsilon"]) * gamma + beta


def _flatten(x, config):
    if config.get("data_format") == "channels_first" and x.ndim == 4:
        x = x.transpose(0, 2, 3, 1)
    return x.reshape(len(x), -1)


def _leaky(x, config):
    slope = float(config["alpha"] if "alpha" in config else config["negative_slope"])
    return np.where(x > 0, x, slope * x)


PLAIN = {
    "InputLayer": lambda x, config, weights: x,
    "Dropout": lambda x, config, weights: x,
    "Dense": lambda x, config, weights: ACTIVATIONS[config["activation"]](x @ weights[0] + weights[1]),
    "Reshape": lambda x, config, weights: x.reshape((len(x),) + tuple(config["target_shape"])),
    "Flatten": lambda x, config, weights: _flatten(x, config),
    "Activation": lambda x, config, weights: ACTIVATIONS[config["activation"]](x),
    "LeakyReLU": lambda x, config, weights: _leaky(x, config),
    "BatchNormalization": _batch_norm,
}
SPATIAL = {
    "Conv2D": lambda x, config, weights: _convolve(x, config, weights, _conv2d),
    "Conv2DTranspose": lambda x, config, weights: _convolve(x, config, weights, _conv2d_transpose),
    "UpSampling2D": lambda x, config, weights: x.repeat(config["size"][0], 1).repeat(config["size"][1], 2),
}


def predict(net, x):
    """What `net`, a Sequential of the layers above, gives for the batch x, in inference."""
    x = np.asarray(x, "float64")
    for layer in net.layers:
        kind, config = type(layer).__name__, layer.get_config()
        weights = [np.asarray(value, "float64") for value in layer.get_weights()]
        if kind in PLAIN:
            x = PLAIN[kind](x, config, weights)
        elif config["data_format"] == "channels_first":
            x = SPATIAL[kind](x.transpose(0, 2, 3, 1), config, weights).transpose(0, 3, 1, 2)
        else:
            x = SPATIAL[kind](x, config, weights)
    return x.astype("float32")
