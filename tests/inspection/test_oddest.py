import numpy as np
import pytest
from support.pictures import brighter, picture

from dcgan_tf.inspection.looks import LOOK, look_at
from dcgan_tf.inspection.oddest import oddest


def set_of_alike(count=60):
    """Variations of one picture."""
    return [(picture(0) * 0.7 + picture(seed) * 0.3).astype(np.uint8) for seed in range(1, count + 1)]


def looks_of(images):
    return np.stack([look_at(image) for image in images])


def test_pictures_of_something_else_and_dark_ones_come_first():
    images = set_of_alike()
    images[7] = brighter(images[7], 0.1)
    images[30] = picture(999)
    images[50] = np.full_like(images[0], 200)
    indices, distances = oddest(looks_of(images), 10)
    assert len(indices) == len(distances) == 10
    assert set(indices[:3].tolist()) == {7, 30, 50}
    assert (np.diff(distances) <= 0).all() and distances[2] > 1.5 * distances[3]


def test_features_are_taken_where_they_are_given():
    looks = looks_of(set_of_alike())
    features = np.random.default_rng(0).normal(size=(60, 200)).astype(np.float32)
    features[11] += 10
    assert oddest(looks, 1, features)[0].tolist() == [11]


def test_there_may_be_fewer_than_are_wanted():
    assert sorted(oddest(looks_of(set_of_alike(3)), 20)[0].tolist()) == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 30])
def test_equal_images_are_equally_odd(count):
    indices, distances = oddest(looks_of([picture(0)] * count))
    assert indices.tolist() == list(range(min(count, 20)))
    np.testing.assert_array_equal(distances, 0)


def test_no_images():
    indices, distances = oddest(np.zeros(0, LOOK))
    assert len(indices) == len(distances) == 0
