"""Operations between layers: functional nets of Keras 3 may hold `a * b` or `keras.ops.tanh(a)`, which are no layers.

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
