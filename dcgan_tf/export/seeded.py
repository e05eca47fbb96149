"""An ONNX net that takes seeds in place of latents, and gives pixels: the signature `generate` for other runtimes.

The graph draws the latents as `generators.latents` does, with operations that onnxruntime has on every processor: its
additions know no unsigned numbers, so that 32-bit words are held in int64, and a rotation is a multiplication. Its
cosine knows no float64, so that a sine a quarter turn ahead stands for it.
"""

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dcgan_tf.generators.latents import KEY_PARITY, ROTATION_BITS, ROUNDS, SECOND_KEY_WORD

_WORD = 2**32


class _Graph:
    """The nodes and constants of a graph, as they are added."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def add(self, operation: str, *inputs, output: str | None = None, **attributes) -> str:
        """Adds a node. inputs: names of tensors, or NumPy arrays as constants. Returns the name of its output."""
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        output = output or f"seeded_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, names, [output], **attributes))
        return output

    def _constant(self, value: np.ndarray) -> str:
        name = f"seeded_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def with_seeds(model: onnx.ModelProto, latent_dim: int, distribution: str) -> onnx.ModelProto:
    """A net that takes `latents` [N, Z] and gives `images` float32, as one that takes `seeds`.

    The result takes `seeds` int32 [N], and the `labels` that the net takes beside latents, and gives `images` uint8 [N, H, W, C] and the `latents` float32 [N, Z].

    model: it is changed. distribution: of the latents, "normal" or "uniform".
    """
    graph = _Graph()
    _draw(graph, latent_dim, distribution)
    [images] = model.graph.output
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = ["seeded_floats" if name == images.name else name for name in names]
    graph.nodes += model.graph.node
    _pixels(graph, "seeded_floats")

    image_shape = [size.dim_value for size in images.type.tensor_type.shape.dim[1:]]
    inputs = [helper.make_tensor_value_info("seeds", TensorProto.INT32, ["N"])]
    inputs += [given for given in model.graph.input if given.name == "labels"]
    outputs = [
        helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", *image_shape]),
        helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["N", latent_dim]),
    ]
    constants = [*model.graph.initializer, *graph.constants]
    model.graph.CopyFrom(helper.make_graph(graph.nodes, model.graph.name, inputs, outputs, constants))
    return model


def _draw(graph: _Graph, latent_dim: int, distribution: str) -> None:
    """Adds what makes the `latents` of the `seeds`."""
    pairs = -(-latent_dim // 2)
    seeds = graph.add("Cast", "seeds", to=TensorProto.INT64)
    seeds = graph.add("Unsqueeze", seeds, np.array([1]))  # [N, 1]
    first, second = _threefry(graph, seeds, np.arange(pairs)[np.newaxis])
    a, b = _unit_interval(graph, first), _unit_interval(graph, second)  # [N, pairs], float64
    if distribution == "uniform":
        a, b = (graph.add("Sub", graph.add("Mul", x, np.float64(2)), np.float64(1)) for x in (a, b))
    else:
        radius = graph.add("Sqrt", graph.add("Mul", graph.add("Log", a), np.float64(-2)))
        turn = np.float64(2 * math.pi)
        sine = graph.add("Sin", graph.add("Mul", b, turn))
        cosine = graph.add("Sin", graph.add("Mul", graph.add("Add", b, np.float64(0.25)), turn))
        a, b = graph.add("Mul", radius, cosine), graph.add("Mul", radius, sine)
    a, b = (graph.add("Unsqueeze", x, np.array([2])) for x in (a, b))
    interleaved = graph.add("Reshape", graph.add("Concat", a, b, axis=2), np.array([-1, 2 * pairs]))
    cut = graph.add("Slice", interleaved, np.array([0]), np.array([latent_dim]), np.array([1]))
    graph.add("Cast", cut, to=TensorProto.FLOAT, output="latents")


def _threefry(graph: _Graph, seeds: str, counters: np.ndarray) -> tuple[str, str]:
    """Adds Threefry-2x32 of int64 tensors that hold 32-bit words -> two such tensors. seeds [N, 1]; counters [1, pairs]."""

    def word(tensor):
        return graph.add("BitwiseAnd", tensor, np.int64(_WORD - 1))

    def add(*terms):
        total = terms[0]
        for term in terms[1:]:
            total = graph.add("Add", total, term)
        return word(total)

    def rotated(x, bits):
        product = graph.add("Mul", x, np.int64(2**bits))
        return graph.add("Add", word(product), graph.add("Div", product, np.int64(_WORD)))

    key = word(seeds)
    keys = (key, np.int64(SECOND_KEY_WORD), graph.add("BitwiseXor", key, np.int64(SECOND_KEY_WORD ^ KEY_PARITY)))
    x0, x1 = add(key, counters), np.int64(SECOND_KEY_WORD)
    for step in range(ROUNDS):
        x0 = add(x0, x1)
        x1 = graph.add("BitwiseXor", rotated(x1, ROTATION_BITS[step % 8]), x0)
        if step % 4 == 3:
            turn = step // 4 + 1
            x0 = add(x0, keys[turn % 3])
            x1 = add(x1, keys[(turn + 1) % 3], np.int64(turn))
    return x0, x1


def _unit_interval(graph: _Graph, x: str) -> str:
    """Adds what maps 32-bit words to float64 in 0..1."""
    middle = graph.add("Add", graph.add("Cast", x, to=TensorProto.DOUBLE), np.float64(0.5))
    return graph.add("Mul", middle, np.float64(1 / _WORD))


def _pixels(graph: _Graph, floats: str) -> None:
    """Adds what makes `images` of floats in -1..1. Round takes the even one of two that are as near, as TensorFlow does."""
    scaled = graph.add("Add", graph.add("Mul", floats, np.float32(127.5)), np.float32(127.5))
    levels = graph.add("Clip", graph.add("Round", scaled), np.float32(0), np.float32(255))
    graph.add("Cast", levels, to=TensorProto.UINT8, output="images")
