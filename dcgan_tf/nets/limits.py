"""What a net from a file may ask of the machine, found out before any memory is taken for it."""

import math
from collections.abc import Callable

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.common.memory import free_bytes
from dcgan_tf.common.text import size_text

BLOCK_IMAGES = 4  # Single pictures are drawn in blocks of so many; see `generators.generator`.
WEIGHT_COPIES = 2  # A weight and the value that it is given are in memory together.
LAYER_COPIES = 3  # What goes into a layer, what comes out, and what it works with.
MAX_SETTINGS_BYTES = 2**25  # A layer's settings take about 1 KB.
MAX_LAYERS = 5000
MAX_NESTING = 64  # Lists and dicts within each other in the settings of a net.


def check_settings(settings) -> None:
    """Refuses settings, as JSON holds them, of a net of more than MAX_LAYERS, or nested deeper than MAX_NESTING.

    Raises:
        UserError: they are.
    """
    layers, waiting = 0, [(settings, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_NESTING:
            raise UserError(f"has settings nested over {MAX_NESTING} deep: give a net of fewer nets within nets")
        if isinstance(value, dict):
            of_net = value.get("layers")
            layers += len(of_net) if isinstance(of_net, list) else 0
        members = value.values() if isinstance(value, dict) else value
        waiting += [(member, depth + 1) for member in members if isinstance(member, list | dict)]
    if layers > MAX_LAYERS:
        raise UserError(f"has {layers:,} layers, {MAX_LAYERS:,} at most are read: give a smaller net")


def built(build: Callable[[], keras.Model]) -> keras.Model:
    """Builds a net once its size is known to be bearable.

    It is first built in a graph of TensorFlow, where weights and images have shapes but take no memory.

    Raises:
        UserError: its weights, or the largest of its layers for a block of images, do not fit into the memory.
    """
    with tf.Graph().as_default() as graph:
        net = build()
        weights = sum(math.prod(weight.shape) * 4 for weight in net.weights)
        known = len(graph.get_operations())
        inputs = [tf.compat.v1.placeholder(tensor.dtype, [BLOCK_IMAGES, *tensor.shape[1:]]) for tensor in net.inputs]
        net(inputs if len(inputs) > 1 else inputs[0], training=False)
        largest = max(map(_bytes_given, graph.get_operations()[known:]))
    needed, free = WEIGHT_COPIES * weights + LAYER_COPIES * largest, free_bytes()
    if needed > free:
        raise UserError(
            f"needs {size_text(needed)} of memory for its weights and a block of {BLOCK_IMAGES} images, and "
            f"{size_text(free)} are free: give a smaller net"
        )
    return build()


def _bytes_given(operation) -> int:
    """The bytes of all that an operation of a graph gives, as far as its shape is known."""
    shapes = [(tensor.shape, tensor.dtype.size) for tensor in operation.outputs]
    return sum(math.prod(shape) * size for shape, size in shapes if shape.is_fully_defined())
