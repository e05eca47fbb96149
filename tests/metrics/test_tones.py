import numpy as np
import pytest
from scipy.stats import wasserstein_distance
from support.helpers import error_of
from support.image_sets import ImageSet, source_of

from dcgan_tf.metrics import tones
from dcgan_tf.metrics.tones import clipped, distance, histograms


def all_of(images):
    return histograms(source_of(images), np.arange(len(images)))


def noise(count=40, low=0, high=256, channels=3, seed=0):
    return np.random.default_rng(seed).integers(low, high, [count, 6, 4, channels], np.uint8)


def test_by_hand():
    images = np.array([0, 5, 6, 249, 250, 255], np.uint8).reshape(3, 2, 1, 1)
    shares = all_of(images)
    assert shares.shape == (1, 256) and clipped(shares) == pytest.approx(4 / 6)
    assert shares[0, [0, 5, 6, 249, 250, 255]] == pytest.approx(1 / 6) and shares.sum() == pytest.approx(1)
    assert distance(shares, all_of(np.zeros([2, 2, 1, 1], np.uint8))) == pytest.approx((5 + 6 + 249 + 250 + 255) / 6)


def test_brightness_is_the_distance_in_levels_and_the_order_of_pixels_does_not_matter():
    images = noise(high=200)
    assert distance(all_of(images), all_of(images + 17)) == pytest.approx(17)
    assert distance(all_of(images), all_of(images[::-1, ::-1, ::-1])) == pytest.approx(0, abs=1e-9)
    one = images.copy()
    one[..., 1] += 30  # of three channels
    assert distance(all_of(images), all_of(one)) == pytest.approx(10)


@pytest.mark.parametrize(("images_held", "sizes"), [(0.5, [1, 1, 1, 1, 1]), (2.5, [2, 2, 1]), (9, [5])])
def test_no_more_images_are_read_at_once_than_memory_is_given_for(monkeypatch, images_held, sizes):
    images = ImageSet(noise(count=5))
    monkeypatch.setattr(tones, "BATCH_BYTES", int(images_held * 6 * 4 * 3))
    np.testing.assert_array_equal(histograms(images, np.arange(5)), all_of(images.images))
    assert [len(read) for read in images.reads] == sizes


def test_stronger_contrast_shows():
    images = noise(low=60, high=196)
    stronger = np.clip((images - 128.0) * 2.5 + 128, 0, 255).astype(np.uint8)
    assert clipped(all_of(images)) == 0 and 0.2 < clipped(all_of(stronger)) < 0.4
    assert 40 < distance(all_of(images), all_of(stronger)) < 60


def test_as_scipy_has_it(monkeypatch):
    a, b = noise(), np.minimum(noise(30, seed=1), 180)
    expected = np.mean([wasserstein_distance(a[..., c].ravel(), b[..., c].ravel()) for c in range(3)])
    assert distance(all_of(a), all_of(b)) == pytest.approx(expected, rel=1e-9)
    monkeypatch.setattr(tones, "BATCH_BYTES", 7 * 6 * 4 * 3)
    assert distance(all_of(a), all_of(b)) == pytest.approx(expected, rel=1e-9)


def test_only_the_images_chosen():
    images = np.stack([np.full([4, 4, 1], level, np.uint8) for level in (10, 20, 30)])
    shares = histograms(source_of(images), np.array([0, 2]))
    assert shares[0, [10, 20, 30]].tolist() == [0.5, 0, 0.5]


def test_none_at_all():
    assert error_of(histograms, source_of(noise()), np.arange(0)) == "tones: needs at least 1 image, and has none"
