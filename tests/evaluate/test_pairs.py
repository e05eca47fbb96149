import numpy as np
import pytest
from PIL import Image
from support.image_sets import smooth, source_of

from dcgan_tf.evaluate.pairs import draw_pairs
from dcgan_tf.metrics.copies import find_copies


@pytest.mark.parametrize("channels", [1, 3])
def test_pairs_are_drawn_closest_first(tmp_path, channels):
    training = smooth(40, seed=1, size=(16, 16), channels=channels)
    samples = smooth(20, seed=2, size=(16, 16), channels=channels)
    samples[3], samples[8] = training[5, :, ::-1], training[6] ^ 1
    source, other = source_of(samples), source_of(training)
    found = find_copies(source, other)
    path = tmp_path / "new" / "pairs.png"
    draw_pairs(found, source, other, path, count=6)
    with Image.open(path) as picture:
        assert picture.mode == ("L" if channels == 1 else "RGB")
        drawn = np.asarray(picture).reshape(picture.height, picture.width, channels)
    side = 96  # 16 times 6
    assert drawn.shape == (2 * (side + 18), 4 * (2 * side + 12), channels)
    for place, pair in enumerate([(samples[3], training[5, :, ::-1]), (samples[8], training[6])]):
        left = place * (2 * side + 12) + 4
        for image, start in zip(pair, (left, left + side + 2), strict=True):
            np.testing.assert_array_equal(drawn[2 : 2 + side : 6, start : start + side : 6], image)
    captions = drawn[2 + side : side + 18]
    assert (captions[:, : 2 * side] < 128).any()  # there is a text
    assert (drawn[side + 18 :, -(2 * side + 12) :] == 255).all()  # the two places left over
    assert [file.name for file in path.parent.iterdir()] == ["pairs.png"]
