"""How much work a training step is, counted from the rows of the nets: to say about how long another run would take."""

import math
from dataclasses import replace

from dcgan_tf.config.presets import Layer, Preset
from dcgan_tf.config.settings import Settings

# Passes of an update through each net: forwards, and backwards twice as much. The discriminator sees real and generated
# images, and the gradient of the generator passes through it once more.
GENERATOR_PASSES, DISCRIMINATOR_PASSES = 3, 8
# What a step of the smallest nets costs beside its multiplications, for each image.
OVERHEAD_MULTIPLICATIONS = 2_000_000


def seconds_of(settings: Settings, measured: Settings, seconds_per_step: float) -> float:
    """About how long a whole run takes, from what a step of another run was measured to take on the same machine."""
    steps = settings.config.epochs * settings.steps_per_epoch
    steps = min(steps, settings.config.max_steps or steps)
    return steps * seconds_per_step * _work_of_step(settings) / _work_of_step(measured)


def _work_of_step(settings: Settings) -> float:
    return settings.config.batch_size * (OVERHEAD_MULTIPLICATIONS + multiplications(settings.preset))


def multiplications(preset: Preset) -> int:
    """Of numbers, in an update of both nets for one image."""
    generator = _of_rows(preset.generator, (preset.generator_inputs,))
    discriminator = _of_rows(preset.discriminator, preset.image_shape)
    return GENERATOR_PASSES * generator + DISCRIMINATOR_PASSES * discriminator


def _of_rows(rows: tuple[Layer, ...], shape: tuple[int, ...]) -> int:
    """One pass forwards. shape: of one input, (H, W, C) or (length,)."""
    total = 0
    for row in rows:
        work, shape = _of_row(row, shape)
        total += work
    return total


def _of_row(row: Layer, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """(multiplications, the shape of the output)"""
    gives = places = row.output_shape(shape)
    if row.kind == "dense":
        return math.prod(shape) * row.units, gives
    if row.kind not in ("conv", "deconv", "resize"):
        return 0, gives
    if row.pool:  # What a pooling leaves out has been computed before. An odd side counts as the even one below it.
        places = replace(row, pool=False, stride=(1, 1)).output_shape(shape)
        gives = (*(side // by for side, by in zip(places, row.stride)), row.units)
    if row.kind == "deconv":  # A transposed convolution multiplies at every place of its input.
        places = shape
    return math.prod(row.kernel) * shape[-1] * row.units * math.prod(places[:2]), gives
