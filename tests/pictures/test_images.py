import numpy as np
import pytest
from PIL import Image

from dcgan_tf.pictures import images


def test_to_uint8_rounds_and_clips():
    floats = [-2.0, -1.0, -0.5, 0.0, 0.001, 0.02, 1.0, 1.5, np.inf, -np.inf]
    # -0.5 * 127.5 + 127.5 = 63.75; 127.5 rounds to the even 128; 127.6275 -> 128; 130.05 -> 130
    expected = [0, 0, 64, 128, 128, 130, 255, 255, 255, 0]
    result = images.to_uint8(floats)
    assert result.dtype == np.uint8
    assert result.tolist() == expected


def test_to_uint8_refuses_nan():
    with pytest.raises(ValueError, match="^the images hold NaN$"):
        images.to_uint8(np.array([0.0, np.nan], np.float32))


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_all_256_levels_come_back(precision):
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(images.to_uint8((levels / 127.5 - 1).astype(precision)), levels)


def test_grid_places_tiles_row_by_row():
    tiles = np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones([1, 1, 2, 1], np.uint8)  # 1 high, 2 wide
    sheet = images.grid(tiles, rows=2, columns=3, padding=1)
    assert sheet.dtype == np.uint8
    w = 255
    assert sheet[..., 0].tolist() == [
        [w, w, w, w, w, w, w, w, w, w],
        [w, 1, 1, w, 2, 2, w, 3, 3, w],
        [w, w, w, w, w, w, w, w, w, w],
        [w, 4, 4, w, 5, 5, w, w, w, w],
        [w, w, w, w, w, w, w, w, w, w],
    ]


def test_grid_keeps_every_pixel_of_colour_images():
    tiles = np.random.default_rng(0).integers(0, 256, [4, 5, 7, 3], np.uint8)
    sheet = images.grid(tiles, 2, 2)
    assert sheet.shape == (2 * 7 + 2, 2 * 9 + 2, 3)
    np.testing.assert_array_equal(sheet[9:14, 2:9], tiles[2])
    np.testing.assert_array_equal(images.grid(tiles[:1], 1, 1, padding=0), tiles[0])


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        (np.zeros([5, 4, 4, 1], np.uint8), "5 images do not fit a grid of 2 x 2"),
        (np.zeros([4, 4, 4, 1], np.float32), "images must be uint8 [N, H, W, 1 or 3], not float32 [4, 4, 4, 1]"),
        (np.zeros([4, 4, 4, 2], np.uint8), "images must be uint8 [N, H, W, 1 or 3], not uint8 [4, 4, 4, 2]"),
        (np.zeros([4, 4, 4], np.uint8), "images must be uint8 [N, H, W, 1 or 3], not uint8 [4, 4, 4]"),
    ],
)
def test_grid_refuses(tiles, message):
    with pytest.raises(ValueError) as error:
        images.grid(tiles, 2, 2)
    assert str(error.value) == message


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_png_reads_back_pixel_for_pixel(tmp_path, channels, mode):
    image = np.random.default_rng(0).integers(0, 256, [5, 7, channels], np.uint8)
    images.write_png(tmp_path / "a.png", image)
    with Image.open(tmp_path / "a.png") as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", mode, (7, 5))
        np.testing.assert_array_equal(np.asarray(picture).reshape(image.shape), image)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_png_that_fails_leaves_the_older_one(tmp_path, monkeypatch):
    images.write_png(tmp_path / "a.png", np.zeros([2, 2, 1], np.uint8))
    before = (tmp_path / "a.png").read_bytes()

    def fails(self, path, *_):
        path.write_bytes(b"half a fi")
        raise OSError("the disk is gone")

    monkeypatch.setattr(Image.Image, "save", fails)
    with pytest.raises(OSError, match="the disk is gone"):
        images.write_png(tmp_path / "a.png", np.ones([2, 2, 1], np.uint8))
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_png_refuses_other_types_and_shapes(tmp_path):
    with pytest.raises(ValueError) as error:
        images.write_png(tmp_path / "a.png", np.zeros([2, 2, 1], np.float32))
    assert str(error.value) == "an image must be uint8 [h, w, 1 or 3], not float32 [2, 2, 1]"
    assert list(tmp_path.iterdir()) == []
