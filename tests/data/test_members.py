"""Which of several arrays are the images, and which their labels."""

import numpy as np
import pytest
from support.helpers import error_of

from dcgan_tf.data.members import choose_images, find_labels, label_names


def arrays(**shapes):
    return {name: (shape, np.dtype("u1")) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("shapes", "chosen"),
    [
        ({"data": (9, 8, 8), "x": (9, 8, 8), "images": (9, 8, 8)}, "images"),
        ({"data": (9, 8, 8), "X": (9, 8, 8)}, "X"),
        ({"data": (9, 8, 8), "x_train": (9, 8, 8), "x_test": (9, 8, 8)}, "x_train"),
        ({"masks": (9, 8, 8), "images": (9,), "x": (9, 2)}, "masks"),
        ({"features": (9, 64), "photos": (9, 8, 8)}, "photos"),
        ({"images": (9, 64), "photos": (9, 8, 8)}, "photos"),
        ({"rows": (9, 64), "table": (9, 65)}, "rows"),
    ],
)
def test_the_images(shapes, chosen):
    assert choose_images(arrays(**shapes), "it") == chosen


def test_a_size_tells_flat_rows():
    shapes = arrays(one=(9, 120), two=(9, 65))
    assert error_of(choose_images, shapes, "it") == (
        "it holds no images, only one (uint8 [9, 120]), two (uint8 [9, 65]): images are arrays of numbers [N, H, W, C]"
    )
    assert choose_images(shapes, "it", (10, 12)) == "one"


def test_several_sets_of_images():
    assert error_of(choose_images, arrays(a=(9, 8, 8), b=(4, 8, 8)), "it", prefix="train/") == (
        "it holds several sets of images, a (uint8 [9, 8, 8]), b (uint8 [4, 8, 8]): give one of them, "
        "--data 'it::train/a'"
    )


@pytest.mark.parametrize(
    ("images", "first"),
    [("x_test", "y_test"), ("X_val", "y_val"), ("test_images", "test_labels"), ("images", "labels"), ("X", "labels")],
)
def test_the_counterpart_is_looked_for_first(images, first):
    names = label_names(images)
    assert names[0] == first and set(names) >= {"labels", "y_train", "y", "label"} and len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("labels", "is_taken"),
    [
        (np.array([2, 0, 1]), True),
        (np.array([[2], [0], [1]], np.uint8), True),
        (np.array([[2.0, 0.0, 1.0]]), True),
        (np.array([True, False, True]), True),
        (np.array([2, 0]), False),
        (np.array([2.0, 0.5, 1.0]), False),
        (np.array([2.0, np.nan, 1.0]), False),
        (np.array([2.0, 1e300, 1.0]), False),
        (np.full(3, 2**63, np.uint64), False),
        (np.array(["a", "b", "c"]), False),
    ],
)
def test_labels_are_one_whole_number_for_each_image(labels, is_taken):
    found, notes = find_labels(["y"], lambda name: (labels.shape, labels.dtype), lambda name: labels, 3)
    if is_taken:
        assert found.tolist() == labels.ravel().tolist() and found.dtype == np.int64 and notes == []
    else:
        assert found is None
        assert notes[0].startswith("labels ignored: 'y' is ") and notes[0].endswith(
            "not one whole number for each image"
        )


def test_the_first_that_fits_is_taken():
    found = {"labels": np.arange(5), "y": np.arange(3)}
    labels, notes = find_labels(found, lambda name: (found[name].shape, found[name].dtype), found.get, 3)
    assert labels.tolist() == [0, 1, 2] and notes == []
