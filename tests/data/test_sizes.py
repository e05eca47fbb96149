from collections import Counter

import numpy as np
import pytest
from support import image_sets

from dcgan_tf.common.fit import Fit
from dcgan_tf.data.sizes import (
    chosen_size,
    enlarging_text,
    headroom,
    how_to_choose,
    many_sizes,
    median_side,
    shape_of_most,
    size_flag,
)

PAINTINGS = Counter({(224, 300): 5, (400, 224): 4, (100, 80): 1})


@pytest.mark.parametrize(
    "sizes, max_side, size",
    [
        (PAINTINGS, 64, (64, 64)),
        (PAINTINGS, 128, (128, 128)),
        (PAINTINGS, 1000, (224, 224)),
        (PAINTINGS, None, None),
        (Counter({(50, 90): 3, (90, 51): 2}), 64, (48, 48)),
        (Counter({(28, 28): 2, (32, 32): 1}), 64, (28, 28)),
        (Counter({(2, 3): 2, (3, 3): 1}), 64, (2, 2)),
        (Counter({(256, 300): 9}), 64, None),  # of one size, which nets can have
        (Counter({(3000, 4000): 9}), 64, (64, 64)),
        (Counter(), 64, None),
    ],
)
def test_the_chosen_size(sizes, max_side, size):
    assert chosen_size(sizes, max_side) == size


def test_in_words():
    assert median_side(PAINTINGS) == 224
    assert many_sizes(PAINTINGS) == "holds images of 3 sizes (shorter side: smallest 80, median 224)"
    assert how_to_choose(225) == "choose one, such as --image-size 224"


@pytest.mark.parametrize(
    "size, times", [((64, 64), 3.5), ((224, 224), 1.0), ((448, 448), 0.5), ((300, 100), 224 / 300)]
)
def test_the_headroom_is_that_of_the_median_image(size, times):
    assert headroom(PAINTINGS, Fit(size)) == times


@pytest.mark.parametrize(
    "sizes, size, shaped",
    [
        ({(224, 300): 5, (400, 224): 4}, (64, 64), (64, 84)),  # 85.7 wide would be the shape
        ({(224, 300): 4, (400, 224): 5}, (64, 64), (116, 64)),  # 114.3
        ({(224, 300): 5, (400, 224): 4}, (224, 224), (224, 300)),
        ({(224, 300): 5}, (300, 300), None),  # It would be enlarged.
        ({(60, 100): 5, (70, 100): 6}, (64, 64), (64, 92)),  # 91.4
        ({(64, 95): 5}, (64, 64), (64, 92)),  # 96 would be nearer, but enlarge it.
        ({(64, 79): 9, (64, 200): 1}, (64, 64), None),  # nearly squares
        ({(64, 80): 9, (64, 200): 1}, (64, 64), (64, 80)),
        ({(80, 64): 9}, (64, 64), (80, 64)),
        ({(224, 300): 5}, (96, 128), None),  # It is no square already.
        ({(20, 40): 5}, (8, 8), None),  # small
    ],
)
def test_the_size_that_has_the_shape_of_most(sizes, size, shaped):
    assert shape_of_most(Counter(sizes), Fit(size)) == shaped


def test_the_flag_of_a_size():
    assert (size_flag((64, 64)), size_flag((96, 128))) == ("--image-size 64", "--image-size 96 128")


def of_size(height, width, times):
    return image_sets.source_of(np.zeros([2, height, width, 1], np.uint8), headroom=times)


@pytest.mark.parametrize("times", [None, 1.0, 2.0, 1 - 1e-9])
def test_images_that_are_not_enlarged_need_no_warning(times):
    assert enlarging_text(of_size(64, 64, times)) is None


def test_enlarging_most_images_is_a_warning_with_a_sensible_size():
    enlarged = "warning: most images are smaller than {}, and are enlarged, which takes time and adds no detail"
    assert enlarging_text(of_size(256, 256, 200 / 256)) == enlarged.format("256x256") + ": --image-size 200 fits them"
    assert enlarging_text(of_size(400, 200, 0.55)) == enlarged.format("400x200") + ": --image-size 220 108 fits them"
    assert enlarging_text(of_size(28, 28, 8 / 28)) == enlarged.format("28x28") + ": --image-size 8 fits them"
    assert enlarging_text(of_size(256, 256, 0.5), is_free=False) == enlarged.format("256x256")
