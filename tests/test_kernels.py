"""The fast operations against TensorFlow's plain ones, and against formulas."""

import numpy as np
import pytest

from dcgan_tf import kernels
from dcgan_tf.backend import tf
from dcgan_tf.kernels import Convolution

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return tf.constant(RANDOM.normal(size=shape), tf.float32)


def same(height, width, channels, filters, kernel, stride):
    small = -(-height // stride), -(-width // stride)
    return Convolution((height, width, channels), (*small, filters), (kernel, kernel), (stride, stride), "same")


GEOMETRIES = [
    same(8, 8, 3, 5, 4, 2),  # a few channels: the input gradient in blocks
    same(9, 7, 3, 5, 5, 2),  # odd sides
    same(12, 12, 1, 4, 5, 3),
    same(8, 8, 6, 5, 4, 2),
    same(7, 10, 6, 5, 5, 2),
    same(6, 6, 6, 5, 3, 1),
    same(5, 5, 6, 5, 1, 2),  # the stride is wider than the kernel
    same(1, 1, 6, 5, 4, 2),  # the kernel sees padding, mostly
    Convolution((9, 9, 2), (5, 5, 4), (5, 5), (1, 1), "valid"),
    Convolution((4, 4, 6), (1, 1, 3), (4, 4), (1, 1), "valid"),  # the whole image: a product
    Convolution((8, 6, 3), (4, 2, 5), (4, 4), (2, 3), "same"),  # a stride that is not square
]


@pytest.fixture(params=[False, True], ids=["plain", "products"])
def by_products(request, monkeypatch):
    """Also in float32, so that rounding does not hide mistakes."""
    if request.param:
        monkeypatch.setattr(Convolution, "_by_products", lambda self, dtype, positions: self._has_blocks)
    return request.param


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_a_convolution_and_its_gradients_are_those_of_tensorflow(geometry, by_products):
    images, features = normal(3, *geometry.images), normal(3, *geometry.features)
    kernel = normal(*geometry.kernel, geometry.images[-1], geometry.features[-1])
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        expected = tf.nn.conv2d(images, kernel, geometry.strides, geometry.padding.upper())
    expected = [expected, *tape.gradient(expected, [images, kernel], features)]
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        y = kernels.conv2d(images, kernel, geometry)
    for a, b in zip([y, *tape.gradient(y, [images, kernel], features)], expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_a_transposed_convolution_and_its_gradients_are_those_of_tensorflow(geometry, by_products):
    images, features = normal(3, *geometry.images), normal(3, *geometry.features)
    kernel = normal(*geometry.kernel, geometry.images[-1], geometry.features[-1])

    def plain(features, kernel):
        return tf.nn.conv2d_transpose(
            features, kernel, [3, *geometry.images], geometry.strides, geometry.padding.upper()
        )

    results = []
    for run in (plain, lambda *both: kernels.conv2d_transpose(*both, geometry)):
        with tf.GradientTape() as tape:
            tape.watch([features, kernel])
            y = run(features, kernel)
        results.append([y, *tape.gradient(y, [features, kernel], images)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_in_16_bits_the_gradient_of_the_smallest_images_is_right(side):
    """Where most of the kernel sees padding; TensorFlow 2.21's own operation returns uninitialized memory there."""
    geometry = same(side, side, 16, 8, 4, 2)
    images, features = normal(32, *geometry.images), normal(32, *geometry.features)
    expected = geometry.filter_gradient(images, features)
    for _ in range(3):
        got = geometry.filter_gradient(tf.cast(images, tf.bfloat16), tf.cast(features, tf.bfloat16))
        np.testing.assert_allclose(tf.cast(got, tf.float32), expected, rtol=0, atol=0.3)  # of sums of about 10


@pytest.mark.parametrize("geometry", [GEOMETRIES[0], GEOMETRIES[3]], ids=str)
def test_gradients_of_gradients(geometry, by_products):
    """Penalties on the discriminator's gradient differentiate twice."""
    images, kernel = normal(2, *geometry.images), normal(*geometry.kernel, geometry.images[-1], geometry.features[-1])

    def penalty(run):
        with tf.GradientTape() as outer:
            outer.watch(kernel)
            with tf.GradientTape() as inner:
                inner.watch(images)
                y = tf.reduce_sum(tf.tanh(run(images, kernel)))
            loss = tf.reduce_sum(inner.gradient(y, images) ** 2)
        return outer.gradient(loss, kernel)

    expected = penalty(lambda *both: tf.nn.conv2d(*both, geometry.strides, geometry.padding.upper()))
    in_graph = tf.function(lambda: penalty(lambda *both: kernels.conv2d(*both, geometry)))()
    scale = float(tf.reduce_max(tf.abs(expected)))
    np.testing.assert_allclose(in_graph / scale, expected / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 2, 5), (1, 5)])
def test_batch_norm_is_the_formula(shape):
    x, scale, offset = normal(*shape), normal(5), normal(5)
    y, mean, variance = kernels.batch_norm(x, scale, offset, 1e-3)
    axes = tuple(range(len(shape) - 1))
    expected_mean, expected_variance = x.numpy().mean(axes), x.numpy().var(axes)
    np.testing.assert_allclose(mean, expected_mean, rtol=0, atol=1e-6)
    np.testing.assert_allclose(variance, expected_variance, rtol=0, atol=1e-5)
    expected = (x - expected_mean) / np.sqrt(expected_variance + 1e-3) * scale + offset
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4)


def test_keep_mask_drops_the_share_it_should_by_seed():
    def mask(*seed):
        return kernels.keep_mask(tf.constant([3, 333, 101]), 0.3, tf.constant(seed, tf.int64)).numpy()

    drawn = mask(5, 1)
    assert drawn.shape == (3, 333, 101) and drawn.dtype == bool  # an odd number of them
    # 100,899 draws: the standard deviation of the share is 0.0014.
    assert drawn.mean() == pytest.approx(0.7, abs=0.006)
    assert np.array_equal(drawn, mask(5, 1))
    for other in (mask(5, 2), mask(6, 1)):
        assert (drawn == other).mean() == pytest.approx(0.7**2 + 0.3**2, abs=0.007)  # as independent ones are
    # Neighbours share a random word: they are independent, too.
    assert (drawn[..., 1:] == drawn[..., :-1]).mean() == pytest.approx(0.58, abs=0.007)


@pytest.mark.parametrize("slope", [0.0, 0.3])
@pytest.mark.parametrize("side", [4, 128], ids=["plain", "compiled"])
@pytest.mark.parametrize("drops", [False, True])
def test_leaky_relu_and_its_gradients_with_and_without_dropout(side, slope, drops):
    x, direction = normal(2, side, side, 1), normal(2, side, side, 1)
    keep = tf.constant(RANDOM.random(x.shape) < 0.7) if drops else None

    @tf.function
    def run():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = kernels.leaky_relu(x, slope, keep)
            first = inner.gradient(y, x, direction * x)
        return y, first, outer.gradient(first, x)

    slopes = np.where(x > 0, 1, slope) * (1 if keep is None else keep.numpy())
    y, first, second = run()
    np.testing.assert_allclose(y, x * slopes, rtol=0, atol=1e-6)
    np.testing.assert_allclose(first, direction * x * slopes, rtol=0, atol=1e-6)
    np.testing.assert_allclose(second, direction * slopes, rtol=0, atol=1e-6)
