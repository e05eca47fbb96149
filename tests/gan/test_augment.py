import numpy as np
import pytest

from dcgan_tf.common.backend import tf
from dcgan_tf.gan import augment

SEED = tf.constant([3, 5], tf.int64)


def images(count=4, shape=(6, 8, 3)):
    return np.random.default_rng(0).uniform(-1, 1, [count, *shape]).astype("float32")


def numbers(*values):
    return tf.constant(values, tf.float32)


def test_colour_by_hand():
    image = np.array([[[0.2, 0.4, 0.9], [-0.6, 0.0, 0.3]]], "float32")[None]  # [1, 1, 2, 3]
    # brightness + 0.25 -> grey 0.75 and 0.15 -> twice as far from it -> mean of all 0.45 -> half as far from that
    brighter = image + 0.25
    grey = np.array([0.75, 0.15], "float32")[None, None, :, None]
    expected = 0.45 + 0.5 * (grey + 2 * (brighter - grey) - 0.45)
    got = augment.colour(tf.constant(image), numbers(0.75), numbers(1.0), numbers(0.0))
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_a_grey_image_has_no_saturation():
    grey = images(shape=(6, 8, 1))
    got = [
        augment.colour(tf.constant(grey), numbers(*[0.5] * 4), numbers(*[s] * 4), numbers(*[0.5] * 4)) for s in (0, 1)
    ]
    np.testing.assert_allclose(got[0], grey, atol=1e-6)
    assert np.array_equal(*got)


@pytest.mark.parametrize("draw, shift", [(0.0, -2), (0.3, -1), (0.5, 0), (0.7, 1), (0.999, 2)])
def test_translation_fills_with_grey(draw, shift):
    image = images(1, (16, 13, 3))  # an eighth of both sides is 2 pixels
    expected = np.zeros_like(image)
    rows, columns = slice(max(shift, 0), 16 + min(shift, 0)), slice(max(-shift, 0), 16 - max(shift, 0))
    expected[:, rows] = image[:, columns]
    np.testing.assert_array_equal(augment.translation(tf.constant(image), numbers(draw), numbers(0.5)), expected)
    turned = augment.translation(tf.constant(image.transpose(0, 2, 1, 3)), numbers(0.5), numbers(draw))
    np.testing.assert_array_equal(turned, expected.transpose(0, 2, 1, 3))


@pytest.mark.parametrize("draw, rows", [(0.0, slice(0, 2)), (0.5, slice(2, 6)), (0.999, slice(6, 8))])
def test_cutout_is_half_as_high_and_wide(draw, rows):
    got = augment.cutout(tf.ones([1, 8, 8, 1]), numbers(draw), numbers(0.5)).numpy()[0, ..., 0]  # holes of 4x4
    expected = np.ones([8, 8])
    expected[rows, 2:6] = 0
    np.testing.assert_array_equal(got, expected)


def test_every_image_gets_its_own_and_a_seed_says_all():
    same = tf.constant(np.repeat(images(1), 64, axis=0))
    kinds = ("colour", "translation", "cutout")
    a, b = (augment.augment(same, kinds, SEED).numpy() for _ in range(2))
    assert np.array_equal(a, b) and a.shape == same.shape
    assert len({image.tobytes() for image in a}) == 64
    assert not np.array_equal(a, augment.augment(same, kinds, SEED + 1))
    assert np.array_equal(augment.augment(same, (), SEED), same)


def test_gradients_go_through_to_the_pixels_that_are_left():
    x = tf.constant(images())
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = augment.augment(x, ("translation", "cutout"), SEED)
        total = tf.reduce_sum(y**2) / 2
    gradient = tape.gradient(total, x).numpy()
    kept = gradient != 0
    np.testing.assert_allclose(gradient[kept], x.numpy()[kept], atol=1e-6)
    assert 0.3 < kept.mean() < 0.9


def test_flips_mirror_half_of_the_images():
    x = images(200)
    got = augment.flips(tf.constant(x), SEED).numpy()
    mirrored = np.array([np.array_equal(a, b[:, ::-1]) for a, b in zip(got, x)])
    assert all(m or np.array_equal(a, b) for m, a, b in zip(mirrored, got, x))
    assert mirrored.mean() == pytest.approx(0.5, abs=0.1)
