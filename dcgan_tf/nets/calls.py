"""The layers of a net in the order in which they compute, and which tensors each takes: of a net with branches, too."""

from collections.abc import Callable
from typing import NamedTuple

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.words import shown


class Call(NamedTuple):
    """A layer that is called. takes: the numbers of the tensors that go in. gives: that of the tensor that comes out."""

    layer: keras.layers.Layer
    takes: tuple[int, ...]
    gives: int


class Calls(NamedTuple):
    """The tensors of a net are numbered, its inputs first. outputs: those that the net gives."""

    inputs: int
    calls: list[Call]
    outputs: tuple[int, ...]

    def users(self, tensor: int) -> int:
        """How often a tensor is used, by layers and as an output."""
        return sum(call.takes.count(tensor) for call in self.calls) + self.outputs.count(tensor)

    def run(self, inputs, compute: Callable):
        """What the net gives, where `compute(call, values)` gives what a layer makes of the values that go in.

        inputs: the value of the input, or a list of several, as Keras has it; the same holds for what is returned.
        """
        values = dict(enumerate(inputs if isinstance(inputs, list) else [inputs]))
        for call in self.calls:
            values[call.gives] = compute(call, [values[number] for number in call.takes])
        outputs = [values[number] for number in self.outputs]
        return outputs if len(outputs) > 1 else outputs[0]


def calls_of(net: keras.Model) -> Calls:
    """The calls of a net.

    Raises:
        UserError: a layer of it is called otherwise than on one tensor or on a list of them.
    """
    if isinstance(net, keras.Sequential):
        return Calls(
            1, [Call(layer, (place,), place + 1) for place, layer in enumerate(net.layers)], (len(net.layers),)
        )
    numbers = {id(tensor): place for place, tensor in enumerate(net.inputs)}
    calls = []
    for depth in sorted(net._nodes_by_depth, reverse=True):
        for node in net._nodes_by_depth[depth]:
            if node.is_input:
                continue
            takes, gives = node.input_tensors, node.outputs
            if len(gives) != 1 or len(node.arguments.args) != 1 or any(node.arguments.kwargs.values()):
                raise UserError(
                    f"calls its layer {shown(node.operation.name)!r} with more than tensors, which cannot be trained"
                )
            numbers[id(gives[0])] = len(numbers)
            calls.append(Call(node.operation, tuple(numbers[id(tensor)] for tensor in takes), numbers[id(gives[0])]))
    return Calls(len(net.inputs), calls, tuple(numbers[id(tensor)] for tensor in net.outputs))
