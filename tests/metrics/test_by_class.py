import numpy as np
import pytest
from support.image_sets import ImageSet, ramps

from dcgan_tf.metrics import by_class
from dcgan_tf.metrics.by_class import OfClass, images_of_each
from dcgan_tf.metrics.features import FeatureSpace


@pytest.mark.parametrize(("classes", "images"), [(1, 512), (10, 512), (11, 465), (100, 51), (1000, 16)])
def test_many_classes_are_measured_by_few_images_each(classes, images):
    assert images_of_each(classes) == images


@pytest.fixture
def space():
    """The mean of each channel."""
    return FeatureSpace("means", 3, (8, 8, 3), lambda images: images.mean((1, 2)) / 255)


def test_real_images_of_the_class_score_near_their_floor_and_others_far_from_it(space):
    of_class = OfClass(ImageSet(ramps(240, 8, 8, 3)), 512, 0, space)
    assert of_class.images == 120
    floor, same, other = (
        of_class.real(),
        of_class.score(ImageSet(ramps(120, 8, 8, 3, seed=1))),
        of_class.score(ImageSet(np.zeros([120, 8, 8, 3], np.uint8))),
    )
    assert set(floor) == set(same) == {"swd", "kid", "standard_error"}
    assert same["swd"] == pytest.approx(floor["swd"], rel=0.5) and other["swd"] > 3 * floor["swd"]
    assert abs(same["kid"]) < 4 * same["standard_error"] < other["kid"]


def test_there_is_no_kid_without_features_or_of_too_few_images(space):
    reals = ImageSet(ramps(98, 8, 8, 3))
    assert set(OfClass(reals, 512, 0, space).real()) == set(OfClass(reals, 512, 0).real()) == {"swd"}


def test_features_are_taken_of_fewer_images(space, monkeypatch):
    monkeypatch.setattr(by_class, "MAX_KID_IMAGES", 60)
    reals, samples = ImageSet(ramps(240, 8, 8, 3)), ImageSet(ramps(120, 8, 8, 3, seed=1))
    scored = OfClass(reals, 512, 0, space).score(samples)
    few = OfClass(reals, 512, 0, space).score(ImageSet(samples.images[:120]))
    assert scored == few and max(map(len, samples.reads)) == 120 and min(map(len, samples.reads)) == 60
