import numpy as np
from support.image_sets import source_of

from dcgan_tf.metrics.jumbled import Jumbled


def test_parts_change_places_and_nothing_is_lost():
    # Each part of 2x3 pixels has a value of its own; a column and a row are left over.
    parts = np.arange(64, dtype=np.uint8).reshape(8, 8)
    image = np.full([17, 25, 1], 99, np.uint8)
    image[:16, :24, 0] = np.kron(parts, np.ones([2, 3], np.uint8))
    source = source_of(np.stack([image, image]))
    jumbled = Jumbled(source, lambda images: images)
    first, second = jumbled.read(np.array([0, 1]))
    assert (first[16:] == 99).all() and (first[:, 24:] == 99).all()
    moved = first[:16:2, :24:3, 0]
    np.testing.assert_array_equal(np.kron(moved, np.ones([2, 3])), first[:16, :24, 0])
    np.testing.assert_array_equal(np.sort(moved.ravel()), np.arange(64))
    assert (moved != parts).mean() > 0.9 and not np.array_equal(first, second)
    np.testing.assert_array_equal(jumbled.read(np.array([1]))[0], second)  # whichever are read with it
    np.testing.assert_array_equal(source.read(np.array([0]))[0], image)


def test_images_are_made_to_fit_first():
    source = source_of(np.zeros([3, 8, 8, 1], np.uint8))
    jumbled = Jumbled(source, lambda images: images.repeat(2, axis=1).repeat(2, axis=2))
    assert jumbled.read(np.array([0, 2])).shape == (2, 16, 16, 1) and len(jumbled) == 3
