"""How many floating-point operations one training step needs, counted from a preset's rows.

Counted are the multiplications and additions of dense layers and (transposed) convolutions, as usual with those that
meet the zeros of a padding: a layer's forward pass, its weights' gradient and its inputs' gradient cost the same.
Everything else (activations, normalization, Adam) is a few operations per value and left out.
"""

import math
from collections.abc import Iterator

from dcgan_tf.config.presets import Layer, Preset


def shapes(rows: tuple[Layer, ...], input_shape: tuple[int, ...]) -> Iterator[tuple[Layer, tuple, tuple]]:
    """Each row with the shapes, without the batch, of what it takes and gives."""
    for row in rows:
        output_shape = _output_shape(row, input_shape)
        yield row, input_shape, output_shape
        input_shape = output_shape


def convolved(row: Layer, size: int, axis: int) -> int:
    """The side of a convolution's output before any pooling; axis: 0 height, 1 width."""
    stride, kernel = 1 if row.pool else row.stride[axis], row.kernel[axis]
    return math.ceil(size / stride) if row.padding == "same" else (size - kernel) // stride + 1


def _output_shape(row: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    if row.kind == "dense":
        return (row.units,)
    if row.kind == "reshape":
        return row.shape
    if row.kind == "flatten":
        return (math.prod(shape),)
    return (*(_output_side(row, shape[axis], axis) for axis in (0, 1)), row.units)


def _output_side(row: Layer, size: int, axis: int) -> int:
    stride, kernel = row.stride[axis], row.kernel[axis]
    if row.kind == "deconv":
        full = size * stride if row.padding == "same" else (size - 1) * stride + kernel
    else:
        full = convolved(row, size, axis)
    full -= row.crop[axis]
    return math.ceil(full / stride) if row.pool else full


def forward(rows: tuple[Layer, ...], input_shape: tuple[int, ...]) -> list[int]:
    """Operations of each layer with weights, forwards, for one example."""
    return [
        2 * _multiplications(row, takes, gives)
        for row, takes, gives in shapes(rows, input_shape)
        if row.kind not in ("reshape", "flatten")
    ]


def _multiplications(row: Layer, takes: tuple[int, ...], gives: tuple[int, ...]) -> int:
    if row.kind == "dense":
        return takes[0] * row.units
    # Each place of a convolution's output, or of a transposed one's input, meets the whole kernel.
    places = takes[:2] if row.kind == "deconv" else (convolved(row, takes[axis], axis) for axis in (0, 1))
    return math.prod(places) * math.prod(row.kernel) * takes[-1] * row.units


def weights(rows: tuple[Layer, ...], input_shape: tuple[int, ...]) -> int:
    """Values that training changes: what workers have to agree on after every step."""
    return sum(
        row.units * (takes[-1] * math.prod(row.kernel) + row.bias + 2 * ("bn" in row.then.split()))
        for row, takes, _ in shapes(rows, input_shape)
    )


def step(preset: Preset, batch_size: int | None = None) -> int:
    """Operations of one update of both nets, leaving out all that the result does not need."""
    g = forward(preset.generator, (preset.latent_dim,))
    d = forward(preset.discriminator, preset.image_shape)
    g_all, d_all = sum(g), sum(d)
    # Nobody asks for the gradient of latents, nor, in the discriminator's own update, of images.
    g_update = 2 * g_all - g[0]
    d_update = 2 * d_all - d[0]
    forward_passes, backward_passes = g_all + 2 * d_all, g_update + 2 * d_update
    if preset.update == "joint":
        # Both losses see the same logits. Their gradients differ by one factor per image, which the layers hand down as
        # it is: the inputs' gradients serve both losses, down to the images. Not so through batch normalization.
        mixes_images = any("bn" in row.then.split() for row in preset.discriminator)
        backward_passes += d_all if mixes_images else d[0]
    else:
        forward_passes += d_all  # the generator's loss is that of the updated discriminator
        backward_passes += d_all
        if preset.generator_step == "fresh":  # the same latents forwarded anew give the same images
            forward_passes += g_all
    return (batch_size or preset.batch_size) * (forward_passes + backward_passes)
