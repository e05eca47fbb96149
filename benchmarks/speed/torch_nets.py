"""The presets' nets in PyTorch, in the form that its users write: the same functions, mirrored.

TensorFlow pads an odd number of rows with the larger half at the end. A PyTorch layer with `padding=p` and a stride has
the larger half at the beginning: the stride never reaches the last row of padding. So these nets work on mirrored
images (both axes), and need no layers that only pad or crop. To have the weights of a Keras net,
they take its kernels mirrored.
"""

from torch import nn

from benchmarks.speed.flops import convolved, shapes
from dcgan_tf.config.presets import Layer, Preset


def build_generator(preset: Preset) -> nn.Sequential:
    """Latents [N, latent_dim] -> images [N, C, H, W] in -1..1."""
    return _build(preset, preset.generator, (preset.latent_dim,))


def build_discriminator(preset: Preset) -> nn.Sequential:
    """Images [N, C, H, W] -> logits [N, 1]."""
    return _build(preset, preset.discriminator, preset.image_shape)


def _build(preset, rows, input_shape) -> nn.Sequential:
    return nn.Sequential(
        *(layer for row, takes, gives in shapes(rows, input_shape) for layer in _layers(preset, row, takes, gives))
    )


def _layers(preset: Preset, row: Layer, takes, gives):
    """The PyTorch layers of one row; takes, gives: shapes of dcgan_tf, (H, W, C)."""
    if row.kind == "reshape":
        height, width, channels = row.shape
        yield nn.Unflatten(1, (channels, height, width))
        return
    if row.kind == "flatten":
        yield nn.Flatten()
        return
    if row.kind == "dense":
        yield nn.Linear(takes[0], row.units, row.bias)
    elif row.kind == "conv":
        yield from _convolution(row, takes)
    else:
        yield from _transposed_convolution(row, takes)
    for word in row.then.split():
        kind, _, value = word.partition(":")
        if kind == "bn":
            normalization = nn.BatchNorm1d if row.kind == "dense" else nn.BatchNorm2d
            yield normalization(row.units, preset.bn_epsilon, 1 - preset.bn_momentum)
        elif kind == "dropout":
            yield nn.Dropout(float(value))
        else:
            yield {"relu": nn.ReLU(True), "leaky": nn.LeakyReLU(float(value or 0), True), "tanh": nn.Tanh()}[kind]
    if row.pool:
        sizes = [convolved(row, takes[axis], axis) for axis in (0, 1)]
        ahead = [_larger_half(-size % by) for size, by in zip(sizes, row.stride)]
        yield nn.MaxPool2d(row.stride, padding=tuple(ahead))


def _larger_half(number: int) -> int:
    return number - number // 2


def _convolution(row: Layer, takes):
    stride = (1, 1) if row.pool else row.stride
    wanted = [convolved(row, takes[axis], axis) for axis in (0, 1)]
    needed = [
        max((size - 1) * by + kernel - taken, 0) if row.padding == "same" else 0
        for size, by, kernel, taken in zip(wanted, stride, row.kernel, takes)
    ]
    ahead = tuple(map(_larger_half, needed))
    yield nn.Conv2d(takes[-1], row.units, row.kernel, stride, ahead, bias=row.bias)
    # Where the stride is 1, an even kernel gives one row too many at the end.
    more = [by == 1 and rows % 2 for by, rows in zip(stride, needed)]
    if any(more):
        yield nn.ZeroPad2d((0, -more[1], 0, -more[0]))  # negative padding crops


def _transposed_convolution(row: Layer, takes):
    """Without padding the output would be (n - 1) * stride + kernel long; `cut` says what goes at both ends."""
    cut = []
    for axis in (0, 1):
        excess = max(row.kernel[axis] - row.stride[axis], 0) if row.padding == "same" else 0
        cut.append((_larger_half(excess) + row.crop[axis], excess // 2))
    native = all(0 <= begin - end < stride for (begin, end), stride in zip(cut, row.stride))
    padding = [begin if native else min(begin, end) for begin, end in cut]
    more = [begin - end if native else 0 for begin, end in cut]
    yield nn.ConvTranspose2d(takes[-1], row.units, row.kernel, row.stride, tuple(padding), tuple(more), bias=row.bias)
    if not native:
        (top, bottom), (left, right) = ([begin - p, end - p] for (begin, end), p in zip(cut, padding))
        yield nn.ZeroPad2d((-left, -right, -top, -bottom))
