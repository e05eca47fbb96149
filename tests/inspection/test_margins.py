"""Margins that many images of a set have."""

import numpy as np
import pytest

from dcgan_tf.inspection.looks import LOOK
from dcgan_tf.inspection.margins import CommonMargin, common_margins


def test_margins_that_images_share():
    looks = np.zeros(4, LOOK)
    looks["margins"] = [[0.1, 0, 0.5, 0.01], [0.2, 0, 0, 0.01], [0.4, 0, 0, 0], [0, 0.02, 0, 0]]
    looks["margin_colours"][:3, 0] = [250, 252, 255], [255, 255, 255], [0, 3, 9]
    looks["margin_colours"][0, 2] = 200, 0, 0
    assert common_margins(looks) == [
        CommonMargin("top", 0.75, pytest.approx(0.2), "white"),
        CommonMargin("right", 0.25, pytest.approx(0.02), "black"),
        CommonMargin("bottom", 0.25, pytest.approx(0.5), "coloured"),
        CommonMargin("left", 0.0, 0.0, None),
    ]
