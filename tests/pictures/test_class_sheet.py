"""Sheets with a row for each class: its name on the left, the images as on any other sheet."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageFont
from support import image_sets
from support.settings import settings

from dcgan_tf.pictures.images import sheet
from dcgan_tf.pictures.sheet import class_sheet, sheet_of_run

MARGIN = 8  # pixels on both sides of a name


def strip_and_images(made, images, rows):
    """(what is left of the images, the images), of which the second is the usual sheet, pixel by pixel."""
    usual = sheet(images, rows, len(images) // rows)
    margin = made.shape[1] - usual.shape[1]
    assert made.dtype == np.uint8 and made.shape == (usual.shape[0], margin + usual.shape[1], images.shape[-1])
    np.testing.assert_array_equal(made[:, margin:], usual)
    return made[:, :margin]


def dark(strip, axis):
    """The rows (axis 0) or columns (axis 1) of a strip that hold ink."""
    return np.nonzero((strip < 128).any(axis=(1 - axis, 2)))[0]


@pytest.mark.parametrize("channels", [1, 3])
def test_every_row_has_its_name_on_the_left(channels):
    images = image_sets.noise(12, 60, 50, channels)
    names = ["cat", "a dog", "owl"]
    made = class_sheet(images, names)
    # 3 x 4 tiles of 60x50, 2 pixels apart, are 188x210, three times as large: 564x630.
    assert made.shape[0] == 564
    strip = strip_and_images(made, images, 3)
    font = ImageFont.load_default(26)  # 630 / 24
    assert strip.shape[1] == round(max(map(font.getlength, names))) + 2 * MARGIN
    assert (strip == strip[..., :1]).all() and (strip[:, : MARGIN - 1] == 255).all()
    for row in range(3):
        own = strip[row * 188 : (row + 1) * 188]
        ink = dark(own, 0)
        assert 10 <= np.ptp(ink) <= 30 and abs(ink.mean() - 94) < 6  # in the middle of its row
        assert abs(dark(own, 1).max() - (strip.shape[1] - MARGIN)) <= 3  # It ends at the images.


def test_names_stand_in_the_order_of_the_rows():
    images = image_sets.noise(4, 60, 60, 3)
    wide_first = strip_and_images(class_sheet(images, ["MMM", "i"]), images, 2)
    wide_last = strip_and_images(class_sheet(images, ["i", "MMM"]), images, 2)
    ink = [[int((half < 128).sum()) for half in np.array_split(strip, 2)] for strip in (wide_first, wide_last)]
    assert ink[0] == ink[1][::-1] and ink[0][0] > 5 * ink[0][1] > 0


def test_a_long_name_is_cut_short_with_an_ellipsis():
    images = image_sets.noise(16, 64, 64, 3)
    name = "extraordinarily long names of classes"
    made = class_sheet(images, [name, "cat"])
    width = sheet(images, 2, 8).shape[1]
    strip = strip_and_images(made, images, 2)
    font = ImageFont.load_default(14)  # the smallest
    fits = [length for length in range(len(name)) if font.getlength(f"{name[:length]}…") <= width / 4]
    assert 5 < max(fits) < len(name) - 5
    np.testing.assert_array_equal(made, class_sheet(images, [f"{name[: max(fits)]}…", "cat"]))
    assert strip.shape[1] <= width / 4 + 2 * MARGIN + 1


def test_names_are_smaller_before_they_are_cut_short():
    images = image_sets.noise(4 * 8, 32, 32, 1)
    names = ["glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor"]
    width = sheet(images, 4, 8).shape[1]
    strip = strip_and_images(class_sheet(images, names), images, 4)
    lengths = {size: ImageFont.load_default(size).getlength("meningioma_tumor") for size in range(14, width // 24 + 1)}
    size = max(size for size, length in lengths.items() if length <= width / 4)
    assert 14 < size < width // 24 and strip.shape[1] == round(lengths[size]) + 2 * MARGIN


def test_tiny_and_large_images():
    tiny = class_sheet(image_sets.noise(16 * 8, 8, 8, 1), [str(number) for number in range(16)])
    # 16 x 8 tiles are 162x82, four times as large; digits of 14 pixels fit their rows of 40.
    assert (
        tiny.shape[0] == 648 and tiny.shape[1] == 328 + round(ImageFont.load_default(14).getlength("10")) + 2 * MARGIN
    )
    large = class_sheet(np.zeros([16, 200, 200, 3], np.uint8), ["cat", "dog"])
    assert large.shape[0] == 2 * 202 + 2 and large.shape[1] < 1.3 * (8 * 202 + 2)


def of_classes(names, grid):
    """Settings of a run whose images have these classes."""
    plain = settings(image_shape=(8, 8, 1))
    preset = replace(plain.preset, classes=len(names), grid=grid)
    return replace(plain, preset=preset, data=replace(plain.data, class_names=tuple(names)))


def test_the_sheet_of_a_run_has_the_names_of_its_rows():
    images = image_sets.noise(16 * 8, 8, 8, 1)
    run = of_classes([f"kind {number}" for number in range(40)], (16, 8))
    names = [f"kind {number}" for number in (0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 30, 32, 35, 37)]
    np.testing.assert_array_equal(sheet_of_run(images, run), class_sheet(images, names))
    run = of_classes(["cat", "dog"], (2, 8))
    np.testing.assert_array_equal(sheet_of_run(images[:16], run), class_sheet(images[:16], ["cat", "dog"]))


def test_the_sheet_of_a_run_without_classes_is_the_usual_one():
    run = settings(image_shape=(8, 8, 1))
    rows, columns = run.preset.grid
    images = image_sets.noise(rows * columns, 8, 8, 1)
    np.testing.assert_array_equal(sheet_of_run(images, run), sheet(images, rows, columns))
