"""The range of the images that a net makes or takes: told by its layers, or measured; and nets adapted to -1..1.

This program holds images in -1..1, as tanh gives them. Nets of other people often end in a sigmoid and make 0..1, or take
0..255 through a Rescaling. What is not in -1..1 gets one more layer, a Rescaling, so that all else need not know of it.
"""

from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.backend import keras
from dcgan_tf.nets.calls import calls_of
from dcgan_tf.nets.surgery import appended, with_images_through

layers = keras.layers

MEASURED_IMAGES = 256
_OUTLIERS_PERCENT = 0.1  # of the values at each end do not count
_SIGNED_BELOW = -0.1  # Images of 0..1 that a net without an activation makes reach a little below 0.
_LARGEST_OF_UNITS = 2.0  # Larger values are those of 0..255, or of a scale that the author has chosen.
_SMALLEST_OF_BYTES = 16.0


@dataclass(frozen=True)
class Range:
    """low is black, high is white."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


SIGNED, UNITS, BYTES = Range(-1.0, 1.0), Range(0.0, 1.0), Range(0.0, 255.0)

_OF_ACTIVATIONS = {
    "tanh": SIGNED, "hard_tanh": SIGNED, "softsign": SIGNED,
    "sigmoid": UNITS, "hard_sigmoid": UNITS, "softmax": UNITS,
}  # fmt: skip
# The values that these give lie between values that they take.
_KEEP_RANGE = (
    layers.Reshape, layers.Flatten, layers.Permute, layers.Cropping2D, layers.CenterCrop, layers.Identity,
    layers.MaxPooling2D, layers.AveragePooling2D, layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise,
    layers.GaussianDropout, layers.AlphaDropout, layers.RepeatVector, layers.Average, layers.Maximum, layers.Minimum,
    layers.Concatenate,
)  # fmt: skip
_SMOOTH = ("nearest", "bilinear")  # Other ways to enlarge reach beyond the values that they take.


def output_range(net: keras.Model) -> Range | None:
    """The range of a net's output, by its last layers: an activation, also as a layer of its own, a ReLU with a largest
    value, a Rescaling after these; None where they do not tell it."""
    return _range_of(net.outputs[0])


def _range_of(tensor) -> Range | None:
    history = tensor._keras_history
    layer, node = history.operation, history.operation._inbound_nodes[history.node_index]
    if isinstance(layer, layers.Rescaling):
        before = _range_of(node.input_tensors[0])
        return before and _rescaled(before, layer)
    if isinstance(layer, layers.ReLU):
        return _of_relu(layer, node.input_tensors[0])
    if isinstance(layer, layers.Softmax):
        return UNITS
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    if name in _OF_ACTIVATIONS:
        return _OF_ACTIVATIONS[name]
    is_smooth = isinstance(layer, layers.UpSampling2D | layers.Resizing) and layer.interpolation in _SMOOTH
    if is_smooth or isinstance(layer, _KEEP_RANGE) or (isinstance(layer, layers.Activation) and name == "linear"):
        return _common([_range_of(before) for before in node.input_tensors])
    if isinstance(layer, layers.ZeroPadding2D):
        before = _range_of(node.input_tensors[0])
        return before and _common([before, Range(min(0.0, before.low), max(0.0, before.high))])
    return None


def _of_relu(layer, before) -> Range | None:
    if layer.max_value is None or layer.threshold or layer.negative_slope:
        return None
    known = _range_of(before)
    return Range(0.0, float(layer.max_value)) if known is None or known.low <= 0 else known


def _rescaled(before: Range, layer) -> Range | None:
    scale, offset = layer.scale, layer.offset
    if np.ndim(scale) or np.ndim(offset):  # a number for each channel
        return None
    ends = sorted((before.low * scale + offset, before.high * scale + offset))
    return Range(*(float(np.float32(end).round(6)) for end in ends))


def _common(ranges: list[Range | None]) -> Range | None:
    if not ranges or None in ranges:
        return None
    return Range(min(known.low for known in ranges), max(known.high for known in ranges))


def guessed_range(values: np.ndarray) -> Range:
    """The range that images are meant to have, by some of them, floats of any shape: -1..1, 0..1, 0..255, or where they
    are of no such scale, what they reach."""
    low, high = (float(end) for end in np.percentile(values, [_OUTLIERS_PERCENT, 100 - _OUTLIERS_PERCENT]))
    if low >= -_LARGEST_OF_UNITS and high <= _LARGEST_OF_UNITS:
        return SIGNED if low < _SIGNED_BELOW else UNITS
    if high >= _SMALLEST_OF_BYTES and low > -_SMALLEST_OF_BYTES:
        return BYTES
    return Range(low, high) if low < high else SIGNED


def input_range(discriminator: keras.Model) -> Range | None:
    """The range of the images that a net takes, where a Rescaling in front of it tells; None where there is none."""
    images = next((place for place, tensor in enumerate(discriminator.inputs) if len(tensor.shape) == 4), 0)
    takers = [layer for layer, takes, _ in calls_of(discriminator).calls if images in takes]
    if len(takers) != 1 or not isinstance(takers[0], layers.Rescaling):
        return None
    [first] = takers
    for takes in (SIGNED, UNITS, BYTES):
        if takes != (becomes := _rescaled(takes, first)) and becomes in (SIGNED, UNITS):
            return takes
    return None


def for_signed_images(discriminator: keras.Model, made: Range) -> keras.Model:
    """A discriminator that takes images in -1..1. made: the range of the images of the generator that was trained with it,
    which it was trained on where no layer of it says otherwise."""
    return with_input_in(discriminator, SIGNED, input_range(discriminator) or made)


def scale_and_offset(before: Range, after: Range) -> tuple[float, float]:
    """Those of the Rescaling that turns one range into another."""
    scale = (after.high - after.low) / (before.high - before.low)
    return scale, after.low - scale * before.low


def with_output_in(net: keras.Model, wanted: Range, made: Range) -> keras.Model:
    """The net, whose images are `made`, with one more layer that makes them `wanted`; itself where they are that."""
    if made == wanted:
        return net
    return appended(net, [_rescaling(made, wanted, net, "rescaled")])


def with_input_in(discriminator: keras.Model, given: Range, wanted: Range) -> keras.Model:
    """The net, which wants images of one range, with one more layer in front for images that are given in another."""
    if given == wanted:
        return discriminator
    rescaling = _rescaling(given, wanted, discriminator, "given")
    if not isinstance(discriminator, keras.Sequential):
        return with_images_through(discriminator, rescaling)
    return keras.Sequential(
        [keras.Input(discriminator.input_shape[1:]), rescaling, *discriminator.layers], name=discriminator.name
    )


def _rescaling(before: Range, after: Range, net, ending: str):
    """A layer of a name that no layer of the net has."""
    names = {layer.name for layer in net.layers}
    name = net.layers[-1].name + f"_{ending}"
    while name in names:
        name += "_"
    return layers.Rescaling(*scale_and_offset(before, after), name=name, dtype="float32")
