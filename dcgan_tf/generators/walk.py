"""The way of a film: the seeds and classes that it stops at, and what is drawn between two stops.

Functions import what loads TensorFlow, so that mistakes in flags are told at once.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.commands import InterpolateConfig
from dcgan_tf.generators.classes import classes_text, in_turn

# Only this many images are in memory at a time.
BATCH_SIZE = 64


class Stops(NamedTuple):
    """Where a film stops, in order. seeds: int32 [n]. labels: int32 [n], the classes; None where the net draws none."""

    seeds: np.ndarray
    labels: np.ndarray | None


def stops_of(generator, config: InterpolateConfig) -> Stops:
    """The stops of a film: as many as there are seeds, or classes where more are asked for; the others take turns.

    Raises:
        UserError: they are one picture, or more than the film has frames.
    """
    count = max(len(config.seeds), len(generator.labels) if config.labels else 0)
    labels = generator.labels_of(range(1, count + 1))
    if len(config.seeds) == 1 and (labels is None or len(set(labels)) == 1):
        asked = [f"--seeds {config.seeds[0]}", *(["--labels", *config.labels] if config.labels else [])]
        raise UserError(f"{printable(' '.join(asked))}: is one picture alone: give two seeds, or two classes")
    if config.frames < count:
        raise UserError(f"--frames {config.frames}: must be at least the number of classes, {count}")
    return Stops(np.resize(np.array(config.seeds, np.int32), count), labels)


def way_text(generator, stops: Stops, seconds: float) -> str:
    """The stops in words, and how long it is from one to the next: "a loop over 3 seeds: 0.8 s from one seed to the next"."""
    seeds, count = list(dict.fromkeys(stops.seeds.tolist())), len(stops.seeds)
    if stops.labels is None:
        over, unit = f"{count} seeds", "seed"
    else:
        labels, names = list(dict.fromkeys(stops.labels.tolist())), generator.class_names
        over, unit = f"{count} seeds, of {in_turn(labels, names)}", "seed"
        if count > len(seeds):
            shown = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))} in turn"
            over, unit = f"{classes_text(labels, names)} of {shown}", "class"
    return f"a loop over {over}: {seconds:.3g} s from one {unit} to the next"


def walk_images(generator, stops: Stops, frames: int, truncation: float) -> Iterator[np.ndarray]:
    """uint8 [H, W, C] of every frame, BATCH_SIZE at a time."""
    from dcgan_tf.generators import latents

    at_stops = np.asarray(latents.seed_latents(stops.seeds, generator.latent_dim, generator.distribution))
    draw = _drawing(generator, stops.labels)
    for start in range(0, frames, BATCH_SIZE):
        some = np.arange(start, min(start + BATCH_SIZE, frames))
        here, t = loop_positions(some, len(at_stops), frames)
        there = (here + 1) % len(at_stops)
        on_the_way = latents.interpolate(at_stops[here], at_stops[there], t, generator.distribution)
        is_still = stops.seeds[here] == stops.seeds[there]  # Not even rounding changes these.
        on_the_way = np.where(is_still[:, np.newaxis], at_stops[here], on_the_way)
        yield from draw(truncated(on_the_way, truncation), here, there, t)


def loop_positions(frames: np.ndarray, legs: int, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the frames of a loop are: on which leg [N], 0..legs - 1, and at which part of it [N], float32 in 0..1.

    frames: their numbers [N], 0..total - 1. legs: one from each stop to the next, and one from the last to the first.
    total: the frames of the whole loop. The last frame is one step before the first, so that none is shown twice.
    """
    leg, rest = np.divmod(frames * legs, total)
    return leg, (rest / total).astype(np.float32)


def truncated(latents, truncation: float) -> np.ndarray:
    """Latents float32 [N, latent_dim], scaled towards 0, the middle of their distribution.

    That gives fewer odd pictures, and less variety. Brock et al. 2019 (arXiv:1809.11096) draw outlying numbers anew
    instead; Karras et al. 2019 (arXiv:1812.04948) scale as here, but in an intermediate space that a DCGAN lacks.
    """
    return np.asarray(latents) * np.float32(truncation)


def _drawing(generator, labels: np.ndarray | None):
    """A function of latents [N, latent_dim], the stops before and behind [N], and the part of the way between them [N], that
    gives images uint8 [N, H, W, C]. labels: the classes of the stops, or None."""
    if labels is None:
        return lambda latents, here, there, t: generator.images(latents, None)
    if len(set(labels)) > 1 and generator.mixes_classes:
        return lambda latents, here, there, t: generator.mixed_images(
            latents, class_weights(labels[here], labels[there], t, generator.classes)
        )
    if len(set(labels)) > 1:
        note(
            f"{printable(generator.name)} takes whole classes alone: from one to the next, the class changes at once, half "
            "way between the two stops"
        )
    return lambda latents, here, there, t: generator.images(latents, labels[np.where(t < 0.5, here, there)])


def class_weights(a: np.ndarray, b: np.ndarray, t: np.ndarray, classes: int) -> np.ndarray:
    """Weights [N, classes] float32, those of an image with a sum of 1, on the straight line from class a to class b [N].

    t: how far on it [N], 0..1.
    """
    weights, rows = np.zeros([len(t), classes], np.float32), np.arange(len(t))
    weights[rows, a] = 1 - t
    weights[rows, b] += t
    return weights
