import numpy as np
import pytest

from dcgan_tf.pictures.sheet import contact_sheet


def rows_of_text(strip):
    """How many rows of a strip have dark pixels."""
    return int((strip < 128).any(axis=(1, 2)).sum())


@pytest.mark.parametrize(
    ("count", "rows", "columns"),
    [(1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 2, 2), (5, 2, 3), (7, 3, 3), (10, 3, 4), (99, 10, 10), (100, 10, 10)],
)
def test_sheets_are_as_square_as_can_be(count, rows, columns):
    sheet = contact_sheet(np.zeros([count, 60, 60, 3], np.uint8), [str(seed) for seed in range(1, count + 1)])
    factor = -(-512 // (60 * columns))
    tile, strip = 60 * factor, round(1.4 * min(max(60 * factor // 16, 14), 32))
    assert sheet.shape == (rows * (tile + strip + 2) + 2, columns * (tile + 2) + 2, 3)
    assert max(sheet.shape) >= 512


@pytest.mark.parametrize("channels", [1, 3])
def test_every_pixel_is_a_sharp_square_above_its_label(channels):
    images = np.random.default_rng(0).integers(0, 256, [3, 8, 6, channels], np.uint8)
    sheet = contact_sheet(images, ["7", "8", "9"])
    # 2 x 2 tiles of 8 x 6: 32 times as large, 256 x 192 pixels each, with a strip of 20 below.
    assert sheet.shape == (2 * (256 + 20 + 2) + 2, 2 * (192 + 2) + 2, channels)
    for index, image in enumerate(images):
        top, left = 2 + index // 2 * 278, 2 + index % 2 * 194
        np.testing.assert_array_equal(sheet[top : top + 256, left : left + 192], image.repeat(32, 0).repeat(32, 1))
        strip = sheet[top + 256 : top + 276, left : left + 192]
        assert 10 <= rows_of_text(strip) <= 14  # legible, and on one line
        dark = np.nonzero((strip < 128).any(axis=(0, 2)))[0]
        assert abs((dark.min() + dark.max()) / 2 - 96) < 3  # in the middle
    assert (sheet[280:, 196:] == 255).all()  # The fourth place is empty.


def test_a_long_label_fits_below_a_small_image():
    sheet = contact_sheet(np.zeros([100, 8, 8, 1], np.uint8), [str(2_147_483_548 + index) for index in range(100)])
    tile = (sheet.shape[1] - 2) // 10 - 2
    assert tile % 8 == 0
    strip = sheet[2 + tile : 2 + tile + 20, 2 : 2 + tile]
    assert (strip[:, [0, 1, -2, -1]] == 255).all() and rows_of_text(strip) >= 10


def test_a_label_that_is_longer_than_small_images_may_become_is_cut_short():
    long, longer = "7: a class with a name of many words", "7: a class with a name of many, many words, and more"
    first, second = (contact_sheet(np.zeros([100, 8, 8, 1], np.uint8), [label] * 100) for label in (long, longer))
    assert first.shape == second.shape and first.shape[1] == 2 + 10 * (160 + 2)
    strip = first[2 + 160 : 2 + 160 + 20, 2 : 2 + 160]
    assert (strip[:, [0, 1, -2, -1]] == 255).all() and rows_of_text(strip) >= 10
    np.testing.assert_array_equal(first, second)


def test_large_images_stay_as_they_are():
    assert contact_sheet(np.zeros([4, 300, 300, 3], np.uint8), list("1234")).shape == (2 * (300 + 25 + 2) + 2, 606, 3)
