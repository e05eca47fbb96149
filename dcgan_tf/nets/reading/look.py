"""A net in a file, looked at without its weights: layers, shapes and numbers, in no more memory than its settings take."""

import math
from dataclasses import dataclass

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.conditional import Inputs, inputs_of
from dcgan_tf.nets.ranges import Range, input_range, output_range
from dcgan_tf.nets.reading.graph import Graph, graph_of, parts_of
from dcgan_tf.nets.reading.layouts import with_channels_last
from dcgan_tf.nets.reading.making import make_net
from dcgan_tf.nets.reading.settings import NetSettings


@dataclass(frozen=True)
class LayerLook:
    """A layer. kind: its class, with its activation where it has one. gives: the shape of an output, without the batch."""

    name: str
    kind: str
    gives: tuple
    parameters: int


@dataclass(frozen=True)
class NetLook:
    """What is known of a net. takes, gives: shapes without the batch. made: the range of its output, where that is told.

    wanted  the range of the images that it takes, where a Rescaling in front tells it
    inputs  what it takes as a generator; None where it is none
    """

    name: str
    is_chain: bool
    takes: tuple[tuple, ...]
    gives: tuple[tuple, ...]
    layers: tuple[LayerLook, ...]
    made: Range | None
    wanted: Range | None
    inputs: Inputs | None

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def is_generator(self) -> bool:
        return (
            self.inputs is not None and len(self.gives) == 1 and len(self.gives[0]) == 3 and None not in self.gives[0]
        )

    @property
    def is_discriminator(self) -> bool:
        """Whether it says one number of an image."""
        return len(self.gives) == 1 and math.prod(size or 0 for size in self.gives[0]) == 1 and self.takes_an_image

    @property
    def takes_an_image(self) -> bool:
        return any(len(shape) == 3 for shape in self.takes)


def look_at(net: NetSettings) -> tuple[NetLook, dict[str, NetLook]]:
    """(the net, its parts by "generator" and "discriminator" where it is a whole GAN).

    Raises:
        UserError: it has a layer that does not load.
    """
    graph = graph_of(net)
    return _look(graph), {name: _look(part) for name, part in parts_of(graph).items()}


def _look(graph: Graph) -> NetLook:
    graph = with_channels_last(graph)
    with tf.Graph().as_default():  # Weights have shapes there, and take no memory.
        return look_at_net(make_net(graph)[0])


def look_at_net(net: keras.Model) -> NetLook:
    """The same of a net that has been built."""
    try:
        inputs = inputs_of(net)
    except UserError:
        inputs = None
    layers = [layer for layer in net.layers if not isinstance(layer, keras.layers.InputLayer)]
    return NetLook(
        net.name,
        isinstance(net, keras.Sequential),
        tuple(tuple(tensor.shape[1:]) for tensor in net.inputs),
        tuple(tuple(tensor.shape[1:]) for tensor in net.outputs),
        tuple(LayerLook(layer.name, _kind(layer), _gives(layer), _count(layer)) for layer in layers),
        output_range(net) if len(net.outputs) == 1 else None,
        input_range(net),
        inputs,
    )


def _kind(layer) -> str:
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", None) or getattr(activation, "name", None)
    kind = type(layer).__name__
    return kind if name in (None, "linear") else f"{kind}, {name}"


def _gives(layer) -> tuple:
    return tuple(layer.output.shape[1:])


def _count(layer) -> int:
    return sum(math.prod(weight.shape) for weight in layer.weights)
