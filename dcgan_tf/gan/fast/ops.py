"""The operations that cost most time in a step, computed faster than by Keras's layers; the functions are the same.

Each was measured in bfloat16 on a CPU with AMX against what Keras 3 does on TensorFlow 2.21 (docs/performance.md):
TensorFlow's fused batch normalization, dropout by hashes instead of random floats, leaky ReLU and dropout in one
compiled loop, small dense layers without casts of their weights, and Adam in one pass.
"""

import math

from dcgan_tf.common.backend import tf

MIN_COMPILED_VALUES = 2**14  # for each image, of a leaky ReLU without dropout
MAX_FLOAT32_INPUTS = 128  # of a dense layer whose product is made in float32


def batch_norm(x, scale, offset, epsilon: float):
    """Normalizes x [N, ..., C] over all axes but the last, by its own statistics (arXiv:1502.03167).

    Returns y as x, and mean and variance [C], float32; the variance is that of the batch, not of what it is drawn from.
    """
    channels = x.shape[-1]
    images = x if x.shape.rank == 4 else tf.reshape(x, [-1, 1, 1, channels])
    unused = tf.zeros([0])
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images, scale=scale, offset=offset, mean=unused, variance=unused, epsilon=epsilon, is_training=True
    )
    count = tf.cast(tf.size(x) // channels, tf.float32)
    return tf.reshape(y, tf.shape(x)), mean, variance * ((count - 1) / count)  # the operation divided by count - 1


def keep_mask(shape, rate: float, seed):
    """Booleans of `shape`, False with the probability `rate`: a pure function of seed, int64 [2].

    On a CPU they are hashes of the places: a compiled loop draws them where it uses them, and never stores them. A GPU
    draws others for the same seed.
    """
    if not on_cpu():
        return tf.random.stateless_uniform(shape, seed) >= rate
    first = second = tf.constant(0, tf.uint32)
    for word in tf.unstack(tf.reshape(tf.bitcast(seed, tf.uint32), [4])):
        first, second = _hash(first ^ word), _hash(second ^ first)
    # A single hash would give two seeds the same numbers in another order.
    places = tf.cast(tf.range(tf.reduce_prod(shape)), tf.uint32)
    numbers = _hash(_hash(places ^ first) ^ second)
    return tf.reshape(numbers >= tf.constant(round(rate * 2**32), tf.uint32), shape)


def _hash(words):
    """Maps uint32 to uint32, one to one: "lowbias32" of Chris Wellons, "Prospecting for Hash Functions" (2018)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        words = (words ^ tf.bitwise.right_shift(words, tf.constant(shift, tf.uint32))) * tf.constant(factor, tf.uint32)
    return words ^ tf.bitwise.right_shift(words, tf.constant(16, tf.uint32))


def leaky_relu(x, slope: float, rate: float = 0.0, seed=None, may_compile: bool = True):
    """max(x, slope * x), 0 <= slope <= 1, and 0 where `keep_mask(tf.shape(x), rate, seed)`, 0 <= rate < 1, is False.

    may_compile: whether XLA may compile the operation where that is faster.
    """
    # XLA makes one loop over all threads of what TensorFlow alone does in many, which are slow in 16 bits. Without
    # dropout, the call costs more than it saves for a small x.
    is_worth_it = rate or x.dtype == tf.bfloat16 and math.prod(x.shape[1:]) >= MIN_COMPILED_VALUES
    forward, backward = _LEAKY_COMPILED if may_compile and on_cpu() and is_worth_it else _LEAKY
    seed = tf.zeros([2], tf.int64) if seed is None else seed

    @tf.custom_gradient
    def run(x):
        y = forward(x, slope, rate, seed)
        # The backward pass draws the mask again from the seed and reads the sign from y, so x need not be kept.
        return y, lambda gradient: backward(gradient, y, slope, rate, seed)

    return run(x)


def _leaky(x, slope, rate, seed):
    return _dropped(tf.nn.leaky_relu(x, slope), rate, seed)


def _leaky_gradient(gradient, y, slope, rate, seed):
    return _dropped(tf.raw_ops.LeakyReluGrad(gradients=gradient, features=y, alpha=slope), rate, seed)


def _dropped(x, rate, seed):
    return tf.where(keep_mask(tf.shape(x), rate, seed), x, tf.zeros([], x.dtype)) if rate else x


_LEAKY = (_leaky, _leaky_gradient)
_LEAKY_COMPILED = tuple(tf.function(function, jit_compile=True, autograph=False) for function in _LEAKY)


def dense(x, kernel, scale: float = 1.0):
    """x [N, inputs] @ kernel [inputs, units] * scale, as x is; the product of few inputs is made in float32."""
    dtype = x.dtype
    if kernel.shape[0] <= MAX_FLOAT32_INPUTS:
        x = tf.cast(x, tf.float32)  # Reading the weights takes longer than the product: a cast would copy them.
    return tf.cast(tf.matmul(x, scaled(kernel, scale, x.dtype)), dtype)


def embedding(labels, table, dtype):
    """Rows of a table [classes, D] by labels [N], any number type -> [N, D]. As a product with one-hot vectors, its gradient
    is a tensor like that of any other weight; that of a lookup is a list of rows, which the optimizers here do not take."""
    return tf.matmul(tf.one_hot(tf.cast(labels, tf.int32), table.shape[0], dtype=dtype), tf.cast(table, dtype))


def scaled(kernel, scale: float, dtype):
    """kernel * scale, in the precision of the layer's inputs."""
    return tf.cast(kernel if scale == 1 else kernel * scale, dtype)


def assign(variable, value):
    """Sets a tf.Variable. Each of several replicas sets its own copy, which `variable.assign` would not do."""
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


def move_towards(variable, value, rate):
    """variable += rate * (value - variable), in one pass; rate: float32 scalar."""
    tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=variable - value)


def adam(variable, gradient, m, v, step, learning_rate, beta_1: float, beta_2: float, epsilon: float):
    """Adam's update number `step` (from 1; float32 scalar) of float32 tf.Variables, in one pass (arXiv:1412.6980)."""
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=m.handle,
        v=v.handle,
        beta1_power=tf.pow(beta_1, step),
        beta2_power=tf.pow(beta_2, step),
        lr=learning_rate,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=gradient,
    )


def on_cpu() -> bool:
    """Whether TensorFlow sees no GPU: the libraries of a GPU choose the fastest way by themselves."""
    return not tf.config.list_physical_devices("GPU")
