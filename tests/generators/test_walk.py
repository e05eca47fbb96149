"""Where a film stops, and what lies between: latents of seeds, and classes."""

import numpy as np
import pytest
from support.helpers import error_of
from support.zoo import image, zoo

from dcgan_tf.common.console import forget_notes
from dcgan_tf.config.commands import InterpolateConfig
from dcgan_tf.generators import latents
from dcgan_tf.generators.walk import BATCH_SIZE, class_weights, loop_positions, stops_of, walk_images, way_text

HALF_WAY = "note: zoo takes whole classes alone: from one to the next, the class changes at once, half way between the two stops\n"


@pytest.fixture(autouse=True)
def seeds_as_latents(monkeypatch):
    """The latents of a seed are (seed, 5)."""
    forget_notes()
    monkeypatch.setattr(
        latents, "seed_latents", lambda seeds, *_: np.stack([seeds, np.full_like(seeds, 5)], axis=1).astype(np.float32)
    )


def config(seeds, labels=(), frames=60):
    return InterpolateConfig("zoo", seeds, "walk.gif", labels=labels, frames=frames)


def stops(generator, *asked, **more):
    seeds, labels = stops_of(generator, config(*asked, **more))
    return list(zip(seeds.tolist(), labels.tolist(), strict=True))


def frames(generator, seeds, labels, count, truncation=1.0):
    wanted = config(seeds, labels, count)
    return list(walk_images(generator, stops_of(generator, wanted), count, truncation))


def assert_frames(made, firsts, levels):
    for frame, first, level in zip(made, firsts, levels, strict=True):
        np.testing.assert_array_equal(frame, image(first, level))


def test_positions_on_a_loop_worked_out_by_hand():
    leg, t = loop_positions(np.arange(8), legs=3, total=8)  # at 0, 3/8, 6/8, 9/8, ... of 3 legs
    assert leg.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert t.tolist() == [0, 3 / 8, 6 / 8, 1 / 8, 4 / 8, 7 / 8, 2 / 8, 5 / 8] and t.dtype == np.float32


def test_each_stop_is_met_where_frames_are_a_multiple_of_stops():
    leg, t = loop_positions(np.arange(60), legs=4, total=60)
    assert [(leg[frame], t[frame]) for frame in (0, 15, 30, 45)] == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert (leg[59], t[59]) == (3, np.float32(14 / 15))  # one step before the first stop


def test_one_seed_goes_from_class_to_class():
    assert stops(zoo(labels=(1, 0)), (5,), ("dog", "cat")) == [(5, 1), (5, 0)]
    assert stops(zoo(), (5,), ("all",)) == [(5, 0), (5, 1), (5, 2)]


def test_seeds_of_one_class_and_of_several_in_turn():
    assert stops(zoo(labels=(2,)), (7, 8, 9), ("2",)) == [(7, 2), (8, 2), (9, 2)]
    assert stops(zoo(labels=(1, 0)), (7, 8, 9), ("dog", "cat")) == [(7, 1), (8, 0), (9, 1)]
    assert stops(zoo(), (7, 8)) == [(7, 0), (8, 1)]  # Where nobody asks for classes, none is added to the seeds.


def test_more_classes_than_seeds_are_all_passed():
    assert stops(zoo(), (7, 8), ("all",)) == [(7, 0), (8, 1), (7, 2)]


def test_a_loop_over_one_picture_is_refused():
    assert error_of(stops_of, zoo(labels=(1, 1)), config((5,), ("dog", "1"))) == (
        "--seeds 5 --labels dog 1: is one picture alone: give two seeds, or two classes"
    )


def test_all_classes_need_a_frame_each():
    assert error_of(stops_of, zoo(), config((5,), ("all",), frames=2)) == (
        "--frames 2: must be at least the number of classes, 3"
    )


@pytest.mark.parametrize(
    ("labels", "seeds", "asked", "text"),
    [
        ((2,), (7, 8), ("2",), "2 seeds, of class old cat: 0.5 s from one seed"),
        ((0, 1, 2), (7, 8), (), "2 seeds, of classes cat, dog in turn: 0.5 s from one seed"),
        ((1, 0), (7,), ("1", "0"), "classes dog, cat of seed 7: 0.5 s from one class"),
        ((0, 1, 2), (7, 8), ("all",), "classes cat, dog, old cat of seeds 7, 8 in turn: 0.5 s from one class"),
    ],
)
def test_the_way_in_words(labels, seeds, asked, text):
    made = zoo(labels=labels)
    assert way_text(made, stops_of(made, config(seeds, asked)), 0.5) == f"a loop over {text} to the next"


def test_between_two_classes_the_weights_are_on_the_straight_line():
    weights = class_weights(np.array([0, 0, 2, 1]), np.array([1, 1, 0, 1]), np.array([0, 0.25, 0.5, 0.75]), 3)
    assert weights.dtype == np.float32
    np.testing.assert_array_equal(weights, [[1, 0, 0], [0.75, 0.25, 0], [0.5, 0, 0.5], [0, 1, 0]])


def test_from_class_to_class_the_change_is_smooth_and_the_latents_are_fixed(capsys):
    seen = []
    made = frames(zoo(labels=(0, 2), seen=seen), (30,), ("cat", "2"), 8)
    assert_frames(made, [30] * 8, [0, 0.5, 1, 1.5, 2, 1.5, 1, 0.5])
    np.testing.assert_allclose(np.concatenate(seen).sum(axis=1)[:8], 1, rtol=0, atol=1e-6)
    assert capsys.readouterr().out == ""


def test_within_a_class_the_latents_move_alone(capsys):
    assert_frames(frames(zoo(labels=(1,), mixes=False), (10, 30), ("dog",), 4), [10, 20, 30, 20], [1, 1, 1, 1])
    assert capsys.readouterr().out == ""


def test_seeds_and_classes_change_together():
    assert_frames(frames(zoo(labels=(1, 2)), (10, 30), ("1", "2"), 4), [10, 20, 30, 20], [1, 1.5, 2, 1.5])


def test_a_net_that_takes_whole_classes_changes_them_half_way_and_that_is_said(capsys):
    made = frames(zoo(labels=(0, 2), mixes=False), (10, 30), ("0", "2"), 8)
    assert_frames(made, [10, 15, 20, 25, 30, 25, 20, 15], [0, 0, 2, 2, 2, 2, 0, 0])
    assert capsys.readouterr().out == HALF_WAY


def test_the_latents_of_one_seed_stay_the_same_to_the_last_bit(monkeypatch):
    monkeypatch.undo()
    drawn = []
    made = zoo(labels=(0, 1))
    object.__setattr__(made, "distribution", "normal")
    object.__setattr__(
        made, "_run_mixed", lambda given, _: drawn.append(given) or np.zeros([len(given), 4, 6, 1], np.uint8)
    )
    assert len(frames(made, (30,), ("0", "1"), 8, truncation=0.7)) == 8
    [single] = np.asarray(latents.seed_latents(np.array([30], np.int32), 2, "normal"))
    np.testing.assert_array_equal(np.concatenate(drawn), np.tile(single * np.float32(0.7), [8, 1]))


def test_frames_are_drawn_before_the_next_are_made():
    seen = []
    made = zoo(labels=(0, 1), seen=seen)
    walk = walk_images(made, stops_of(made, config((1, 2), ("0", "1"), 10**9)), 10**9, 1.0)
    for _ in range(BATCH_SIZE + 1):
        next(walk)
    assert sum(map(len, seen)) == 2 * BATCH_SIZE
