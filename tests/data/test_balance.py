"""All classes come equally often, in an order that the seed and the step decide alone."""

import collections
import functools

import numpy as np
import pytest
from support import image_sets

from dcgan_tf.common.backend import tf
from dcgan_tf.config.order import Order
from dcgan_tf.data.balance import SHUFFLE_ROUNDS, Balanced
from dcgan_tf.data.pipeline import batch_indices, batches

# The class of each image: 9 of class 0, 1 of class 1, 4 of class 2.
NUMBERS = np.array([0, 2, 0, 0, 2, 0, 1, 0, 0, 2, 0, 0, 2, 0])
BALANCED = Balanced(NUMBERS)
INDEX_SHUFFLE_SEED = 498247692  # What index_shuffle puts before the two numbers of a seed.


def order(batch_size=4, drop_remainder=False, seed=7, images=14):
    return Order(images, batch_size, drop_remainder, seed, balanced=True)


@functools.cache
def drawing(given, balanced):
    """Gives the images of a step, as the pipeline asks for them."""
    return tf.function(lambda step: batch_indices(given, step, balanced))


def steps_of(given, balanced=BALANCED, steps=None, start=0):
    """The indices of the images of each step."""
    draw = drawing(given, balanced)
    stop = 2 * given.steps_per_epoch if steps is None else steps
    return [draw(tf.constant(step, tf.int64)).numpy().tolist() for step in range(start, stop)]


def flat(lists):
    return [index for part in lists for index in part]


def shuffled(index, seed, count):
    """The place of one of `count` things once they are shuffled, by TensorFlow's own permutation."""
    place = tf.raw_ops.RandomIndexShuffle(
        index=np.int64(index), seed=np.array(seed, np.int64), max_index=np.int64(count - 1), rounds=SHUFFLE_ROUNDS
    )
    return int(place)


def in_plain_python(given, numbers, epoch):
    """All images of an epoch, in order."""
    members = collections.defaultdict(list)
    for image, number in enumerate(numbers):
        members[number].append(image)
    images = []
    for place in range(given.images):
        draw = epoch * given.images + shuffled(place, [INDEX_SHUFFLE_SEED, given.seed, epoch], given.images)
        own, number = draw % len(members), draw // len(members)
        count = len(members[own])
        images.append(members[own][shuffled(number % count, [given.seed, own, number // count], count)])
    return images


# ---- against plain Python


@pytest.mark.parametrize(
    "numbers",
    [NUMBERS, np.array([2, 0, 1]), np.arange(9) % 2, np.zeros(5, int), np.array([0] * 30 + [1])],
    ids=["three classes", "an image each", "two classes", "one class", "one image against thirty"],
)
def test_it_is_what_plain_python_makes_of_it(numbers):
    given, balanced = order(images=len(numbers), seed=2**31 - 1), Balanced(numbers)
    for epoch in (0, 1, 5):
        first = epoch * given.steps_per_epoch
        drawn = flat(steps_of(given, balanced, first + given.steps_per_epoch, first))
        assert drawn == in_plain_python(given, numbers, epoch)


# ---- how often


def test_all_classes_come_equally_often_in_every_epoch():
    for seed in range(3):
        steps = steps_of(order(seed=seed), steps=12)
        assert [len(images) for images in steps] == 3 * [4, 4, 4, 2]
        for epoch in range(3):
            # 14 draws of 3 classes: 4 of each, and one more of two of them, which take turns.
            counts = np.bincount(NUMBERS[flat(steps[4 * epoch : 4 * epoch + 4])], minlength=3)
            assert sorted(counts) == [4, 5, 5] and np.argmin(counts) == [2, 1, 0][epoch]
        assert np.bincount(NUMBERS[flat(steps)]).tolist() == [14, 14, 14]


@pytest.mark.parametrize("epochs", [1, 2, 3, 11])
def test_every_image_of_a_class_comes_equally_often(epochs):
    counts = np.bincount(flat(steps_of(order(batch_size=14), steps=epochs)), minlength=14)
    for number in range(3):
        own = counts[NUMBERS == number]
        assert own.max() - own.min() <= 1
        assert own.sum() in (14 * epochs // 3, -(-14 * epochs // 3))


def test_a_class_of_one_image_shows_it_again_and_again():
    counts = np.bincount(flat(steps_of(order(), steps=12)), minlength=14)
    assert counts[6] == 14 and set(counts[NUMBERS == 2]) == {3, 4} and set(counts[NUMBERS == 0]) == {1, 2}


def test_no_image_of_a_class_comes_twice_before_all_others_have_come():
    given = order(batch_size=14)
    # In the order in which draws are counted, not in that of their epoch's steps.
    drawn = [[None] * 14 for _ in range(3)]
    for epoch, images in enumerate(steps_of(given, steps=3)):
        for place, image in enumerate(images):
            drawn[epoch][shuffled(place, [INDEX_SHUFFLE_SEED, given.seed, epoch], 14)] = image
    of_class_2 = [image for image in flat(drawn) if NUMBERS[image] == 2]
    rounds = [of_class_2[start : start + 4] for start in range(0, 12, 4)]
    assert all(sorted(images) == [1, 4, 9, 12] for images in rounds)
    assert len({tuple(images) for images in rounds}) > 1  # in a new order each time


def test_as_many_classes_as_images_is_every_image_once():
    given, balanced = order(images=9), Balanced(np.arange(9)[::-1].copy())
    steps = steps_of(given, balanced)
    assert sorted(flat(steps[:3])) == list(range(9)) == sorted(flat(steps[3:])) and steps[:3] != steps[3:]


def test_a_dropped_remainder_is_another_one_in_every_epoch():
    steps = steps_of(order(drop_remainder=True), steps=30)
    assert {len(images) for images in steps} == {4}
    counts = np.bincount(NUMBERS[flat(steps)])
    assert counts.sum() == 120 and counts.min() >= 33  # 40 of each on average


# ---- a pure function of seed and step


def test_it_depends_on_the_seed_and_the_step_alone():
    whole = steps_of(order())
    assert whole == steps_of(order()) and whole[3:] == steps_of(order(), start=3)
    assert whole[:4] != whole[4:] and whole != steps_of(order(seed=8))
    assert [sorted(images) for images in whole] != [sorted(images) for images in steps_of(order(seed=8))]


def test_the_size_of_a_batch_only_cuts_it_elsewhere():
    assert (
        flat(steps_of(order(batch_size=4)))
        == flat(steps_of(order(batch_size=14)))
        == flat(steps_of(order(batch_size=1)))
    )


@pytest.fixture(scope="module")
def source():
    images = np.arange(14, dtype=np.uint8)[:, None, None, None] + np.zeros((14, 2, 2, 1), np.uint8)
    return image_sets.source_of(images, labels=NUMBERS * 10, class_names=None)


def drawn(source, given, start=0, worker=0, workers=1, stop=8):
    """(images, labels) of each step, the images told by their values."""
    return [
        (np.rint((images.numpy()[:, 0, 0, 0] + 1) * 127.5).astype(int).tolist(), labels.numpy().tolist())
        for _, images, labels in batches(source, given, start, stop, worker, workers, labelled=True)
    ]


def test_batches_are_in_that_order_from_any_step_on_and_with_any_number_of_workers(source):
    whole = drawn(source, order())
    assert [images for images, _ in whole] == steps_of(order())
    assert all(labels == NUMBERS[images].tolist() for images, labels in whole)
    assert drawn(source, order(), start=5) == whole[5:]
    shares = [drawn(source, order(), 0, worker, 3) for worker in range(3)]
    assert [[len(images) for images, _ in step] for step in zip(*shares)] == 2 * [
        [1, 1, 2],
        [1, 1, 2],
        [1, 1, 2],
        [0, 1, 1],
    ]
    assert [tuple(flat(parts) for parts in zip(*step)) for step in zip(*shares)] == whole


def test_without_labels_batches_are_of_the_same_images(source):
    pairs = list(batches(source, order(), 0, 2))
    assert [len(pair) for pair in pairs] == [2, 2]
    assert [images.shape[0] for _, images in pairs] == [4, 4]
    images = [np.rint((images.numpy()[:, 0, 0, 0] + 1) * 127.5).astype(int).tolist() for _, images in pairs]
    assert images == steps_of(order(), steps=2)
