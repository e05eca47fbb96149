import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of

from dcgan_tf.common import memory
from dcgan_tf.pictures.enlarge import Resize, enlarged, whole_factor


@pytest.mark.parametrize(
    ("height", "width", "factor"), [(8, 8, 64), (8, 9, 57), (512, 1, 1), (511, 1, 2), (2000, 3000, 1), (1, 1, 512)]
)
def test_the_least_whole_factor_that_makes_512_pixels(height, width, factor):
    assert whole_factor(height, width) == factor


def test_enlarged_pixels_are_sharp_squares():
    image = np.array([[1, 2], [3, 4]], np.uint8)[..., None]
    assert enlarged(image, 2)[..., 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


@pytest.mark.parametrize(
    ("resize", "size"),
    [
        (Resize(), (30, 20)),
        (Resize(factor=8), (240, 160)),
        (Resize(longer_side=512), (512, 341)),
        (Resize(longer_side=3), (3, 2)),
        (Resize(longer_side=1), (1, 1)),
    ],
)
def test_sizes(resize, size):
    resize.check(30, 20)
    assert resize.size(30, 20) == resize.apply(Image.new("RGB", (30, 20))).size == size
    assert resize.is_asked == (resize != Resize())


def test_a_longer_side_is_smooth_and_a_factor_is_sharp():
    edge = Image.fromarray(np.array([[0, 255]] * 2, np.uint8))
    assert np.unique(Resize(factor=4).apply(edge)).tolist() == [0, 255]
    assert len(np.unique(Resize(longer_side=8).apply(edge))) > 4


def test_what_is_too_large_is_one_line(monkeypatch):
    too_large = "and 16384 a side are the most: give a smaller one"
    assert error_of(Resize(factor=2049).check, 8, 6) == f"--scale 2049: makes 16392x12294 pixels of 8x6, {too_large}"
    Resize(factor=2048).check(8, 6)
    Resize(longer_side=16_384).check(8, 6)
    monkeypatch.setattr(memory, "free_bytes", lambda: 1_000_000)
    assert error_of(Resize(longer_side=1000).check, 8, 8) == (
        "--size 1000: a picture of 1000x1000 pixels needs 12 MB of memory, and 1 MB are free: give a smaller size"
    )
