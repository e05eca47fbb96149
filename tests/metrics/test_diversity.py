import numpy as np
import pytest
from support.helpers import error_of
from support.image_sets import source_of

from dcgan_tf.metrics import diversity
from dcgan_tf.metrics.diversity import mean_pairwise_distance, modes


def flat(*levels):
    """Images [4, 6, 1] of one level each."""
    return source_of(np.stack([np.full([4, 6, 1], level, np.uint8) for level in levels]))


def test_pixel_distances_by_hand():
    assert mean_pairwise_distance(flat(10, 13, 30)) == pytest.approx((3 + 20 + 17) / 3)
    assert mean_pairwise_distance(flat(0, 255)) == 255
    half = np.zeros([2, 2, 2, 3], np.uint8)
    half[1, 0] = 100  # half of the pixels differ by 100
    assert mean_pairwise_distance(source_of(half)) == pytest.approx(100 * 0.5**0.5)


def test_collapse_shows():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, [60, 8, 8, 3], np.uint8)
    varied = mean_pairwise_distance(source_of(images))
    assert varied == pytest.approx(255 / 6**0.5, rel=0.02)  # of independent uniform levels
    assert mean_pairwise_distance(source_of(images[[7] * 60])) == 0
    two = mean_pairwise_distance(source_of(images[[7] * 30 + [8] * 30]))
    assert two == pytest.approx(varied * 2 * 30 * 30 / (60 * 59), rel=0.1)


def test_a_choice_of_images_by_the_seed(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, [200, 4, 4, 1], np.uint8)
    whole = mean_pairwise_distance(source_of(images))
    monkeypatch.setattr(diversity, "BATCH_ROWS", 7)
    assert mean_pairwise_distance(source_of(images)) == pytest.approx(whole, rel=1e-12)
    some = [mean_pairwise_distance(source_of(images), images=50, seed=seed) for seed in (0, 0, 1)]
    assert some[0] == some[1] != some[2] and some == pytest.approx([whole] * 3, rel=0.05)


def test_modes_by_hand():
    share, divergence = modes([0, 0, 0, 1], 4)
    assert share == 0.5
    assert divergence == pytest.approx(0.75 * np.log(3) + 0.25 * np.log(1))  # shares 3/4, 1/4 of 1/4 each
    assert modes(np.arange(1000), 1000) == (1, pytest.approx(0, abs=1e-12))
    assert modes([7] * 10, 1000) == (0.001, pytest.approx(np.log(1000)))


def test_modes_against_the_shares_of_real_images():
    assert modes([0, 1, 1, 1], 2, [10, 30]) == (1, pytest.approx(0, abs=1e-12))
    share, divergence = modes([0, 1], 3, [0.5, 0.25, 0.25])
    assert (share, divergence) == (2 / 3, pytest.approx(0.5 * np.log(1) + 0.5 * np.log(2)))
    assert modes([0, 0], 3, [1, 1, 0])[0] == 0.5  # a class without real images is no mode to cover
    assert modes([0, 2], 3, [1, 1, 0]) == (0.5, np.inf)


def test_modes_of_a_published_size():
    """26,000 samples spread evenly over 1,000 modes: the divergence of chance alone is near (modes - 1) / (2 n)."""
    classes = np.random.default_rng(0).integers(0, 1000, 26_000)
    share, divergence = modes(classes, 1000)
    assert share == 1 and divergence == pytest.approx(999 / 52_000, rel=0.1)


def test_too_few():
    assert error_of(mean_pairwise_distance, flat(3)) == "diversity: needs at least 2 images, and has 1"
    assert error_of(modes, [], 10) == "diversity: needs at least 1 sample whose class is known, and has none"


@pytest.mark.parametrize("classes", [[-1, 0], [0, 10]])
def test_classes_out_of_range(classes):
    with pytest.raises(ValueError, match="classes must be 0 to 9, not"):
        modes(classes, 10)


@pytest.mark.parametrize("shares", [[1, 2], [0, 0, 0], [1, 1, -1]])
def test_shares_out_of_range(shares):
    with pytest.raises(ValueError, match="real_shares must be 3 numbers"):
        modes([0, 1], 3, shares)
