"""What is kept of one image: hashes that tell equal pixels, and numbers worked out by hand."""

import numpy as np
import pytest
from PIL import Image
from support.image_files import encoded, noise
from support.pictures import picture

from dcgan_tf.common.fit import Fit
from dcgan_tf.data.decode import decode
from dcgan_tf.inspection.looks import LOOK, look_at


def plain(colour, size=(8, 6)):
    return np.broadcast_to(np.uint8(colour), (*size, len(colour))).copy()


def bits_between(one, other):
    return int(np.bitwise_count(one ^ other).sum())


def test_a_record_is_small():
    assert LOOK.itemsize < 1500
    assert np.stack([look_at(picture(0)), look_at(picture(1))]).shape == (2,)


@pytest.mark.parametrize("kind, options", [("PNG", {}), ("TIFF", {}), ("BMP", {}), ("WEBP", {"lossless": True})])
def test_the_same_pixels_have_the_same_hash_in_all_lossless_formats(kind, options):
    image = noise(20, 14)
    look = look_at(decode(encoded(image, kind, **options), Fit((20, 14)), None).pixels)
    np.testing.assert_array_equal(look["exact_hash"], look_at(image)["exact_hash"])


def test_grey_pixels_have_the_same_hash_in_one_channel_and_in_three():
    grey = noise(9, 7, channels=1)[..., None]
    np.testing.assert_array_equal(look_at(grey)["exact_hash"], look_at(np.repeat(grey, 3, axis=-1))["exact_hash"])


def test_one_level_or_another_shape_makes_another_hash():
    image = noise(9, 7)
    other = image.copy()
    other[8, 6, 2] ^= 1
    reshaped = image.reshape(7, 9, 3)
    hashes = {tuple(look_at(some)["exact_hash"]) for some in (image, other, reshaped)}
    assert len(hashes) == 3


def test_views_in_any_memory_order_have_the_hash_of_their_pixels():
    image = noise(9, 7)
    turned = np.asfortranarray(image)
    np.testing.assert_array_equal(look_at(turned)["exact_hash"], look_at(image)["exact_hash"])


def test_perceptual_hashes_of_a_copy_its_mirror_image_and_another_picture():
    image = picture(1)
    look, copy, other = look_at(image), look_at(image[1:-1, 1:-1]), look_at(picture(2))
    turned = look_at(image[:, ::-1])
    assert bits_between(look["hash"], copy["hash"]) <= 40
    assert bits_between(look["mirrored_hash"], turned["hash"]) == 0
    assert 90 < bits_between(look["hash"], other["hash"]) < 166  # Half of 256 bits, more or less.
    assert 90 < bits_between(look["hash"], turned["hash"]) < 166


def test_brightness_contrast_and_shares_of_black_and_white():
    image = np.zeros((4, 4, 1), np.uint8)
    image[0] = 255  # four of sixteen pixels
    image[1] = 100
    look = look_at(image)
    assert look["brightness"] == pytest.approx((4 * 255 + 4 * 100) / 16)
    assert look["contrast"] == pytest.approx(np.std([255, 100, 0, 0]))
    assert look["black_share"] == 0.5 and look["white_share"] == 0.25


def test_brightness_is_that_of_grey_as_pillow_makes_it():
    image = picture(3)
    assert look_at(image)["brightness"] == pytest.approx(np.asarray(Image.fromarray(image).convert("L")).mean())


def test_colourfulness_of_one_colour_is_its_distance_from_grey():
    # Red minus green is 200 - 100 = 100, and their mean minus blue 150 - 50 = 100: 0.3 * sqrt(100 ** 2 + 100 ** 2).
    assert look_at(plain((200, 100, 50)))["colourfulness"] == pytest.approx(0.3 * 100 * 2**0.5)
    assert look_at(plain((90, 90, 90)))["colourfulness"] == 0


@pytest.mark.parametrize("colour, grey", [((80, 80, 80), True), ((80, 85, 80), True), ((80, 120, 80), False)])
def test_whether_it_is_grey(colour, grey):
    assert look_at(plain(colour))["is_grey"] == grey


def test_thumbnail_and_fields_of_colour_of_halves():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 32:] = 200, 100, 0
    look = look_at(image)
    assert look["thumbnail"].shape == (32, 32)
    assert look["thumbnail"][:, 0].max() == 0
    np.testing.assert_array_equal(look["thumbnail"][:, -1], 118)  # 0.299 * 200 + 0.587 * 100
    np.testing.assert_array_equal(look["colours"][3, :, 1], [0, 0, 0, 0, 100, 100, 100, 100])


def test_the_size_is_that_which_is_given_or_else_its_own():
    assert look_at(picture(0, (30, 50)))["size"].tolist() == [30, 50]
    assert look_at(picture(0, (30, 50)), (3000, 5000))["size"].tolist() == [3000, 5000]


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 3), (1, 40, 3), (300, 1, 1), (2, 3000, 3)])
def test_images_of_odd_shapes(shape):
    look = look_at(np.full(shape, 9, np.uint8))
    assert look["brightness"] == pytest.approx(9) and look["contrast"] == 0 and look["blur"] == 0
