"""Where images are cut in which epoch, and that the kept lines give the cuts asked for."""

import numpy as np

from dcgan_tf.common.fit import cover, cut
from dcgan_tf.data.cuts import Strips, as_lines, places


def splitmix(state: int) -> int:
    """The published function, in Python's own whole numbers."""
    mask = 2**64 - 1
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & mask
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & mask
    return state ^ (state >> 31)


def test_places_follow_from_seed_epoch_and_index():
    def expected(seed, epoch, index):
        state = 0
        for word in (seed, epoch, index):
            state = splitmix((state + 0x9E3779B97F4A7C15 + word) % 2**64)
        return (state >> 11) / 2**53

    indices = np.array([0, 1, 5, 2**40])
    for seed, epoch in ((0, 0), (7, 3), (2**31 - 1, 10**6)):
        assert places(seed, epoch, indices).tolist() == [expected(seed, epoch, int(index)) for index in indices]
    many = places(0, 1, np.arange(100_000))
    counts = np.histogram(many, 10, (0, 1))[0]
    assert abs(counts - 10_000).max() < 400  # Four standard deviations are 380.
    other = places(0, 2, np.arange(100_000))
    assert abs(np.corrcoef(many, other)[0, 1]) < 0.02 and 0 <= many.min() and many.max() < 1


def test_an_image_is_covered_by_one_side():
    assert cover((10, 20), (5, 5)) == (5, 10) and cover((20, 10), (5, 5)) == (10, 5)
    assert cover((7, 7), (5, 5)) == (5, 5) and cover((3, 9), (6, 6)) == (6, 18)
    assert cover((10, 20), (5, 10)) == (5, 10) and cover((10, 10), (4, 8)) == (8, 8)


def test_a_cut_is_the_part_at_its_place():
    wide = np.arange(4 * 9 * 3, dtype=np.uint8).reshape(4, 9, 3)
    tall = np.arange(8 * 4 * 3, dtype=np.uint8).reshape(8, 4, 3)
    even = np.full((4, 4, 3), 7, np.uint8)
    lengths, turned = [], []
    lines = np.concatenate(list(as_lines([wide, tall, even], (4, 4), lengths, turned)))
    assert (lengths, turned) == ([9, 8, 4], [True, False, False]) and lines.shape == (21, 4, 3)
    strips = Strips((4, 4), lines, np.array(lengths), np.array(turned))
    for place, offset in ((0.0, 0), (0.999, 5), (0.5, 3), (0.3, 1)):  # of 6 cuts of the wide image
        np.testing.assert_array_equal(strips.cut(np.array([0]), np.array([place]))[0], wide[:, offset : offset + 4])
        np.testing.assert_array_equal(cut(wide, (4, 4), place), wide[:, offset : offset + 4])
    for place, offset in ((0.0, 0), (0.999, 4), (0.5, 2)):  # of 5 cuts of the tall one
        np.testing.assert_array_equal(strips.cut(np.array([1]), np.array([place]))[0], tall[offset : offset + 4])
    np.testing.assert_array_equal(strips.cut(np.array([2, 2]), np.array([0, 0.9])), np.stack([even, even]))


def test_cuts_that_are_no_squares():
    wide, tall = (np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8) for size in ((2, 9, 1), (7, 5, 1)))
    lengths, turned = [], []
    lines = np.concatenate(list(as_lines([wide, tall], (2, 5), lengths, turned)))
    strips = Strips((2, 5), lines, np.array(lengths), np.array(turned))
    assert lines.shape == (9 + 7, 5, 1)
    cuts = strips.cut(np.array([0, 1]), np.array([0.45, 0.7]))  # the 3rd of 5, and the 5th of 6
    np.testing.assert_array_equal(cuts[0], wide[:, 2:7])
    np.testing.assert_array_equal(cuts[1], tall[4:6])
