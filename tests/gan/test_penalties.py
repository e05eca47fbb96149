import numpy as np
import pytest

from dcgan_tf.common.backend import tf
from dcgan_tf.gan import penalties

WEIGHTS = tf.constant(np.random.default_rng(0).normal(size=[3, 4, 2]), tf.float32)


def linear(images):
    return tf.reduce_sum(images * WEIGHTS, [1, 2, 3])[:, None]


def quadratic(images):
    return 0.5 * tf.reduce_sum(images**2, [1, 2, 3])[:, None]  # its gradient is the image


def images(seed):
    return tf.constant(np.random.default_rng(seed).normal(size=[5, 3, 4, 2]), tf.float32)


def test_gradient_of_a_linear_judge_is_its_weights():
    expected = float(np.sum(WEIGHTS.numpy() ** 2))
    assert float(penalties.gradient_size(linear, images(1))) == pytest.approx(expected, rel=1e-6)
    length = np.sqrt(expected)
    got = penalties.gradient_off_one(linear, images(1), images(2), tf.zeros([5]))
    assert float(got) == pytest.approx((length - 1) ** 2, rel=1e-5)


def test_it_is_the_mean_over_images_of_the_squared_length():
    x = images(1)
    expected = np.mean([np.sum(image**2) for image in x.numpy()])
    assert float(penalties.gradient_size(quadratic, x)) == pytest.approx(expected, rel=1e-6)


def test_between_real_and_generated_images():
    real, fakes, between = images(1), images(2), tf.constant([0.0, 1.0, 0.5, 0.25, 0.9])
    points = fakes.numpy() + (real - fakes).numpy() * between.numpy()[:, None, None, None]
    expected = np.mean([(np.linalg.norm(point) - 1) ** 2 for point in points])
    assert float(penalties.gradient_off_one(quadratic, real, fakes, between)) == pytest.approx(expected, rel=1e-5)


def test_a_flat_judge_has_a_finite_gradient():
    scale = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = penalties.gradient_off_one(lambda x: scale * linear(x), images(1), images(2), tf.zeros([5]))
    assert float(penalty) == pytest.approx(1, abs=1e-5) and np.isfinite(float(tape.gradient(penalty, scale)))
