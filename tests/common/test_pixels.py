"""Value ranges, channels, sizes and greyness of pixels, with values worked out by hand."""

import numpy as np
import pytest
from PIL import Image

from dcgan_tf.common import pixels
from dcgan_tf.common.fit import Fit


def test_spread_is_even_and_holds_both_ends():
    assert pixels.spread(10, 4).tolist() == [0, 3, 6, 9]
    assert pixels.spread(3, 64).tolist() == [0, 1, 2]
    assert pixels.spread(1, 64).tolist() == [0]


def test_spread_never_gives_an_index_twice():
    assert pixels.spread(5, 5).tolist() == [0, 1, 2, 3, 4]
    assert pixels.spread(60_000, 3).tolist() == [0, 30_000, 59_999]  # 29,999.5 is rounded to the even number.


@pytest.mark.parametrize(
    ("values", "low", "high", "expected"),
    [
        (np.float32([-0.5, 0, 0.5, 1, 2]), 0, 1, [0, 0, 128, 255, 255]),  # 127.5 is rounded to the even number.
        (np.float64([-1, -0.2, 0, 1]), -1, 1, [0, 102, 128, 255]),
        (np.uint8([0, 4, 8, 16, 200]), 0, 16, [0, 64, 128, 255, 255]),
        (np.uint16([0, 257, 65535]), 0, 65535, [0, 1, 255]),
        (np.array([False, True]), 0, 1, [0, 255]),
        (
            np.int32([2**24, 2**24 + 1, 2**24 + 2]),
            2**24,
            2**24 + 2,
            [0, 128, 255],
        ),  # float32 cannot tell these three apart.
    ],
)
def test_numbers_are_scaled_rounded_and_clipped(values, low, high, expected):
    found = pixels.to_uint8(values, low, high)
    assert found.dtype == np.uint8 and found.tolist() == expected


def test_uint8_of_the_whole_range_is_not_copied():
    values = np.arange(256, dtype=np.uint8)
    assert pixels.to_uint8(values, 0, 255) is values


@pytest.mark.parametrize(
    ("pixel", "channels", "expected"),
    [
        ([77], 1, [77]),
        ([77], 3, [77, 77, 77]),
        ([200, 128], 1, [227]),  # This is 128/255 of 200 and 127/255 of white.
        ([200, 0], 3, [255, 255, 255]),
        ([9, 8, 7], 3, [9, 8, 7]),
        ([255, 0, 0], 1, [76]),
        ([0, 255, 0], 1, [150]),
        ([0, 0, 255], 1, [29]),
        ([255, 255, 255], 1, [255]),
        ([200, 100, 0, 128], 3, [227, 177, 127]),
        ([0, 0, 0, 0], 1, [255]),
        ([255, 0, 0, 255], 1, [76]),
    ],
)
def test_channels(pixel, channels, expected):
    images = np.broadcast_to(np.uint8(pixel), (2, 3, 4, len(pixel)))
    found = pixels.to_channels(images, channels)
    assert found.dtype == np.uint8 and found.shape == (2, 3, 4, channels)
    assert found[1, 2, 3].tolist() == expected and np.ptp(found, axis=(0, 1, 2)).max() == 0


@pytest.mark.parametrize(
    ("image_shape", "longer_side", "expected"),
    [
        ((200, 100, 3), 50, (50, 25)),
        ((30, 90, 1), 60, (20, 60)),
        ((10, 20, 3), 50, (10, 20)),
        ((50, 50, 3), 50, (50, 50)),
        ((1000, 1, 1), 10, (10, 1)),
    ],
)
def test_sizes_within_a_longer_side(image_shape, longer_side, expected):
    assert pixels.size_within(image_shape, longer_side) == expected


def stripe(height, width, channels=1):
    """Black, with white columns in the middle half."""
    image = np.zeros((height, width, channels), np.uint8)
    image[:, width // 4 : width - width // 4] = 255
    return image


def test_fit_cuts_out_the_centre():
    wide = Image.fromarray(stripe(4, 8)[..., 0])
    assert pixels.fit(wide, (4, 8)) is wide
    np.testing.assert_array_equal(np.asarray(pixels.fit(wide, (4, 4))), np.full((4, 4), 255))
    halved = np.asarray(pixels.fit(Image.fromarray(np.full((8, 8), 90, np.uint8)), (4, 2)))
    assert halved.shape == (4, 2) and (halved == 90).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_all_images_are_fitted_alike(channels):
    images = np.stack([stripe(4, 8, channels), 255 - stripe(4, 8, channels)])
    assert Fit((4, 8)).images(images) is images
    fitted = Fit((4, 4)).images(images)
    assert fitted.dtype == np.uint8 and fitted.shape == (2, 4, 4, channels)
    assert (fitted[0] == 255).all() and (fitted[1] == 0).all()


def test_grey_content():
    assert pixels.is_grey(noise := np.random.default_rng(0).integers(0, 256, (40, 25, 1), np.uint8))
    image = np.repeat(noise // 2, 3, axis=-1)  # It has 1,000 pixels.
    image[..., 1] += 12
    assert pixels.is_grey(image)
    image[0, 0, 1] += 1
    assert pixels.is_grey(image)  # One pixel in a thousand may differ by more than 12.
    image[0, 1, 1] += 1
    assert not pixels.is_grey(image)
