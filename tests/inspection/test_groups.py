"""Groups of images that belong together, and a set split in two without parting them."""

import numpy as np
import pytest

from dcgan_tf.inspection.groups import by_folder, by_prefix, joined, split


def test_groups_that_share_an_image_are_one():
    assert joined(7, [(5, 2), (3, 6), (2, 6)]).tolist() == [0, 1, 2, 2, 4, 2, 2]
    assert joined(3, []).tolist() == [0, 1, 2]
    chain = joined(1000, [(i + 1, i) for i in range(999)])
    assert (chain == 0).all()


def test_folders_and_prefixes():
    names = ["a/p1_1.png", "a/p1_2.png", "b/p1_3.png", "a/p2.png", "p1_4.png", "a/p2.jpg"]
    assert by_folder(names) == [[0, 1, 3, 5], [2], [4]]
    assert by_prefix(names, "_") == [[0, 1], [2], [3], [4], [5]]
    assert by_prefix(names, ".") == [[0], [1], [2], [3, 5], [4]]


@pytest.mark.parametrize("seed", range(5))
def test_a_share_of_each_class_is_held_out(seed):
    labels = np.repeat([0, 1, 2], [500, 300, 20])
    held_out = split(np.arange(820), labels, 0.1, seed)
    assert np.bincount(labels[held_out]).tolist() == [50, 30, 2]
    assert (held_out == split(np.arange(820), labels, 0.1, seed)).all()
    assert (held_out != split(np.arange(820), labels, 0.1, seed + 1)).any()
    assert split(np.arange(820), None, 0.25, seed).sum() == 205


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole(seed):
    random = np.random.default_rng(seed)
    group_of = random.integers(0, 60, 400)
    first_of = np.array([np.flatnonzero(group_of == group)[0] for group in group_of])
    labels = random.integers(0, 3, 400)
    held_out = split(first_of, labels, 0.2, seed)
    for group in np.unique(group_of):
        assert len(set(held_out[group_of == group])) == 1
    for label in range(3):
        assert abs(held_out[labels == label].mean() - 0.2) < 0.07  # A group has some seven images, of all classes.
    assert abs(held_out.mean() - 0.2) < 0.03


def test_what_cannot_be_split_stays():
    assert not split(np.zeros(10, np.int64), None, 0.1, 0).any()  # one group of all
    assert split(np.arange(1), None, 0.4, 0).tolist() == [False]
