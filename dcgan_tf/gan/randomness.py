"""Random numbers of training: stateless draws, all keyed by (seed, purpose, step).

So a resumed run needs the step number alone to go on exactly as it would have.
"""

import itertools

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.config.presets import Preset

# What a random number is for; each purpose is a stream of its own.
LATENTS, FRESH_LATENTS, FIXED_LATENTS, DROPOUT, AUGMENT, FLIPS, NOISE, BETWEEN, SPECTRAL, STATISTICS = range(10)
DRAWS_PER_STEP = 8  # of one random layer: more than the calls of a net in a step


def key(seed: int, *purpose: int) -> int:
    """A key for stateless draws, different for every purpose; below 2**31, as Keras narrows its seeds to int32."""
    return int(np.random.SeedSequence([seed, *purpose]).generate_state(1)[0]) >> 1


def keys(seed: int, purpose: int):
    """Endless keys of one purpose."""
    return (key(seed, purpose, number) for number in itertools.count())


def pair(key: int, number):
    """What TensorFlow's stateless draws take: int64 [2]. number: int64 scalar."""
    return tf.stack([tf.constant(key, tf.int64), tf.cast(number, tf.int64)])


def draw_latents(preset: Preset, count, key: int, step):
    """Latents [count, latent_dim], float32: a pure function of (key, step)."""
    shape = [count, preset.latent_dim]
    if preset.latents == "uniform":
        return tf.random.stateless_uniform(shape, pair(key, step), -1.0, 1.0)
    return tf.random.stateless_normal(shape, pair(key, step))


def fixed_latents(preset: Preset, seed: int):
    """The latents of a run's sample pictures [rows * columns, latent_dim], the same at every epoch."""
    return draw_latents(preset, preset.grid[0] * preset.grid[1], key(seed, FIXED_LATENTS), 0)
