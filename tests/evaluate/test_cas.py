"""The score with a classifier that is worked out by hand: the mean of each class."""

import numpy as np
import pytest
from support.image_sets import source_of

from dcgan_tf.evaluate import cas
from dcgan_tf.evaluate.cas import AccuracyScore, Labelled


@pytest.fixture
def calls(monkeypatch):
    """What the nets were trained on: (the pixels, the classes, the seed) of each."""
    made = []

    def trained(source, classes, indices, class_count, seed, epochs, what):
        pixels = source.read(indices)[:, 0, 0, 0].astype(int)
        made.append((pixels, classes[indices], seed))
        return np.array([pixels[classes[indices] == label].mean() for label in range(class_count)])

    def told(means, source, indices):
        return abs(source.read(indices)[:, 0, 0, 0, None] - means).argmin(axis=1)

    monkeypatch.setattr(cas, "trained", trained)
    monkeypatch.setattr(cas, "told", told)
    return made


def labelled(levels, classes):
    return Labelled(source_of(np.array(levels, np.uint8).reshape(-1, 1, 1, 1)), np.array(classes))


def halves_of_each(dark, light, each=20):
    return labelled([dark] * each + [light] * each, [0] * each + [1] * each)


def test_nets_trained_on_samples_and_on_real_images_are_tested_on_real_ones(calls):
    score = AccuracyScore(halves_of_each(10, 200), None, 2, seed=3, most=None)
    assert score.images == 36  # A tenth of each class is left out of the training.
    assert score.real() == 1.0
    pixels, classes, seed = calls[0]
    assert (len(pixels), np.bincount(classes).tolist(), seed) == (36, [18, 18], 3)
    # Of the samples, the first 36 are trained on: light ones that are called dark, and the other way round.
    assert score.score(halves_of_each(200, 10)) == 0.0
    assert np.bincount(calls[1][1]).tolist() == [20, 16]
    # The dark ones are right, the light ones no lighter: whatever is light is nearest to the mean of 10 and 250.
    mixed = labelled([10] * 20 + [10, 250] * 10, [0] * 20 + [1] * 20)
    assert score.score(mixed) == 1.0
    assert score.score(labelled([10] * 20 + [10] * 20, [0] * 20 + [1] * 20)) == 0.5  # One class cannot be told.


def test_held_out_images_are_tested_on_where_there_are_some(calls):
    held_out = labelled([10, 10, 10, 200], [0, 1, 1, 1])
    score = AccuracyScore(halves_of_each(10, 200), held_out, 2, seed=0, most=None)
    assert score.images == 40 and score.real() == 0.5
    assert score.score(halves_of_each(200, 10)) == 0.5  # the two in the middle


def test_no_more_images_are_trained_on_than_are_asked_for(calls, monkeypatch):
    reals = labelled([10, 200] * 20, [0, 1] * 20)
    few = AccuracyScore(reals, None, 2, seed=0, most=12)
    few.real(), few.score(reals)
    assert few.images == 12 and [len(pixels) for pixels, _, _ in calls] == [12, 12]
    monkeypatch.setattr(cas, "MAX_TRAINING_IMAGES", 30)
    assert AccuracyScore(reals, None, 2, seed=0, most=None).images == 30
