"""Operations between layers: functional nets may hold `a * b`, `keras.ops.tanh(a)` or, of TensorFlow 2, `tf.concat([a, b], -1)`,
which are no layers.

Those that a layer computes, too, become that layer; others are refused by name where layers are made.
"""

from dataclasses import replace

from dcgan_tf.nets.reading.settings import Call, Entry, Ref, refs_in

_MERGES = ("Add", "Multiply", "Subtract", "Maximum", "Minimum")  # of two tensors; the layers have the same names
_ACTIVATIONS = {"Tanh": "tanh", "Sigmoid": "sigmoid", "Relu": "relu", "Softplus": "softplus"}


def as_layer(entry: Entry) -> Entry:
    """The entry of an operation as that of the layer which computes it; any other entry as it is.

    An .h5 does not say that something is an operation: there it is told by its name, which no layer has, or by its call.
    """
    if entry.kind == "TFOpLambda" and entry.is_plain:
        entry = _of_tensorflow(entry)
    is_operation, kind = entry.is_operation, entry.kind
    if kind in _ACTIVATIONS:
        return replace(
            entry, is_operation=False, kind="Activation", config={"name": entry.name, "activation": _ACTIVATIONS[kind]}
        )
    if kind == "Concatenate" and is_operation:
        return replace(entry, is_operation=False, config={"name": entry.name, "axis": entry.config.get("axis", -1)})
    if kind not in (*_MERGES, "TrueDivide") or any(len(call.args) != 2 for call in entry.calls):
        return entry
    calls = [_with_number(kind, call) for call in entry.calls]
    if all(calls) and len({factors for factors, _ in calls}) == 1:
        (scale, offset), _ = calls[0]
        settings = {"name": entry.name, "scale": scale, "offset": offset}
        return replace(
            entry, is_operation=False, kind="Rescaling", config=settings, calls=tuple(call for _, call in calls)
        )
    if kind in _MERGES and all(len(refs_in(call.args)) == 2 for call in entry.calls):
        merged = tuple(replace(call, args=[call.args]) for call in entry.calls)
        return replace(entry, is_operation=False, config={"name": entry.name}, calls=merged)
    return entry


# What TensorFlow 2 names the function of a TFOpLambda, which is no code but a name.
_FUNCTIONS = {
    "math.multiply": "Multiply", "__operators__.mul": "Multiply", "math.add": "Add", "__operators__.add": "Add",
    "math.subtract": "Subtract", "math.truediv": "TrueDivide", "math.divide": "TrueDivide", "math.maximum": "Maximum",
    "math.minimum": "Minimum", "concat": "Concatenate", "math.tanh": "Tanh", "math.sigmoid": "Sigmoid",
    "nn.sigmoid": "Sigmoid", "nn.relu": "Relu", "nn.tanh": "Tanh",
}  # fmt: skip


def _of_tensorflow(entry: Entry) -> Entry:
    """A function of TensorFlow 2 as an operation of Keras 3, or as a layer; itself where it is no known one."""
    function, given = entry.config.get("function"), [call.kwargs for call in entry.calls]
    if function == "nn.leaky_relu":
        settings = {"name": entry.name, "negative_slope": given[0].get("alpha", 0.2)}
        return replace(entry, kind="LeakyReLU", config=settings, calls=_without_options(entry.calls))
    if function == "reshape" and all(options.get("shape", [0])[0] in (-1, None) for options in given):
        settings = {"name": entry.name, "target_shape": given[0]["shape"][1:]}
        return replace(entry, kind="Reshape", config=settings, calls=_without_options(entry.calls))
    if not isinstance(function, str) or function not in _FUNCTIONS:
        return entry
    settings = {"name": entry.name} | ({"axis": given[0].get("axis", -1)} if function == "concat" else {})
    calls = tuple(Call([*call.args, *([call.kwargs["y"]] if "y" in call.kwargs else [])], {}) for call in entry.calls)
    return replace(entry, kind=_FUNCTIONS[function], config=settings, calls=calls, is_operation=True)


def _without_options(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    return tuple(replace(call, kwargs={}) for call in calls)


def _with_number(kind: str, call: Call) -> tuple[tuple[float, float], Call] | None:
    """((scale, offset), the call of the tensor alone) of an operation of a tensor and a number; None of any other."""
    first, second = call.args
    is_reversed = isinstance(second, Ref)
    tensor, number = (second, first) if is_reversed else (first, second)
    if not isinstance(tensor, Ref) or isinstance(number, bool) or not isinstance(number, int | float):
        return None
    if kind == "TrueDivide" and (is_reversed or number == 0):
        return None
    factors = {
        "Add": (1.0, number),
        "Subtract": (-1.0, number) if is_reversed else (1.0, -number),
        "Multiply": (number, 0.0),
        "TrueDivide": (1 / (number or 1), 0.0),
    }.get(kind)
    return factors and (factors, Call([tensor], {}))
