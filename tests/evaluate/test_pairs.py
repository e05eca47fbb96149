import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageFont
from support.image_sets import ImageSet, smooth, source_of

from dcgan_tf.evaluate.pairs import FONT_PIXELS, _fitted, closest_pairs, draw_pairs
from dcgan_tf.metrics.copies import find_copies


class Drawn(ImageSet):
    """Samples, the first of seed 100."""

    def name_of(self, index):
        return f"seed {100 + index}"


@pytest.mark.parametrize("channels", [1, 3])
def test_pairs_are_drawn_closest_first_with_seed_and_file(tmp_path, channels):
    training = smooth(40, seed=1, size=(16, 16), channels=channels)
    images = smooth(20, seed=2, size=(16, 16), channels=channels)
    images[3], images[8] = training[5, :, ::-1], training[6] ^ 1
    names = [f"cats/{number}.png" for number in range(40)]
    names[6] = "cats/\n6.png"
    samples, source = Drawn(images), source_of(training, names=names)
    found = find_copies(samples, source)
    pairs = closest_pairs(found, samples, source, "cats, epoch 7", count=6)
    assert pairs.captions[:2] == [
        ("seed 103: 0 (0.00)", "cats/5.png, mirrored"),
        (f"seed 108: 1 ({found.relative[8]:.2f})", "cats/\\n6.png"),
    ]
    path = tmp_path / "new" / "pairs.png"
    draw_pairs(pairs, path)
    with Image.open(path) as picture:
        drawn = np.asarray(picture)
    side = 128  # 16 times 8
    assert drawn.shape == (16 + 4 * 22 + 2 * (side + 2 * 22 + 16), 16 + 4 * (2 * side + 4 + 16), 3)
    top = 16 + 4 * 22
    for place, pair in enumerate([(images[3], training[5, :, ::-1]), (images[8], training[6])]):
        left = 16 + place * (2 * side + 4 + 16)
        for image, start in zip(pair, (left, left + side + 4), strict=True):
            shown = drawn[top : top + side : 8, start : start + side : 8]
            np.testing.assert_array_equal(shown, np.broadcast_to(image, [16, 16, 3]))
    for lines in (
        drawn[16 : 16 + 66],
        drawn[82:104],
        drawn[top + side : top + side + 44],
    ):  # heading, "generated", captions
        assert (lines < 128).any()
    assert (drawn[-(side + 2 * 22 + 16) :, -(2 * side + 4 + 16) :] == 255).all()  # the two places left over
    assert [file.name for file in path.parent.iterdir()] == ["pairs.png"]


def test_images_without_names_have_numbers_and_flat_samples_come_last(tmp_path):
    training, images = smooth(40, seed=1), smooth(4, seed=2)
    training[9], images[1] = 77, 77
    samples, source = Drawn(images), source_of(training)
    found = find_copies(samples, source)
    pairs = closest_pairs(found, samples, source, "x" * 300)
    assert pairs.captions[-1] == ("seed 101: 0 (0.00)", "image 9") and not pairs.are_flat
    draw_pairs(dataclasses.replace(pairs, are_flat=True), tmp_path / "a.png")


def test_the_end_of_a_long_name_stays():
    font = ImageFont.load_default(FONT_PIXELS)
    assert _fitted("cat.png", font, 200) == "cat.png"
    short = _fitted("a/very/long/folder/of/a/person/with/many/folders/0012.png", font, 200)
    assert short.startswith("a/v") and "..." in short and short.endswith("/0012.png") and font.getlength(short) <= 200
