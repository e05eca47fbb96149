import numpy as np
import pytest
from support.image_files import noise

from dcgan_tf.inspection.looks import LOOK
from dcgan_tf.inspection.margins import CommonMargin, common_margins, flat_margins


def framed(inner, widths, colours):
    """Noise within margins: widths in pixels and colours (R, G, B) at the top, right, bottom, left."""
    top, right, bottom, left = widths
    image = np.empty((top + len(inner) + bottom, left + inner.shape[1] + right, 3), np.uint8)
    image[top : top + len(inner), :left] = colours[3]
    image[top : top + len(inner), left + inner.shape[1] :] = colours[1]
    image[:top], image[top + len(inner) :] = colours[0], colours[2]
    image[top : top + len(inner), left : left + inner.shape[1]] = inner
    return image


WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (200, 0, 0)


def test_four_margins_of_other_widths_and_colours():
    image = framed(noise(70, 80), (10, 12, 20, 8), (WHITE, BLACK, RED, WHITE))
    shares, colours = flat_margins(image)
    np.testing.assert_allclose(shares, [10 / 100, 12 / 100, 20 / 100, 8 / 100])
    np.testing.assert_array_equal(colours, [WHITE, BLACK, RED, WHITE])


def test_none_and_one_side_alone():
    assert flat_margins(noise(50, 60))[0].tolist() == [0, 0, 0, 0]
    shares, _ = flat_margins(framed(noise(50, 60), (0, 0, 0, 20), (WHITE,) * 4))
    np.testing.assert_allclose(shares, [0, 0, 0, 0.25])


def test_a_grey_image():
    image = framed(noise(40, 40), (10, 0, 0, 0), (WHITE,) * 4)[..., :1]
    shares, colours = flat_margins(image)
    np.testing.assert_allclose(shares, [0.2, 0, 0, 0])
    assert colours[0].tolist() == [255, 255, 255]


def test_a_margin_may_have_ripples_and_specks_but_no_more():
    image = framed(noise(80, 200), (20, 0, 0, 0), (WHITE,) * 4)
    image[3, ::2] = 240  # ripples of 15 levels
    image[5, :2] = 0  # one pixel in a hundred
    assert flat_margins(image)[0][0] == pytest.approx(0.2)
    image[12, :3] = 0
    assert flat_margins(image)[0][0] == pytest.approx(0.12)
    image[3, ::2] = 238
    assert flat_margins(image)[0][0] == pytest.approx(0.03)


@pytest.mark.parametrize("image", [np.full((9, 5, 3), 77, np.uint8), np.zeros((1, 1, 1), np.uint8)])
def test_a_flat_image_has_none(image):
    assert flat_margins(image)[0].tolist() == [0, 0, 0, 0]


def test_an_image_of_two_flat_halves_has_none():
    image = np.zeros((10, 10, 1), np.uint8)
    image[5:] = 255
    assert flat_margins(image)[0].tolist() == [0, 0, 0, 0]


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
