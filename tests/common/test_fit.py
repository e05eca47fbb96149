"""Images made to fit a size, against values worked out by hand."""

import numpy as np
import pytest
from PIL import Image

from dcgan_tf.common import pixels
from dcgan_tf.common.fit import Fit

TALL = np.repeat(np.array([10, 20, 30, 40], np.uint8), 2)[:, None].repeat(2, axis=1)  # [8, 2], a step every two rows


def fitted(image, *fit) -> np.ndarray:
    return np.asarray(Fit(*fit).image(Image.fromarray(image)))


def test_an_image_of_the_size_stays_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    for crop in ("center", "pad", "stretch"):
        np.testing.assert_array_equal(fitted(image, (5, 7), crop), image)
        np.testing.assert_array_equal(Fit((5, 7), crop).images(image[None]), image[None])


def test_center_cuts_the_middle_out():
    np.testing.assert_array_equal(fitted(TALL, (2, 2)), TALL[3:5])
    images = np.stack([TALL, TALL[::-1]])[..., None]
    expected = [np.asarray(pixels.fit(Image.fromarray(image[..., 0]), (2, 2))) for image in images]
    np.testing.assert_array_equal(Fit((2, 2)).images(images)[..., 0], expected)


@pytest.mark.parametrize(
    ("border", "grey"),
    [("white", 255), ("black", 0), ("#808080", 128), ("red", 76)],  # 76 is 0.299 of 255.
)
def test_pad_keeps_all_between_two_borders(border, grey):
    padded = fitted(TALL, (8, 6), "pad", border)
    np.testing.assert_array_equal(padded[:, 2:4], TALL)
    assert (padded[:, [0, 1, 4, 5]] == grey).all()
    coloured = fitted(np.stack([TALL] * 3, axis=-1), (8, 5), "pad", "red")  # The odd pixel goes to the right.
    assert coloured[0].tolist() == [[255, 0, 0], [10] * 3, [10] * 3, [255, 0, 0], [255, 0, 0]]


def test_pad_may_mirror_the_image_more_than_once():
    wide = np.array([[10, 20], [30, 40]], np.uint8)
    assert fitted(wide, (2, 6), "pad", "reflect").tolist() == [[20, 10, 10, 20, 20, 10], [40, 30, 30, 40, 40, 30]]
    assert fitted(wide, (2, 8), "pad", "reflect")[0].tolist() == [20, 20, 10, 10, 20, 20, 10, 10]


def test_pad_enlarges_what_is_small():
    assert (fitted(np.full((2, 4), 50, np.uint8), (8, 8), "pad", "black")[2:6] == 50).all()
    assert Fit((8, 8), "pad").headroom((2, 4)) == 0.5 and Fit((8, 8)).headroom((2, 4)) == 0.25
    assert Fit((8, 8), "stretch").headroom((16, 4)) == 0.5


def test_a_thread_of_an_image_is_padded_to_at_least_one_pixel():
    assert fitted(np.full((500, 1), 7, np.uint8), (8, 8), "pad").shape == (8, 8)


def test_stretch_fills_the_size_whatever_the_shape():
    assert fitted(np.full((9, 3), 50, np.uint8), (4, 6), "stretch").tolist() == [[50] * 6] * 4
    halves = np.array([[0] * 8 + [200] * 8] * 2, np.uint8)
    stretched = fitted(halves, (4, 4), "stretch")
    assert stretched.shape == (4, 4) and (stretched[:, 0] < 20).all() and (stretched[:, 3] > 180).all()
