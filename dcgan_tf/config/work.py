"""How much work a training step is, counted from the rows of the nets: to say about how long another run would take."""

import math

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
    generator = _of_rows(preset.generator, (preset.latent_dim,))
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
    if row.kind == "reshape":
        return 0, row.shape
    if row.kind == "flatten":
        return 0, (math.prod(shape),)
    if row.kind == "minibatch_std":
        return 0, (*shape[:2], shape[2] + 1)
    if row.kind == "dense":
        return math.prod(shape) * row.units, (row.units,)
    height, width, channels = shape
    weights = math.prod(row.kernel) * channels * row.units
    if row.kind == "conv":
        step = (1, 1) if row.pool else row.stride
        sides = [
            math.ceil((side if row.padding == "same" else side - kernel + 1) / by)
            for side, kernel, by in zip((height, width), row.kernel, step)
        ]
        kept = [side // by if row.pool else side for side, by in zip(sides, row.stride)]
        return weights * math.prod(sides), (*kept, row.units)
    sides = [
        (side * by if row.padding == "same" else (side - 1) * by + kernel) - cut
        for side, by, kernel, cut in zip((height, width), row.stride, row.kernel, row.crop)
    ]
    # A transposed convolution multiplies at every place of its input; repeated pixels are convolved at the output's size.
    places = math.prod(sides) if row.kind == "resize" else height * width
    return weights * places, (*sides, row.units)
