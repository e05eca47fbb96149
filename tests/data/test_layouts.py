"""Which axes of an array count images, and which are height, width and channels; flat rows."""

import numpy as np
import pytest
from support.sources import source_error

from dcgan_tf.data.layouts import flat_shape, layout_by_shape
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")


def smooth(count, height, width, channels):
    """uint8 images [N, H, W, C] of slopes, each of its own direction and colour, from 0 to 255."""
    random = np.random.default_rng(0)
    rows, columns = np.linspace(0, 1, height)[:, None, None], np.linspace(0, 1, width)[None, :, None]
    images = [np.abs(random.random(channels) - rows * random.random() - columns * 0.4) for _ in range(count)]
    images = np.stack(images)
    images -= images.min()
    return (images / images.max() * 255).round().astype(np.uint8)


@pytest.mark.parametrize(
    ("shape", "axes", "image_shape"),
    [
        ((7, 28, 30), "NHW", (28, 30, 1)),
        ((7, 28, 30, 3), "NHWC", (28, 30, 3)),
        ((7, 3, 28, 30), "NCHW", (28, 30, 3)),
        ((28, 30, 3, 7), "HWCN", (28, 30, 3)),
        ((28, 30, 1, 700), "HWCN", (28, 30, 1)),
        ((28, 28, 447), "NHW", (28, 447, 1)),
        ((28, 28, 448), "HWN", (28, 28, 1)),
        ((28, 30, 700), "NHW", (30, 700, 1)),
    ],
)
def test_axes_told_by_the_shape(shape, axes, image_shape):
    layout = layout_by_shape(shape)
    assert (layout.axes, layout.image_shape) == (axes, image_shape)
    assert layout.count(shape) == shape[axes.index("N")]


@pytest.mark.parametrize(
    "shape", [(), (9,), (7, 63), (784, 784), (7, 65), (7, 8, 3), (7, 8, 9, 10), (1,) * 5, (0, 9, 9), (9, 0)]
)
def test_shapes_that_show_no_images(shape):
    assert layout_by_shape(shape) is None


@pytest.mark.parametrize(
    ("values", "size", "image_shape"),
    [
        (784, None, (28, 28, 1)),
        (3072, None, (32, 32, 3)),
        (4096, None, (64, 64, 1)),
        (4096, (32, 128), (32, 128, 1)),
        (3072, (16, 64), (16, 64, 3)),
        (3072, (48, 64), (48, 64, 1)),
        (4096, (32, 32), (64, 64, 1)),
        (49, None, None),
        (100, None, (10, 10, 1)),
        (101, None, None),
        (120, (10, 12), (10, 12, 1)),
        (120, None, None),
    ],
)
def test_flat_rows_are_squares_or_of_the_wanted_size(values, size, image_shape):
    assert flat_shape(values, size) == image_shape


def test_images_last_as_in_svhn():
    images = smooth(6, 9, 8, 3)
    np.save("set.npy", images.transpose(1, 2, 3, 0))
    source = open_source("set.npy")
    assert (len(source), source.image_shape) == (6, (9, 8, 3))
    assert source.notes == ["images-last array: [9, 8, 3, 6] is read as [H, W, C, N]"]
    np.testing.assert_array_equal(source.read([5, 0, 5]), images[[5, 0, 5]])
    np.savez("set.npz", X=images.transpose(1, 2, 3, 0), y=np.arange(6)[:, None])
    source = open_source("set.npz")
    assert source.labels.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(source.read(range(6)), images)


def test_grey_images_last():
    images = smooth(200, 9, 9, 1)[..., 0]
    np.save("set.npy", images.transpose(1, 2, 0))
    source = open_source("set.npy")
    assert source.notes == ["images-last array: [9, 9, 200] is read as [H, W, N]"]
    np.testing.assert_array_equal(source.read([199, 3])[..., 0], images[[199, 3]])


def test_images_last_that_do_not_fit_into_memory(monkeypatch):
    np.save("set.npy", smooth(6, 9, 8, 3).transpose(1, 2, 3, 0).copy())
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: 1295)
    assert source_error("set.npy") == (
        "set.npy needs 1.3 KB of memory, and 1.29 KB are free: "
        "save the images as .npy [N, H, W, C], which is read piece by piece"
    )


def test_flat_rows_of_grey():
    images = smooth(5, 10, 10, 1)
    np.save("set.npy", images.reshape(5, -1))
    source = open_source("set.npy")
    assert source.image_shape == (10, 10, 1)
    assert source.notes == ["flat rows: [5, 100] is read as 10x10 grey"]
    np.testing.assert_array_equal(source.read([4, 0]), images[[4, 0]])


@pytest.mark.parametrize(
    ("is_planar", "order"), [(True, "channel by channel (planar)"), (False, "pixel by pixel (interleaved)")]
)
@pytest.mark.parametrize("size", [None, (16, 64)])
def test_flat_rows_of_colour(is_planar, order, size):
    height, width = size or (32, 32)
    images = smooth(5, height, width, 3)
    np.save("set.npy", (images.transpose(0, 3, 1, 2) if is_planar else images).reshape(5, -1))
    source = open_source("set.npy", size=size)
    assert source.notes == [f"flat rows: [5, 3072] is read as {height}x{width} colour, {order}"]
    np.testing.assert_array_equal(source.read([4, 0]), images[[4, 0]])


def test_a_size_that_is_not_that_of_the_flat_rows_resizes():
    np.save("set.npy", smooth(5, 10, 10, 1).reshape(5, -1))
    source = open_source("set.npy", size=(5, 5))
    assert source.image_shape == (5, 5, 1)
    assert source.notes == ["flat rows: [5, 100] is read as 10x10 grey", "resized from 10x10 to 5x5"]


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        (
            (9, 120),
            "set.npy has the shape [9, 120]: rows of 120 values are no square images: give --image-size HEIGHT WIDTH, "
            "of as many pixels, or a third of them where the images have colour",
        ),
        (
            (100, 100),
            "set.npy has the shape [100, 100], which looks like one grey image [H, W]: a set of images is [N, H, W]",
        ),
        ((9, 63), "set.npy has the shape [9, 63]: images are [N, H, W], [N, H, W, C] or [N, C, H, W]"),
    ],
)
def test_flat_rows_that_are_not_sure(shape, line):
    np.save("set.npy", np.full(shape, 200, np.uint8))
    assert source_error("set.npy") == line


def test_a_size_settles_a_square_array():
    images = smooth(100, 10, 10, 1)
    np.save("set.npy", images.reshape(100, 100))
    np.testing.assert_array_equal(open_source("set.npy", size=(10, 10)).read([99]), images[[99]])
