from collections import Counter

import pytest

from dcgan_tf.data.sizes import chosen_size, headroom, how_to_choose, many_sizes, median_side

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
    assert headroom(PAINTINGS, size) == times
