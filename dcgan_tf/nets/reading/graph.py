"""The layers of a net in the order in which they compute, with nets within it put in their place."""

import collections
from dataclasses import dataclass, field

from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.limits import MAX_LAYERS
from dcgan_tf.nets.reading.operations import as_layer
from dcgan_tf.nets.reading.settings import Call, Entry, NetSettings, Ref, refs_in, shape_of_input
from dcgan_tf.nets.words import shown

_TOO_MANY = f"has over {MAX_LAYERS:,} layers, with those of its nets called anew each time: give a smaller net"

Tensor = int  # the number of a tensor of a graph


@dataclass(frozen=True, eq=False)
class Step:
    """A layer that is called.

    entry   the layer; a shared one is that of several steps
    args    of the call; a `Tensor` wrapped in `Value` stands for a tensor, also within lists
    gives   the tensor that comes out
    """

    entry: Entry
    args: list
    kwargs: dict
    gives: Tensor


@dataclass(frozen=True)
class Value:
    """A tensor among the arguments of a call, where a plain number could stand, too."""

    tensor: Tensor


@dataclass(frozen=True, eq=False)
class Part:
    """A net within a net, called on some tensors. steps: the first of its own, and the first after these."""

    net: NetSettings
    inputs: list[Tensor]
    outputs: list[Tensor]
    steps: tuple[int, int]


@dataclass(eq=False)
class Graph:
    """inputs: (tensor, the InputLayer's entry or None, its shape [None, ...]) of each. parts: nets within the net, not
    those within them."""

    name: str
    inputs: list[tuple[Tensor, Entry | None, list]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    parts: list["Part"] = field(default_factory=list)
    count: int = 0
    calls: int = 0

    def new_tensor(self) -> Tensor:
        self.count += 1
        return self.count - 1

    @property
    def is_chain(self) -> bool:
        """Whether each layer takes what the one before gives, from one input to one output, and none is shared."""
        if len(self.inputs) != 1 or len(self.outputs) != 1:
            return False
        goes_in = [self.inputs[0][0], *(step.gives for step in self.steps)]
        takes = [step.args == [Value(tensor)] and not step.kwargs for step, tensor in zip(self.steps, goes_in)]
        return all(takes) and goes_in[-1] == self.outputs[0] and len({id(s.entry) for s in self.steps}) == len(takes)


def graph_of(net: NetSettings) -> Graph:
    """The graph of a whole net.

    Raises:
        UserError: it does not say the shape of its input, has layers that wait for each other, or far too many.
    """
    graph = Graph(net.name)
    graph.inputs = [(graph.new_tensor(), entry, shape) for entry, shape in _inputs_of(net)]
    graph.outputs = _inline(graph, net, [tensor for tensor, _, _ in graph.inputs])
    return graph


GENERATOR, DISCRIMINATOR = "generator", "discriminator"


def parts_of(graph: Graph) -> dict[str, Graph]:
    """The generator and the discriminator in a whole GAN, each by itself: the discriminator is a net within the net, and
    judges an image that is made of what the net takes. {} where it is none."""
    given = {tensor for tensor, _, _ in graph.inputs}
    for discriminator in graph.parts:
        image = next((tensor for tensor in discriminator.inputs if tensor not in given), None)
        if image is None or not set(discriminator.outputs) & set(graph.outputs):
            continue
        makers = [part for part in graph.parts if image in part.outputs and set(part.inputs) <= given]
        generator = _graph_of_part(graph, makers[0]) if makers else _graph_of_makers(graph, image)
        return {GENERATOR: generator, DISCRIMINATOR: _graph_of_part(graph, discriminator)}
    return {}


def _graph_of_part(graph: Graph, part: Part) -> Graph:
    """The graph of a net within a net, by itself."""
    inputs = [(tensor, entry, shape) for tensor, (entry, shape) in zip(part.inputs, _inputs_of(part.net), strict=True)]
    return Graph(part.net.name, inputs, graph.steps[slice(*part.steps)], part.outputs, count=graph.count)


def _graph_of_makers(graph: Graph, tensor: Tensor) -> Graph:
    """The graph of all that a tensor is made of: of a generator whose layers lie among those of the whole net."""
    needed, steps = {tensor}, []
    for step in reversed(graph.steps):
        if step.gives in needed:
            steps.insert(0, step)
            needed |= set(tensors_in([step.args, list(step.kwargs.values())]))
    inputs = [given for given in graph.inputs if given[0] in needed]
    return Graph(GENERATOR, inputs, steps, [tensor], count=graph.count)


def _inputs_of(net: NetSettings) -> list[tuple[Entry | None, list]]:
    """(the InputLayer or None, its shape [None, ...]) of each input."""
    by_name = {entry.name: entry for entry in net.entries}
    entries = [by_name[ref.layer] for ref in net.inputs] or [None]
    shapes = [net.input_shape if entry is None else shape_of_input(entry) for entry in entries]
    if None in shapes:
        raise UserError("does not say the shape of its input; save it after it has been called on a batch")
    return [(entry, list(shape)) for entry, shape in zip(entries, shapes, strict=True)]


def _inline(graph: Graph, net: NetSettings, arguments: list[Tensor]) -> list[Tensor]:
    """Adds the steps of a net that is called on these tensors; returns what it gives."""
    known: dict[Ref, Tensor] = dict(zip(net.inputs, arguments, strict=bool(net.inputs)))
    calls = [
        (Ref(entry.name, number), entry, call)
        for entry in map(as_layer, net.entries)
        for number, call in enumerate(entry.calls)
        if entry.kind != "InputLayer"
    ]
    if len(calls) > MAX_LAYERS:
        raise UserError(_TOO_MANY)
    needed = [set(refs_in(call)) - known.keys() for _, _, call in calls]
    users: dict[Ref, list[int]] = {}
    for place, refs in enumerate(needed):
        for ref in refs:
            users.setdefault(ref, []).append(place)
    ready = collections.deque(place for place, refs in enumerate(needed) if not refs)
    while ready:
        ref, entry, call = calls[ready.popleft()]
        known[ref] = _called(graph, entry, call, known, arguments)
        for place in users.get(ref, ()):
            needed[place].discard(ref)
            if not needed[place]:
                ready.append(place)
    stuck = next((entry for refs, (_, entry, _) in zip(needed, calls) if refs), None)
    if stuck is not None:
        raise UserError(f"layer {shown(stuck.name)!r} takes what no layer of the net gives; the file is damaged")
    missing = next((ref.layer for ref in net.outputs if ref not in known), None)
    if missing is not None:
        raise UserError(f"gives what its layer {shown(missing)!r} gives, and holds no such layer; the file is damaged")
    return [known[ref] for ref in net.outputs]


def _called(graph: Graph, entry: Entry, call: Call, known, arguments: list[Tensor]) -> Tensor:
    graph.calls += 1  # also of nets without layers of their own
    if graph.calls > MAX_LAYERS:
        raise UserError(_TOO_MANY)
    # The first layer of a Sequential without an InputLayer takes what the net takes.
    args = _values(call.args, known) if call.args or call.kwargs else [Value(tensor) for tensor in arguments]
    if entry.net is not None:
        takes, first, inner = tensors_in(args), len(graph.steps), len(graph.parts)
        gives = _inline(graph, entry.net, takes)
        graph.parts[inner:] = [Part(entry.net, takes, gives, (first, len(graph.steps)))]
        return gives[0]  # Settings with a reference to another output are refused as they are read.
    kwargs = {name: _values(value, known) for name, value in call.kwargs.items()}
    step = Step(entry, args, kwargs, graph.new_tensor())
    graph.steps.append(step)
    return step.gives


def _values(value, known):
    if isinstance(value, Ref):
        return Value(known[value])
    return [_values(part, known) for part in value] if isinstance(value, list) else value


def _flat(value) -> list:
    return [leaf for part in value for leaf in _flat(part)] if isinstance(value, list) else [value]


def tensors_in(value) -> list[Tensor]:
    """Of a step's arguments, in order."""
    return [leaf.tensor for leaf in _flat(value) if isinstance(leaf, Value)]


def replaced(value, tensors: dict[Tensor, Tensor]):
    """Arguments with other tensors in the place of some."""
    if isinstance(value, Value):
        return Value(tensors.get(value.tensor, value.tensor))
    return [replaced(part, tensors) for part in value] if isinstance(value, list) else value
