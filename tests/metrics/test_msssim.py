import numpy as np
import pytest
from scipy import signal
from support.helpers import error_of
from support.image_sets import ImageSet, noise, ramps

from dcgan_tf.metrics import msssim
from dcgan_tf.metrics.msssim import ms_ssim, ms_ssim_diversity

WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def slow_ssim(x, y, size):
    """Two channels [h, w] -> maps of similarity and of contrast, with scipy's convolution in two dimensions."""
    sigma = 1.5 * size / 11
    place = np.arange(size) - (size - 1) / 2
    window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * sigma**2))
    window /= window.sum()

    def blur(image):
        return signal.convolve2d(image, window, mode="valid")

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y, covariance = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2, blur(x * y) - mean_x * mean_y
    c1, c2 = 6.5025, 58.5225
    contrast = (2 * covariance + c2) / (var_x + var_y + c2)
    return contrast * (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1), contrast


def slow_ms_ssim(a, b, weights):
    """One pair [h, w, c] -> its similarity; odd sides lose the last row."""
    a, b, result = a.astype(np.float64), b.astype(np.float64), 1.0
    for scale, weight in enumerate(weights):
        size = min(11, *a.shape[:2])
        maps = [slow_ssim(a[..., c], b[..., c], size) for c in range(a.shape[-1])]
        value = np.mean([maps[c][0 if scale == len(weights) - 1 else 1] for c in range(a.shape[-1])])
        result *= max(value, 0) ** weight
        height, width = a.shape[0] // 2, a.shape[1] // 2
        a, b = (
            image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1).mean((1, 3))
            if min(height, width)
            else image
            for image in (a, b)
        )
    return result


@pytest.mark.parametrize("shape", [(64, 64, 3), (28, 28, 1), (200, 160, 3), (50, 37, 1), (16, 16, 3)])
def test_the_same_as_written_another_way(shape):
    a, b = ramps(3, *shape, seed=1), ramps(3, *shape, seed=1, noisy=60)
    expected = [slow_ms_ssim(x, y, WEIGHTS) for x, y in zip(a, b)]
    assert 0.1 < min(expected) < max(expected) < 0.99
    np.testing.assert_allclose(ms_ssim(a, b), expected, rtol=1e-4)


@pytest.mark.parametrize("side, scales", [(8, 4), (15, 4), (3, 2), (1, 1)])
def test_small_images_have_fewer_scales(side, scales):
    a, b = noise(2, side, side, 1), noise(2, side, side, 1, seed=1) // 8 + noise(2, side, side, 1) // 2
    weights = np.array(WEIGHTS[:scales]) * sum(WEIGHTS) / sum(WEIGHTS[:scales])
    expected = [slow_ms_ssim(x, y, weights) for x, y in zip(a, b)]
    np.testing.assert_allclose(ms_ssim(a, b), expected, rtol=1e-4)


def test_flat_images_worked_out_by_hand():
    """Contrast is 1 (nothing varies), so that only the brightness of the coarsest scale counts, to its weight."""
    a, b = np.full([1, 32, 32, 3], 100, np.uint8), np.full([1, 32, 32, 3], 50, np.uint8)
    expected = ((2 * 100 * 50 + 6.5025) / (100**2 + 50**2 + 6.5025)) ** 0.1333
    np.testing.assert_allclose(ms_ssim(a, b), [expected], rtol=1e-3)


def test_the_same_image_is_1_and_its_negative_0():
    images = noise(4, 32, 32, 3)
    np.testing.assert_allclose(ms_ssim(images, images), 1, atol=1e-5)
    np.testing.assert_array_equal(ms_ssim(images, 255 - images), 0)


def test_a_collapsed_set_is_1_and_a_varied_one_lower():
    collapsed = np.repeat(ramps(1, 32, 32, 3), 40, axis=0)
    assert ms_ssim_diversity(ImageSet(collapsed)) == pytest.approx(1, abs=1e-5)
    assert 0.01 < ms_ssim_diversity(ImageSet(ramps(40, 32, 32, 3))) < 0.9


def test_pairs_are_of_different_images_each_used_once(monkeypatch):
    monkeypatch.setattr(msssim, "BATCH_BYTES", 10 * 4 * 256)
    images = ImageSet(ramps(65, 16, 16, 1))
    score = ms_ssim_diversity(images, seed=3)
    assert [len(batch) for batch in images.reads] == [10] * 6 + [4]
    chosen = np.concatenate(images.reads)
    assert len(set(chosen)) == 64
    expected = [slow_ms_ssim(images.images[i], images.images[j], WEIGHTS) for i, j in chosen.reshape(32, 2)]
    assert score == pytest.approx(np.mean(expected), rel=1e-4)
    assert ms_ssim_diversity(images, seed=3) == score != ms_ssim_diversity(images, seed=4)
    images.reads.clear()
    ms_ssim_diversity(images, pairs=7)
    assert sum(map(len, images.reads)) == 14


def test_too_few_images_are_one_line():
    assert error_of(ms_ssim_diversity, ImageSet(noise(31, 8, 8, 1))) == "msssim needs at least 32 images, not 31"
