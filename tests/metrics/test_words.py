"""What a distance means, in words."""

import pytest

from dcgan_tf.metrics.words import (
    has_near_textures,
    how_far,
    how_far_from_real,
    how_far_in_features,
    shown,
    shown_beside,
)


@pytest.mark.parametrize(
    ("swd", "floor", "words"),
    [
        (171, 9, "nothing like real images yet"),
        (100, 10, "nothing like real images yet"),
        (99, 10, "far from real images"),
        (43, 10.3, "some way from real images"),
        (24, 10, "colours and textures near those of real images"),
        (15, 10, "colours and textures near those of real images"),
        (9, 10, "colours and textures like those of real images"),
        (0, 10, "colours and textures like those of real images"),
    ],
)
def test_a_distance_is_judged_by_that_of_real_images(swd, floor, words):
    assert how_far(swd, floor, 1024) == words


def test_fewer_images_make_nothing_better():
    """Of one net, by 256 images 61 where real ones have 40, by four times as many 50 where they have 20."""
    assert 61**2 - 40**2 == pytest.approx(50**2 - 20**2, rel=0.01)
    assert how_far(61, 40, 256) == how_far(50, 20, 1024) == "some way from real images"
    assert how_far(61, 40, 1024) == "colours and textures near those of real images"


@pytest.mark.parametrize(
    ("kid", "jumbled", "words"),
    [
        (0.32, 0.61, "nothing like real images yet"),
        (0.3, 0.61, "far from real images"),
        (0.62, 1.36, "far from real images"),  # The same KID says less where jumbled images are further away.
        (0.121, 0.61, "some way from real images"),
        (0.036, 0.61, "near real images"),
        (0.012, 0.61, "like real images"),
        (-0.001, 0.61, "like real images"),
    ],
)
def test_how_far_by_kid(kid, jumbled, words):
    assert how_far_in_features(kid, jumbled) == words
    of_reals = {"swd_of_real_images": 20.0, "kid_of_real_images": 0.0, "kid_of_jumbled_images": jumbled}
    assert how_far_from_real({"swd": 20.0, "kid": kid} | of_reals) == words


def test_without_kid_or_what_it_is_compared_with_swd_tells():
    words = "colours and textures like those of real images"
    assert how_far_from_real({"swd": 20.0, "swd_of_real_images": 20.0}) == words
    assert how_far_from_real({"swd": 20.0, "kid": 0.9, "swd_of_real_images": 20.0}) == words
    assert how_far_from_real({"swd": 20.0}) == ""


def test_numbers_beside_those_of_real_images():
    of_reals = {
        "swd_of_real_images": 11.24,
        "kid_of_real_images": 0.0006,
        "recall_of_real_images": 0.62,
        "fid_of_real_images": 9,
    }
    scores = {"swd": 18.16, "kid": 0.1484, "recall": 0.001, "fid": 9.0, "diversity": 1.0}
    said = "SWD 18.2 (real images 11.2), KID 0.148 (0.001), recall 0.00 (0.62)"
    assert shown_beside(scores | of_reals) == said and shown("kid", 0.1484) == "KID 0.148"


@pytest.mark.parametrize(
    ("swd", "floor", "images", "near"),
    [
        (24.9, 10.0, 1024, True),
        (25.1, 10.0, 1024, False),
        (61.0, 40.0, 1024, True),
        (61.0, 40.0, 256, False),  # By fewer images chance adds to both: this is 50 where real ones have 20.
        (45.0, 40.0, 256, True),
        (11.0, 10.0, 0, False),  # No run writes that; what only reports does not fail by it.
        (11.0, 5e-324, 1, False),
        (99.0, 0.0, 1024, True),  # Not known: real images that are all alike.
    ],
)
def test_textures_are_near_below_two_and_a_half_times_what_real_images_score(swd, floor, images, near):
    assert has_near_textures({"swd": swd, "swd_of_real_images": floor, "images": images}) is near
    assert has_near_textures({"swd": swd})
