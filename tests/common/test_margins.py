"""Flat margins of one image, found and cut off."""

import numpy as np
import pytest
from PIL import Image
from support.image_files import noise

from dcgan_tf.common.fit import Fit
from dcgan_tf.common.margins import flat_margins, without_margins


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


def test_an_image_without_its_margins():
    inner = noise(20, 30)
    image = framed(inner, (7, 1, 0, 12), (WHITE, BLACK, RED, RED))
    np.testing.assert_array_equal(without_margins(image), inner)
    np.testing.assert_array_equal(without_margins(inner), inner)
    flat = np.full((5, 6, 1), 9, np.uint8)
    np.testing.assert_array_equal(without_margins(flat), flat)


def test_an_image_is_trimmed_before_it_is_fitted():
    inner = noise(20, 30)
    image = framed(inner, (10, 10, 10, 10), (WHITE,) * 4)
    for crop in ("center", "pad", "stretch"):
        expected = np.asarray(Fit((8, 8), crop).image(Image.fromarray(inner)))
        np.testing.assert_array_equal(np.asarray(Fit((8, 8), crop, trim=True).image(Image.fromarray(image))), expected)
        np.testing.assert_array_equal(Fit((8, 8), crop, trim=True).images(image[None])[0], expected)
    same = Fit((40, 50), trim=True).images(image[None])[0]  # Trimmed and enlarged, though it has the size already.
    assert same.shape == image.shape and (same != image).any()
