"""What a distance means, in words."""

import pytest

from dcgan_tf.metrics.words import how_far


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
    assert how_far(swd, floor) == words
