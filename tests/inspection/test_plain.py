import numpy as np
from PIL import Image, ImageFilter
from support.image_files import noise
from support.pictures import picture

from dcgan_tf.inspection.looks import LOOK, look_at
from dcgan_tf.inspection.plain import (
    is_blurry,
    is_flat,
    is_nearly_black,
    is_nearly_white,
    is_soft_all_over,
    other_coloured,
)


def looks_of(*images):
    return np.stack([look_at(image) for image in images])


def with_blur(*values):
    looks = np.zeros(len(values), LOOK)
    looks["blur"], looks["contrast"] = values, 50
    return looks


def around(level, noisy, seed=0):
    """A grey image whose levels have that mean, and a standard deviation of `noisy`."""
    levels = np.random.default_rng(seed).normal(level, noisy, (40, 40, 1))
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def test_flat_ones_may_be_noisy():
    looks = looks_of(around(120, 0), around(120, 4), around(120, 7), picture(0))
    assert is_flat(looks).tolist() == [True, True, False, False]


def test_nearly_black_and_nearly_white():
    dark_with_a_light = around(10, 5)
    dark_with_a_light[:6] = 200  # It is dark, too, but shows something.
    looks = looks_of(around(0, 0), around(18, 9), around(60, 9), dark_with_a_light, around(250, 6), around(255, 0))
    assert is_nearly_black(looks).tolist() == [True, True, False, False, False, False]
    assert is_nearly_white(looks).tolist() == [False, False, False, False, True, True]


def test_blurry_is_what_is_blurry_by_itself_and_among_the_others():
    assert is_blurry(with_blur(0.4, 0.4, 0.5, 0.69, 0.7)).tolist() == [False] * 4 + [True]
    assert is_blurry(with_blur(0.64, 0.65, 0.65, 0.72, 0.76)).tolist() == [False] * 4 + [True]
    assert is_blurry(with_blur(0.1, 0.1, 0.1, 0.5)).tolist() == [False] * 4  # A sharp set has none.
    assert is_blurry(with_blur(0.8, 0.8, 0.85)).tolist() == [False] * 3  # Nor has one that is soft all over.


def test_a_set_that_is_soft_all_over():
    assert is_soft_all_over(with_blur(0.8, 0.75, 0.3))
    assert not is_soft_all_over(with_blur(0.8, 0.6, 0.3))
    assert not is_soft_all_over(np.zeros(0, LOOK)) and is_blurry(np.zeros(0, LOOK)).tolist() == []


def test_blurred_images_are_found_and_pixel_art_is_not():
    sharp = [np.where(picture(seed, (64, 64)) > 128, 200, 50).astype(np.uint8) for seed in range(5)]
    art = np.repeat(np.repeat(noise(8, 8), 8, axis=0), 8, axis=1)
    blurred = [np.asarray(Image.fromarray(sharp[0]).filter(ImageFilter.GaussianBlur(radius))) for radius in (2, 3)]
    assert is_blurry(looks_of(*sharp, art, *blurred)).tolist() == [False] * 6 + [True] * 2


def test_the_fewer_of_grey_and_coloured_ones():
    grey, coloured = picture(0, grey=True), picture(0)
    assert other_coloured(looks_of(coloured, grey, coloured)).tolist() == [1]
    assert other_coloured(looks_of(grey, coloured, grey, grey)).tolist() == [1]
    assert other_coloured(looks_of(grey, coloured)).tolist() == [0]
    assert other_coloured(looks_of(grey, grey)).tolist() == []
    assert other_coloured(looks_of(coloured)).tolist() == []
