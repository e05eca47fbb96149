import numpy as np
import pytest
from PIL import Image, ImageFilter
from support.image_files import noise
from support.pictures import picture

from dcgan_tf.inspection.sharpness import blur_of


def edges(side):
    """Light and dark areas of any form."""
    return np.where(picture(0, (side, side), grey=True)[..., 0] > 128, 200, 50).astype(np.uint8)


def step(width=20):
    image = np.zeros((6, width), np.uint8)
    image[:, width // 2 :] = 100
    return image


def test_a_step_keeps_a_fifth_of_its_height():
    """A mean over 5 pixels makes five steps of 20 of one of 100, one of which is at the same place."""
    assert blur_of(step()) == pytest.approx(0.2)
    assert blur_of(step().T.copy()) == pytest.approx(0.2)
    assert blur_of(step() // 4) == pytest.approx(0.2)  # A low contrast is no blur.


def test_a_line_keeps_no_more_than_a_fifth():
    image = np.zeros((6, 20), np.uint8)
    image[:, 10] = 100  # One step up, one down; blurred, a plateau of 20, five pixels wide, which has no step there.
    assert blur_of(image) == 0


def test_a_ramp_keeps_all_but_its_ends():
    ramp = np.broadcast_to(np.arange(0, 200, 2, dtype=np.uint8), (6, 100))
    # Of 99 differences of 2, the first and the last become 0.4 + 0.8 each: see the mean of 0 0 0 2 4, 0 0 2 4 6, 0 2 4 6 8.
    expected = (95 * 2 + 2 * (1.2 + 1.6)) / (99 * 2)
    assert blur_of(np.ascontiguousarray(ramp)) == pytest.approx(expected)


@pytest.mark.parametrize("image", [np.full((9, 9), 7, np.uint8), np.zeros((1, 1), np.uint8)])
def test_flat_images_are_not_blurred(image):
    assert blur_of(image) == 0


def test_edges_are_sharp_before_they_are_blurred():
    assert blur_of(noise(90, 90, channels=1)) < 0.4
    sharp = edges(90)
    assert blur_of(sharp) < 0.4
    assert blur_of(np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(2)))) > 0.75


def test_it_does_not_depend_on_the_size_of_a_large_image():
    image = edges(128)
    enlarged = np.repeat(np.repeat(image, 4, axis=0), 4, axis=1)
    assert blur_of(enlarged) == pytest.approx(blur_of(image))
