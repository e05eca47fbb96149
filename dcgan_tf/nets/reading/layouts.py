"""Nets that hold their images as [N, C, H, W] (channels first), turned into nets of [N, H, W, C].

TensorFlow computes convolutions on a processor with the channels last alone. Kernels are the same for both; what changes
are the shapes between layers. So every tensor of such a net is followed: where a layer of channels first gave [N, C, H, W],
its twin here gives [N, H, W, C], and a Permute turns that back before a layer which counts on the old order, such as Flatten.
"""

from dataclasses import replace

from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.reading.graph import Graph, Step, Value, replaced, tensors_in
from dcgan_tf.nets.reading.settings import Entry
from dcgan_tf.nets.words import shown

FIRST, LAST = "channels_first", "channels_last"
_TO_LAST, _TO_FIRST = [2, 3, 1], [3, 1, 2]
_NEW_AXIS = {1: 3, 2: 1, 3: 2, -3: 3, -2: 1, -1: 2}  # of [N, C, H, W], where it is in [N, H, W, C]
# These compute the same for every value, wherever it stands.
_ELEMENTWISE = {
    "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "Rescaling",
    "Identity", "Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract",
}  # fmt: skip
_WITH_AXIS = {"BatchNormalization", "LayerNormalization", "GroupNormalization", "Concatenate", "Softmax"}


def with_channels_last(graph: Graph) -> Graph:
    """The same net with all images [N, H, W, C], also at its inputs and outputs; itself where it has no channels first."""
    if not any(step.entry.config.get("data_format") == FIRST for step in graph.steps):
        return graph
    return _Turned(graph).graph


class _Turned:
    """The work on one graph.

    turned: the tensors of `graph` that are [N, H, W, C] in place of [N, C, H, W].
    """

    def __init__(self, old: Graph):
        self.graph = Graph(old.name, count=old.count)
        self.turned: set[int] = set()
        self._entries: dict[int, Entry] = {}  # the new ones, by the identity of the old ones
        for tensor, entry, shape in old.inputs:
            if len(shape) == 4:
                batch, channels, *size = shape
                shape = [batch, *size, channels]
                self.turned.add(tensor)
            self.graph.inputs.append((tensor, entry, shape))
        for step in old.steps:
            self._add(step)
        self.graph.outputs = [self._turned_output(tensor) for tensor in old.outputs]

    def _add(self, step: Step) -> None:
        kind, config, takes = step.entry.kind, step.entry.config, tensors_in(step.args)
        are_turned = [tensor in self.turned for tensor in takes]
        is_first = config.get("data_format") == FIRST
        if is_first and config.get("activation") == "softmax":
            raise UserError(
                f"layer {shown(step.entry.name)!r} ends in a softmax over the columns of [C, H, W], which does not load: save "
                "the net with the channels last"
            )
        if is_first:
            step = self._permuted(step, [tensor for tensor in takes if tensor not in self.turned], _TO_LAST)
            # Keras flattens images of channels first as [H, W, C].
            gives_row = kind == "Flatten" or (kind.startswith("Global") and not config.get("keepdims", False))
            self._append(step, self._changed(step.entry, data_format=LAST), turns=not gives_row)
        elif all(are_turned) and self._keeps_turned(step.entry):
            self._append(step, self._with_axis(step.entry), turns=True)
        else:
            step = self._permuted(step, [tensor for tensor in takes if tensor in self.turned], _TO_FIRST)
            self._append(step, step.entry, turns=False)

    def _keeps_turned(self, entry: Entry) -> bool:
        if entry.kind in _WITH_AXIS:
            return _axis(entry.config) in _NEW_AXIS
        if entry.kind == "PReLU":
            return all(axis in (1, 2, 3) for axis in entry.config.get("shared_axes") or ())
        activation = entry.config.get("activation")
        return entry.kind in _ELEMENTWISE and activation != "softmax"

    def _with_axis(self, entry: Entry) -> Entry:
        if entry.kind in _WITH_AXIS:
            return self._changed(entry, axis=_NEW_AXIS[_axis(entry.config)])
        if entry.kind == "PReLU":  # Its weights are an image, and are turned where they are read.
            axes = entry.config.get("shared_axes")
            return self._changed(entry, shared_axes=axes and sorted(_NEW_AXIS[axis] for axis in axes))
        return entry

    def _changed(self, entry: Entry, **settings) -> Entry:
        """A shared layer stays one layer."""
        if id(entry) not in self._entries:
            self._entries[id(entry)] = replace(entry, config=entry.config | settings, turned_from=entry)
        return self._entries[id(entry)]

    def _append(self, step: Step, entry: Entry, turns: bool) -> None:
        self.graph.steps.append(replace(step, entry=entry))
        if turns:
            self.turned.add(step.gives)

    def _permuted(self, step: Step, tensors: list[int], dims: list[int]) -> Step:
        """The step with these of its arguments in the other order."""
        instead = {tensor: self._permute(tensor, dims, f"{step.entry.name}_order") for tensor in tensors}
        return replace(step, args=replaced(step.args, instead))

    def _permute(self, tensor: int, dims: list[int], name: str) -> int:
        entry = Entry(name, "Permute", "Permute", {"name": name, "dims": dims})
        gives = self.graph.new_tensor()
        self.graph.steps.append(Step(entry, [Value(tensor)], {}, gives))
        return gives

    def _turned_output(self, tensor: int) -> int:
        """Images that the net makes without a layer of channels first at its end, such as by a Reshape, are told by
        their shape."""
        if tensor in self.turned:
            return tensor
        last = next((step for step in self.graph.steps if step.gives == tensor), None)
        while last is not None and last.entry.kind in _ELEMENTWISE:
            before = tensors_in(last.args)[0]
            last = next((step for step in self.graph.steps if step.gives == before), None)
        shape = list(last.entry.config.get("target_shape") or ()) if last is not None else []
        if len(shape) == 3 and shape[0] in (1, 3) and shape[2] not in (1, 3):
            return self._permute(tensor, _TO_LAST, "output_order")
        return tensor


def _axis(config: dict) -> int | None:
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    return axis if type(axis) is int else None
