"""The fast operations against TensorFlow's plain ones, and against formulas."""

import numpy as np
import pytest

from dcgan_tf.common.backend import tf
from dcgan_tf.gan.fast import convolution, ops
from dcgan_tf.gan.fast.convolution import Convolution

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
        y = convolution.conv2d(images, kernel, geometry)
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
    for run in (plain, lambda *both: convolution.conv2d_transpose(*both, geometry)):
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
    in_graph = tf.function(lambda: penalty(lambda *both: convolution.conv2d(*both, geometry)))()
    scale = float(tf.reduce_max(tf.abs(expected)))
    np.testing.assert_allclose(in_graph / scale, expected / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 2, 5), (1, 5)])
def test_batch_norm_is_the_formula(shape):
    x, scale, offset = normal(*shape), normal(5), normal(5)
    y, mean, variance = ops.batch_norm(x, scale, offset, 1e-3)
    axes = tuple(range(len(shape) - 1))
    expected_mean, expected_variance = x.numpy().mean(axes), x.numpy().var(axes)
    np.testing.assert_allclose(mean, expected_mean, rtol=0, atol=1e-6)
    np.testing.assert_allclose(variance, expected_variance, rtol=0, atol=1e-5)
    expected = (x - expected_mean) / np.sqrt(expected_variance + 1e-3) * scale + offset
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4)


def lowbias32(words):
    """The hash as its author publishes it, in C."""
    words = np.atleast_1d(words).astype(np.uint32)  # arrays overflow without a warning
    words = (words ^ (words >> np.uint32(16))) * np.uint32(0x7FEB352D)
    words = (words ^ (words >> np.uint32(15))) * np.uint32(0x846CA68B)
    return words ^ (words >> np.uint32(16))


def keep_mask(*seed, shape=(3, 333, 101), rate=0.3):
    return ops.keep_mask(tf.constant(shape), rate, tf.constant(seed, tf.int64)).numpy()


def test_keep_mask_is_a_hash_of_the_place_and_of_all_bits_of_the_seed():
    seed = np.array([-5, 7 << 40], np.int64)
    one = two = np.uint32(0)
    for word in seed.view(np.uint32):  # the lower half of each number first
        one, two = lowbias32(one ^ word), lowbias32(two ^ one)
    expected = lowbias32(lowbias32(np.arange(30, dtype=np.uint32) ^ one) ^ two) >= round(0.3 * 2**32)
    assert np.array_equal(keep_mask(*seed, shape=(5, 6)), expected.reshape(5, 6))


def test_keep_mask_drops_the_share_it_should_by_seed():
    drawn = keep_mask(5, 1)
    assert drawn.shape == (3, 333, 101) and drawn.dtype == bool
    # 100,899 draws: the standard deviation of the share is 0.0014.
    assert drawn.mean() == pytest.approx(0.7, abs=0.006)
    assert keep_mask(5, 1, rate=0.01).mean() == pytest.approx(0.99, abs=0.0013)
    assert np.array_equal(drawn, keep_mask(5, 1))


@pytest.mark.parametrize("other", [(5, 2), (5, 3), (6, 1), (1, 5), (5, 1 + 2**32), (5 + 2**32, 1), (-5, 1)])
def test_keep_masks_of_two_seeds_are_independent(other):
    first, second = keep_mask(5, 1).ravel(), keep_mask(*other).ravel()
    for shift in (0, 1, 2, 3, 5, 6, 64):  # nor are they parts of one sequence
        agree = first[shift:] == second[: second.size - shift]
        assert agree.mean() == pytest.approx(0.7**2 + 0.3**2, abs=0.007)


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 8, 64, 101, 128, 1024, 33633])
def test_the_places_of_a_keep_mask_are_independent(distance):
    drawn = keep_mask(5, 1).ravel()
    assert (drawn[distance:] == drawn[:-distance]).mean() == pytest.approx(0.58, abs=0.0085)


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("side", [4, 128], ids=["small", "large"])
@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("on_cpu", [True, False], ids=["CPU", "as on a GPU"])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("bfloat16", 0.05)])
def test_leaky_relu_and_its_gradients_with_and_without_dropout(
    monkeypatch, dtype, tolerance, on_cpu, side, slope, rate
):
    monkeypatch.setattr(ops, "on_cpu", lambda: on_cpu)
    x, direction = (tf.cast(normal(2, side, side, 1), dtype) for _ in range(2))
    seed = tf.constant([3, 4], tf.int64)

    @tf.function
    def run():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = ops.leaky_relu(x, slope, rate, seed)
            first = inner.gradient(y, x, direction * x)
        return y, first, outer.gradient(first, x)

    kept = ops.keep_mask(tf.shape(x), rate, seed).numpy()
    y, first, second, x, direction = (tensor.numpy().astype("float32") for tensor in (*run(), x, direction))
    slopes = np.where(x > 0, 1, slope) * kept
    np.testing.assert_allclose(y, x * slopes, rtol=0, atol=tolerance)
    np.testing.assert_allclose(first, direction * x * slopes, rtol=0, atol=2 * tolerance)
    np.testing.assert_allclose(second, direction * slopes, rtol=0, atol=tolerance)
    if slope:
        assert np.array_equal(y == 0, ~kept)  # dropped, and nothing else
    assert kept.mean() == pytest.approx(1 - rate, abs=4 * (rate * (1 - rate) / kept.size) ** 0.5)
