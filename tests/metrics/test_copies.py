import dataclasses

import numpy as np
import pytest
from support.helpers import error_of
from support.image_sets import smooth, source_of

from dcgan_tf.metrics import copies
from dcgan_tf.metrics.copies import find_copies
from dcgan_tf.metrics.features import FeatureSpace


@pytest.fixture(scope="module")
def training():
    return smooth(300, seed=1)


def nearest_by_hand(samples, training):
    """(index, distance, relative distance, mirrored), one pair at a time."""
    found = []
    for sample in samples.astype(float):
        straight = np.sqrt(((sample - training) ** 2).mean(axis=(1, 2, 3)))
        mirrored = np.sqrt(((sample[:, ::-1] - training) ** 2).mean(axis=(1, 2, 3)))
        both = np.minimum(straight, mirrored)
        nearest = both.argmin()
        relative = both.min() / np.sort(both)[:50].mean()
        found.append((nearest, both.min(), relative, mirrored[nearest] < straight[nearest]))
    return [np.array(part) for part in zip(*found, strict=True)]


@pytest.mark.parametrize("batch", [512, 37])
def test_nearest_images_are_those_found_by_hand(training, monkeypatch, batch):
    monkeypatch.setattr(copies, "BATCH_IMAGES", batch)
    samples, held_out = smooth(60, seed=2), smooth(50, seed=3)
    found = find_copies(source_of(samples), source_of(training), source_of(held_out))
    index, distance, relative, mirrored = nearest_by_hand(samples, training)
    np.testing.assert_array_equal(found.samples, np.arange(60))
    np.testing.assert_array_equal(found.nearest, index)
    np.testing.assert_allclose(found.distances, distance, rtol=1e-12)
    np.testing.assert_allclose(found.relative, relative, rtol=1e-12)
    np.testing.assert_array_equal(found.mirrored, mirrored)
    assert 0 < mirrored.sum() < 60
    _, distance, relative, _ = nearest_by_hand(held_out, training)
    np.testing.assert_allclose(found.held_out_distances, distance, rtol=1e-12)
    np.testing.assert_allclose(found.held_out_relative, relative, rtol=1e-12)
    assert found.duplicates == 0 and found.in_features is None


def test_left_out_in_turn_when_nothing_is_held_out(training):
    found = find_copies(source_of(smooth(30, seed=2)), source_of(training))
    by_hand = [nearest_by_hand(training[[i]], np.delete(training, i, 0)) for i in range(len(training))]
    np.testing.assert_allclose(found.held_out_distances, [one[1][0] for one in by_hand], rtol=1e-12)
    np.testing.assert_allclose(found.held_out_relative, [one[2][0] for one in by_hand], rtol=1e-12)


def test_planted_copies_are_found_also_mirrored_and_noisy(training):
    samples = smooth(100, seed=2)
    noise = np.random.default_rng(0).integers(-3, 4, training[0].shape)
    samples[10], samples[20] = training[5], training[299, :, ::-1]
    samples[30] = np.clip(training[77] + noise, 0, 255)
    found = find_copies(source_of(samples), source_of(training), source_of(smooth(200, seed=3)))
    assert found.nearest[[10, 20, 30]].tolist() == [5, 299, 77]
    assert found.mirrored[[10, 20, 30]].tolist() == [False, True, False]
    assert found.distances[[10, 20]].tolist() == [0, 0] and 1 < found.distances[30] < 3
    assert sorted(np.argsort(found.distances)[:3].tolist()) == [10, 20, 30]


def test_shares_of_images_as_new_as_the_held_out_ones(training):
    source = source_of(training)
    fresh = source_of(smooth(1000, seed=2))
    explicit = find_copies(fresh, source, source_of(smooth(1000, seed=3)))
    left_out = find_copies(fresh, source)
    for found in (explicit, left_out):
        assert found.share_nearer == pytest.approx(0.5, abs=0.1)  # 3 standard errors of 300 of them are 0.09
        assert found.share_copied < 0.04


def test_shares_of_a_copier_of_noise_and_of_few_copies(training):
    source, held_out = source_of(training), source_of(smooth(200, seed=3))
    noisy = training[:100].astype(int) + np.random.default_rng(0).integers(-3, 4, training[:100].shape)
    copier = find_copies(source_of(np.clip(noisy, 0, 255).astype(np.uint8)), source, held_out)
    assert (copier.share_nearer, copier.share_copied) == (1, 1)
    noise = np.random.default_rng(0).integers(0, 256, [100, 12, 10, 3], np.uint8)
    for unseen in (held_out, None):
        far = find_copies(source_of(noise), source, unseen)
        assert (far.share_nearer, far.share_copied) == (0, 0)
    mixed = noise.copy()
    mixed[:10] = training[:10]  # a tenth copied, among images that are far
    assert find_copies(source_of(mixed), source, held_out).share_copied == 0.1


def test_shares_by_hand():
    held_out = np.arange(1.0, 102)  # median 51, 1st percentile 2
    some, distances, relative = np.arange(4), np.array([50, 51, 3, 99]), np.array([0.5, 2, 3, 9]) / 101
    found = copies.Copies(some, some, distances, relative, some > 4, held_out, held_out / 101, 0, some > 4, some < 4)
    assert (found.share_nearer, found.share_copied) == (0.5, 0.25)
    found = dataclasses.replace(found, flat=np.array([True, False, False, True]))
    assert (found.share_nearer, found.share_copied, found.are_flat) == (0.5, 0, False)  # of those that are not flat
    assert dataclasses.replace(found, matched=some > 0, flat=some > 4).share_copied == 0
    found = dataclasses.replace(found, flat=some > 0)
    assert (found.share_nearer, found.share_copied, found.are_flat) == (None, None, True)


def test_grey_smears_are_no_copies_though_one_training_image_is_pale():
    training = smooth(100, seed=1)
    training[7] = 120 + training[7] // 16
    random = np.random.default_rng(0)
    images = np.clip(128 + random.normal(0, 25, [40, *training.shape[1:]]), 0, 255).astype(np.uint8)
    images[5] = np.clip(
        training[7].astype(int) + random.integers(-1, 2, training[7].shape), 0, 255
    )  # This one is a copy.
    images[6] = training[8] ^ 1  # and this one
    found = find_copies(source_of(images), source_of(training), source_of(smooth(60, seed=3)))
    assert list(found.nearest[:6]) == [7] * 6 and not found.flat[[0, 6]].any() and found.relative.max() < 0.6
    assert found.flat[5]  # It is so pale that it is not judged.
    assert np.flatnonzero(found.matched).tolist() == [5, 6] and found.share_copied == 1 / 39


@pytest.mark.parametrize("channels", [1, 3])
def test_flat_pictures_are_no_copies_though_one_training_image_is_flat_as_well(channels):
    training, colour = smooth(100, seed=1, channels=channels), np.arange(90, 90 + channels, dtype=np.uint8)
    training[7] = colour
    samples = source_of(np.broadcast_to(colour + 2, [40, *training.shape[1:]]).astype(np.uint8))
    found = find_copies(samples, source_of(training), source_of(smooth(60, seed=3, channels=channels)))
    assert set(found.nearest) == {7} and found.distances.max() < 3 and found.relative.max() < 0.2
    assert found.flat.all() and (found.share_nearer, found.share_copied) == (None, None)


def test_dark_images_are_no_copies():
    """Dark images are near to each other; the copy of a bright one, though farther in levels, is what stands out."""
    random = np.random.default_rng(0)
    dark, bright = random.integers(0, 30, [400, 8, 8, 1], np.uint8), random.integers(0, 256, [400, 8, 8, 1], np.uint8)
    training, held_out = np.concatenate([dark[:200], bright[:200]]), np.concatenate([dark[200:300], bright[200:300]])
    samples = np.concatenate([dark[300:], bright[300:]])
    samples[150] = np.clip(bright[17].astype(int) + random.integers(-30, 31, [8, 8, 1]), 0, 255)
    found = find_copies(source_of(samples), source_of(training), source_of(held_out))
    assert found.nearest[150] == 217 and found.distances[150] > np.percentile(found.held_out_distances, 40)
    assert found.relative.argmin() == 150 and found.share_copied == pytest.approx(0.02, abs=0.016)


def test_with_only_copies_of_one_picture_to_compare_with():
    same = np.zeros([60, 4, 4, 1], np.uint8)
    samples = np.concatenate([same[:1], same[:1] + 100])
    found = find_copies(source_of(samples), source_of(same), source_of(smooth(30, 1, (4, 4), 1)))
    assert found.distances.tolist() == [0, 100] and found.relative.tolist() == [0, 1]


def test_duplicates_do_not_hide_copies(training):
    samples = smooth(50, seed=2)
    samples[:25] = training[:25]
    twice = np.concatenate([training, training[:, :, ::-1]])  # every image is there again, in a mirror
    twice[300, ::2] ^= 1  # and one saved with a little loss
    once_more = np.concatenate([twice, smooth(100, seed=4)])
    found = find_copies(source_of(samples), source_of(once_more))
    assert found.duplicates == 600 and len(found.held_out_distances) == 100
    assert found.held_out_distances.min() > 1 and found.share_copied == 0.5
    mixed = np.concatenate([smooth(80, seed=3), training[:20]])  # a fifth of the held-out images was trained on
    found = find_copies(source_of(samples), source_of(training), source_of(mixed))
    assert (found.duplicates, len(found.held_out_distances), found.share_copied) == (20, 80, 0.5)


def test_large_images_are_compared_small_and_antialiased():
    stripes = np.zeros([40, 128, 256, 1], np.uint8)
    stripes[:, :, ::2] = np.arange(40, dtype=np.uint8)[:, None, None, None] * 6  # on average half of it
    shifted = np.roll(stripes[7:8], 1, axis=2)  # by one pixel: the worst of all in full size, the same in small
    found = find_copies(source_of(shifted), source_of(stripes))
    assert found.nearest.tolist() == [7] and found.distances[0] < 1.5
    assert found.held_out_distances[:3] == pytest.approx([3, 3, 3], abs=0.6)


def test_at_most_so_many_are_looked_at_and_the_seed_chooses(training):
    read = []

    class Counted:
        image_shape = training.shape[1:]

        def __len__(self):
            return len(training)

        def read(self, indices):
            read.append(len(indices))
            return training[indices]

    samples = source_of(smooth(200, seed=2))
    found = find_copies(samples, Counted(), images=40, seed=1)
    assert len(found.samples) == len(set(found.samples)) == 40 and len(found.held_out_distances) == 40
    assert sum(read) == 40 + 300 + 40 and max(read) == 300  # the nearest once more
    again, other = (find_copies(samples, Counted(), images=40, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(found.samples, again.samples)
    np.testing.assert_array_equal(found.held_out_distances, again.held_out_distances)
    assert found.samples.tolist() != other.samples.tolist()
    index, distance, *_ = nearest_by_hand(samples.read(found.samples), training)
    np.testing.assert_array_equal(found.nearest, index)
    np.testing.assert_allclose(found.distances, distance)


def test_in_features(training):
    def colours(images):  # the mean colour of the left half and of the right one
        return np.concatenate([images[:, :, :5].mean(axis=(1, 2)), images[:, :, 5:].mean(axis=(1, 2))], axis=-1)

    space = FeatureSpace("colours", 6, training.shape[1:], colours)
    samples = smooth(60, seed=2)
    samples[4] = training[9, ::-1]  # upside down: nothing that pixels would find
    samples[5] = training[8, ::-1, ::-1]
    found = find_copies(source_of(samples), source_of(training), source_of(smooth(50, seed=3)), space)
    inside = found.in_features
    assert inside.nearest[[4, 5]].tolist() == [9, 8] and inside.mirrored[[4, 5]].tolist() == [False, True]
    np.testing.assert_allclose(inside.distances[[4, 5]], 0, atol=1e-4)
    assert found.distances[4] > 10 and len(inside.held_out_distances) == 50
    features = colours(training.astype(np.float32))
    sides = [colours(images.astype(np.float32)) for images in (samples[:4], samples[:4, :, ::-1])]
    by_hand = [min(np.linalg.norm(features - side[i], axis=1).min() for side in sides) for i in range(4)]
    np.testing.assert_allclose(inside.distances[:4], by_hand, rtol=1e-5)
    left_out = find_copies(source_of(samples), source_of(training), features=space).in_features
    assert left_out.held_out_distances.min() > 0.1  # none is its own nearest


@pytest.mark.parametrize("held_out", [True, False])
def test_too_few_images_to_compare_with(training, held_out):
    samples, same = source_of(smooth(5, seed=2)), np.repeat(training[:1], 50, axis=0)
    unseen = source_of(np.concatenate([same, smooth(19, seed=3)])) if held_out else None
    known = source_of(training if held_out else np.concatenate([same, smooth(19, seed=3)]))
    assert error_of(find_copies, samples, known, unseen) == (
        "copies: needs at least 20 held-out images that are unlike all training images, and has 19 of 69: give others"
        if held_out
        else "copies: needs at least 20 training images that are unlike all others, and has 19 of 69: give more"
    )


def test_images_of_other_shapes_and_none_at_all(training):
    source = source_of(training)
    grey = source_of(training[..., :1])
    assert error_of(find_copies, grey, source) == (
        "copies: samples are 12x10x1 and training images 12x10x3: give one size"
    )
    assert error_of(find_copies, source, source, grey) == (
        "copies: held-out images are 12x10x1 and training images 12x10x3: give one size"
    )
    assert error_of(find_copies, source_of(training[:0]), source) == "copies: needs at least 1 sample, and has none"
