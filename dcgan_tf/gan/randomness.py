"""Random numbers of training: stateless draws, all keyed by (seed, purpose, step).

So a resumed run needs the step number alone to go on exactly as it would have.
"""

import itertools
from types import SimpleNamespace

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.config.presets import Preset
from dcgan_tf.config.recipes import Recipe

# What a random number is for; each purpose is a stream of its own.
LATENTS, FRESH_LATENTS, FIXED_LATENTS, DROPOUT, AUGMENT, FLIPS, NOISE, BETWEEN, SPECTRAL, STATISTICS = range(10)

# Step s owns the numbers 8 s to 8 s + 7. Another value would give all runs other random numbers.
MAX_DRAWS_PER_STEP = 8


def key(seed: int, *purpose: int) -> int:
    """A key for stateless draws, different for every purpose; below 2**31, as Keras narrows its seeds to int32."""
    return int(np.random.SeedSequence([seed, *purpose]).generate_state(1)[0]) >> 1


def keys(seed: int, purpose: int):
    """Endless keys of one purpose."""
    return (key(seed, purpose, number) for number in itertools.count())


def pair(key: int, number):
    """The seed [2], int64, that TensorFlow's stateless draws take. number: int64 scalar."""
    return tf.stack([tf.constant(key, tf.int64), tf.cast(number, tf.int64)])


def draw_names(preset: Preset, recipe: Recipe, one_pass: bool, relative_loss: bool) -> tuple[str, ...]:
    """The names of all draws that a step makes; the place of a name is its number.

    Every call of a net needs a number of its own, so that no two calls have the same dropout, noise and augmentation;
    so do the flips, and the penalties together. Numbers are counted without gaps in the order of the calls, since runs
    have always been drawn so, and have to give the same bits. So a number depends on what else the step draws.

    one_pass: whether one call of the discriminator takes real and generated images together.
    relative_loss: whether the generator's loss takes the logits of real images, too.
    """
    alternating = preset.update == "alternating"
    draws = {
        "flips": recipe.flips,
        "generator": True,
        "real_and_fakes": one_pass,
        "real": not one_pass,
        "fakes": not one_pass,
        "penalty": recipe.penalizes,
        # An alternating update looks at the fakes again, after the discriminator has been updated.
        "generator_again": alternating and preset.generator_step != "fakes",
        "real_again": alternating and relative_loss,
        "fakes_again": alternating,
    }
    return tuple(name for name, is_drawn in draws.items() if is_drawn)


def draws_of_step(names: tuple[str, ...], step) -> SimpleNamespace:
    """The numbers of a step's draws, int64 scalars by name. Any other name is an AttributeError while tracing.

    step: int64 scalar, another one for every step and replica.

    Raises:
        ValueError: these are more than a step's numbers; the next step would draw the same ones again.
    """
    if len(names) > MAX_DRAWS_PER_STEP:
        raise ValueError(f"a step has {MAX_DRAWS_PER_STEP} draws, not {len(names)}: {', '.join(names)}")
    return SimpleNamespace(**{name: step * MAX_DRAWS_PER_STEP + place for place, name in enumerate(names)})


def draw_latents(preset: Preset, count, key: int, step):
    """Latents [count, latent_dim], float32: a pure function of (key, step)."""
    shape = [count, preset.latent_dim]
    if preset.latents == "uniform":
        return tf.random.stateless_uniform(shape, pair(key, step), -1.0, 1.0)
    return tf.random.stateless_normal(shape, pair(key, step))


def fixed_latents(preset: Preset, seed: int):
    """The latents of a run's sample pictures [rows * columns, latent_dim], the same at every epoch; where there are classes,
    the same in every row, which is one class."""
    rows, columns = preset.grid
    if preset.classes:
        return tf.tile(draw_latents(preset, columns, key(seed, FIXED_LATENTS), 0), [rows, 1])
    return draw_latents(preset, rows * columns, key(seed, FIXED_LATENTS), 0)
