"""How thumbnails are laid over each other: what is known to have been done to one is found."""

import numpy as np
import pytest
from PIL import Image
from support.pictures import picture

from dcgan_tf.inspection.alignment import align, rough_misfit


def thumbnail(seed, box=None):
    """uint8 [32, 32] of a picture of 320x320, or of the part (left, top, right, bottom) of it."""
    image = Image.fromarray(picture(seed, (320, 320), grey=True)[..., 0])
    return np.asarray(image.crop(box or (0, 0, 320, 320)).resize((32, 32), Image.Resampling.LANCZOS))


def aligned(first, second):
    fit = align(first[None], second[None], steps=3)
    return {name: values[0] for name, values in fit._asdict().items()}


def test_a_copy_fits_without_any_change():
    fit = aligned(thumbnail(0), thumbnail(0))
    assert fit == pytest.approx({"misfit": 0, "residual": 0, "gain": 1, "shift": 0}, abs=1e-4)


def test_a_gain_and_an_offset_are_found():
    first = thumbnail(0)
    fit = aligned(first, first * 0.8 + 20)
    assert fit["gain"] == pytest.approx(0.8, abs=1e-4)
    assert fit["misfit"] < 1e-3 and fit["shift"] < 1e-3


@pytest.mark.parametrize(
    "box, shift",
    [
        ((10, 0, 320, 320), 1.0),  # One edge moves by 10 of 320 pixels, which is 1 of 32.
        ((8, 8, 312, 312), 0.8),
        ((0, 0, 320, 308), 1.2),
    ],
)
def test_a_crop_is_found(box, shift):
    fit = aligned(thumbnail(0), thumbnail(0, box))
    assert fit["misfit"] < 0.02
    assert fit["shift"] == pytest.approx(shift, abs=0.1)
    assert fit["gain"] == pytest.approx(1, abs=0.02)


def test_another_picture_does_not_fit():
    assert aligned(thumbnail(0), thumbnail(1))["misfit"] > 0.5


def test_a_change_in_one_place_is_the_residual():
    first = thumbnail(0)
    second = first.copy()
    second[10:16, 10:16] = np.clip(second[10:16, 10:16].astype(int) + 40, 0, 255)
    fit = aligned(first, second)
    assert 20 < fit["residual"] < 45


def test_white_that_stays_white_does_not_spoil_the_gain():
    first = np.where(np.arange(32) < 16, 255, thumbnail(0)).astype(np.uint8)
    second = np.clip(first * 1.05, 0, 255).astype(np.uint8)
    assert aligned(first, second)["gain"] == pytest.approx(1.05, abs=0.03)  # 0.97, if white counted like the rest


def test_flat_thumbnails_are_no_trouble():
    flat, black = np.full((32, 32), 255, np.uint8), np.zeros((32, 32), np.uint8)
    for first, second in ((flat, flat), (flat, black), (black, flat), (black, thumbnail(0))):
        assert np.isfinite(list(aligned(first, second).values())).all()
    assert np.isfinite(rough_misfit(np.stack([flat, black]), np.array([[0, 1, 0], [1, 0, 1]]))).all()


def test_pairs_do_not_touch_each_other():
    first = np.stack([thumbnail(seed) for seed in range(4)])
    second = np.stack([thumbnail(0, (8, 8, 320, 320)), thumbnail(9), thumbnail(2), thumbnail(3)])
    together = align(first, second, steps=3)
    for k in range(4):
        np.testing.assert_allclose(
            [values[k] for values in together], list(aligned(first[k], second[k]).values()), rtol=1e-3, atol=1e-4
        )


def test_the_rough_misfit_tells_the_same_from_others():
    thumbnails = np.stack([thumbnail(0), thumbnail(0, (8, 4, 320, 312)), thumbnail(0)[:, ::-1], thumbnail(1)])
    pairs = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 2, 1], [0, 2, 0], [0, 3, 0]])
    found = rough_misfit(thumbnails, pairs)
    np.testing.assert_allclose(found[[0, 3]], 0, atol=2e-3)
    assert found[1] == pytest.approx(found[2]) and found[1] < 0.15
    assert (found[4:] > 0.4).all()


def test_no_pairs():
    nothing = np.zeros((0, 32, 32), np.uint8)
    assert all(len(values) == 0 for values in align(nothing, nothing, steps=3))
    assert len(rough_misfit(np.zeros((5, 32, 32), np.uint8), np.zeros((0, 3), np.int64))) == 0
