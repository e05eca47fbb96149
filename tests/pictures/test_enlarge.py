"""Small images made large enough to be looked at."""

import numpy as np
import pytest

from dcgan_tf.pictures.enlarge import enlarged, whole_factor


@pytest.mark.parametrize(
    ("height", "width", "factor"), [(82, 82, 7), (256, 100, 2), (100, 257, 2), (512, 512, 1), (511, 3, 2), (900, 10, 1)]
)
def test_a_sheet_gets_a_longer_side_of_512_at_least(height, width, factor):
    assert whole_factor(height, width) == factor


def test_every_pixel_becomes_a_square():
    image = np.uint8([[[1], [2]], [[3], [4]]])
    assert enlarged(image, 2)[..., 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert enlarged(np.zeros([5, 2, 3, 3], np.uint8), 4).shape == (5, 8, 12, 3)
