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
    assert how_far(swd, floor, 1024) == words


def test_fewer_images_make_nothing_better():
    """Of one net, by 256 images 61 where real ones have 40, by four times as many 50 where they have 20."""
    assert 61**2 - 40**2 == pytest.approx(50**2 - 20**2, rel=0.01)
    assert how_far(61, 40, 256) == how_far(50, 20, 1024) == "some way from real images"
    assert how_far(61, 40, 1024) == "colours and textures near those of real images"
