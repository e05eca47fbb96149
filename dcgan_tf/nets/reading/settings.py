"""What a file says of a net, read as JSON, as one kind of value: layers, and which output goes into which layer.

A Sequential of any Keras, a functional net of Keras 1.2 to 2.15 and one of Keras 3 are written in three ways, and all of
them become a `NetSettings` here. Nothing is made of it yet: `graph` puts nets within nets together, `making` makes layers.
"""

import json
from dataclasses import dataclass, field, replace

from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.limits import check_settings
from dcgan_tf.nets.reading.allowed import NET_CLASSES
from dcgan_tf.nets.reading.dialects import Version, says_channels_first, translated
from dcgan_tf.nets.words import shown

SHAPE_KEYS = ("batch_shape", "batch_input_shape")  # Keras 3 and older versions name the shape of an input differently.
_OF_TRAINING = ("training", "mask", "name")  # Arguments of a call that decide nothing where they are None or False.


@dataclass(frozen=True)
class Ref:
    """The output of a layer: of its call of that number, as layers may be shared."""

    layer: str
    call: int


@dataclass(frozen=True)
class Call:
    """How a layer is called: values, in which `Ref` stands for tensors, also within lists."""

    args: list
    kwargs: dict


@dataclass(frozen=True, eq=False)
class Entry:
    """A layer, or a net in its place.

    name       None where the file gives none, as Keras before 2.2.3 of nets in a Sequential
    kind       its class in the words of Keras 3; saved_as: as the file has it
    config     its settings, in the words of Keras 3
    is_plain   whether the file says that the class is one of Keras; is_operation: or an operation of `keras.ops`
    calls      of a layer that is shared there are several; none of an InputLayer
    net        of a net; None of a layer
    turned_from  of a layer that was changed to take channels last: as it was, see `layouts`
    """

    name: str | None
    kind: str
    saved_as: str
    config: dict
    is_plain: bool = True
    registered_name: str | None = None
    is_operation: bool = False
    calls: tuple[Call, ...] = ()
    net: "NetSettings | None" = None
    turned_from: "Entry | None" = None


@dataclass(frozen=True, eq=False)
class NetSettings:
    """A net.

    input_shape  of a Sequential without an InputLayer, [None, ...]; None where the file does not say it
    """

    name: str
    entries: tuple[Entry, ...]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]
    input_shape: list | None = field(default=None)


def parse(text: str | bytes) -> dict:
    """Reads JSON as Keras writes it; its wrapped tuples and shapes become plain lists.

    Raises:
        ValueError: it is not JSON.
        UserError: it is of a net that is too large, or nested too deep.
    """

    def plain(value):
        return value["items"] if value.get("class_name") in ("__tuple__", "TensorShape") else value

    net = json.loads(text, object_hook=plain)
    check_settings(net)
    return net


def net_settings(raw: dict, version: Version) -> NetSettings:
    """The settings of a net that `parse` has read.

    Raises:
        UserError: it is of another class than a net of layers.
        LookupError, TypeError, ValueError: it is damaged.
    """
    if version.major < 2 and not version.is_channels_first:
        version = version._replace(is_channels_first=says_channels_first(raw))
    kind = raw["class_name"]
    if not isinstance(kind, str) or kind not in NET_CLASSES:
        raise UserError(f"holds a {shown(kind)}; give a Sequential net, or a functional one like it")
    config = raw["config"]
    if isinstance(config, list):  # Keras before 2.2.3 wrote a Sequential so.
        config = {"name": raw.get("name") or "sequential", "layers": config}
    if kind == "Sequential":
        return _sequential(config, version)
    return _functional(config, version)


def _sequential(config: dict, version: Version) -> NetSettings:
    entries = [_entry(raw, version) for raw in config["layers"]]
    if not entries:
        raise UserError("holds a net without layers: give a net saved with model.save")
    entries = [replace(entry, name=entry.name or f"layer {number}") for number, entry in enumerate(entries)]
    own_input = entries[0] if entries[0].kind == "InputLayer" else None
    chained = [replace(entries[0], calls=())] if own_input else []
    for entry in entries[len(chained) :]:
        before = [Ref(chained[-1].name, 0)] if chained else []
        chained.append(replace(entry, calls=(Call(before, {}),)))
    inputs = (Ref(own_input.name, 0),) if own_input else ()
    return NetSettings(
        config.get("name") or "sequential",
        tuple(chained),
        inputs,
        (Ref(chained[-1].name, 0),),
        None if own_input else _first_shape(config, entries[0]),
    )


def _first_shape(config: dict, first: Entry) -> list | None:
    """TensorFlow 2.0 and Keras before it save the shape of the input in the first layer that computes."""
    if first.net is not None:
        return first.net.input_shape or _shape_of_first_input(first.net)
    for settings in (first.config, {"batch_shape": config.get("build_input_shape")}):
        for key in SHAPE_KEYS:
            if settings.get(key):
                return settings[key]
    if "input_dim" in first.config and first.kind == "Dense":
        return [None, first.config["input_dim"]]
    return None


def shape_of_input(entry: Entry) -> list | None:
    """[None, ...] of an InputLayer; None where the file does not say it."""
    return next((entry.config[key] for key in SHAPE_KEYS if entry.config.get(key)), None)


def _shape_of_first_input(net: NetSettings) -> list | None:
    found = [entry for entry in net.entries if net.inputs and entry.name == net.inputs[0].layer]
    return shape_of_input(found[0]) if found else None


def _functional(config: dict, version: Version) -> NetSettings:
    entries = [_entry(raw, version) for raw in config["layers"]]
    known = {entry.name for entry in entries}
    if len(known) != len(entries):
        raise UserError("names two of its layers alike: give a net saved with model.save")
    calls_of = {entry.name: tuple(_calls(raw, entry)) for raw, entry in zip(config["layers"], entries, strict=True)}
    inputs, outputs = (_refs(config[key]) for key in ("input_layers", "output_layers"))
    offsets = _offsets(calls_of, outputs)

    def moved(value):
        if isinstance(value, Ref):
            return Ref(value.layer, value.call - offsets.get(value.layer, 0))
        return [moved(part) for part in value] if isinstance(value, list) else value

    entries = [
        replace(
            entry,
            calls=tuple(
                Call(moved(call.args), {key: moved(value) for key, value in call.kwargs.items()})
                for call in calls_of[entry.name]
            ),
        )
        for entry in entries
    ]
    return NetSettings(config.get("name") or "model", tuple(entries), inputs, tuple(moved(ref) for ref in outputs))


def _offsets(calls_of: dict[str, tuple[Call, ...]], outputs) -> dict[str, int]:
    """By how much the numbers of a layer's calls are too high: a net within a net has been called once as it was made."""
    highest: dict[str, int] = {}
    refs = [*outputs, *(ref for calls in calls_of.values() for call in calls for ref in refs_in(call))]
    for ref in refs:
        highest[ref.layer] = max(ref.call, highest.get(ref.layer, 0))
    return {name: max(0, highest.get(name, 0) - max(len(calls), 1) + 1) for name, calls in calls_of.items()}


def refs_in(value) -> list[Ref]:
    """All that stand in a call, or in a list of arguments, in order."""
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, Call):
        return refs_in([value.args, list(value.kwargs.values())])
    if isinstance(value, list):
        return [ref for part in value for ref in refs_in(part)]
    return []


def _entry(raw: dict, version: Version) -> Entry:
    kind, config = raw["class_name"], raw["config"]
    module = str(raw.get("module") or "keras")
    registered = raw.get("registered_name")
    name = raw.get("name") or (config.get("name") if isinstance(config, dict) else None)
    if isinstance(kind, str) and kind in NET_CLASSES:
        return Entry(name, kind, kind, {}, net=net_settings(raw, version))
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise UserError(
            f"layer {shown(name)!r} ({shown(kind)}) does not load: only plain layers of Keras do, never code"
        )
    today, settings = translated(kind, config, version)
    is_plain = module.split(".")[0] in ("keras", "tensorflow", "tf_keras") and registered in (None, kind)
    # `keras.ops.add` is no layer, though its class is called as one is.
    is_operation = is_plain and module.startswith(("keras.ops", "keras.src.ops"))
    return Entry(name, today, kind, settings, is_plain, registered, is_operation)


def _calls(raw: dict, entry: Entry):
    """The calls of a layer. Keras 3 saves one as a dict, older versions as a list of [layer, call, output, options]."""
    for node in raw.get("inbound_nodes") or ():
        if isinstance(node, dict):
            yield Call(_tensors(node["args"]), _told(entry, _tensors(node["kwargs"])))
            continue
        links = [node] if node and isinstance(node[0], str) else node
        options = {key: _linked(value) for link in links for key, value in (link[3] if len(link) > 3 else {}).items()}
        refs = [_ref(link) for link in links]
        yield Call(refs if len(refs) == 1 else [refs], _told(entry, options))


def _linked(value):
    """An argument of a call of TensorFlow 2, which may be a tensor: [layer, call, output]."""
    is_link = isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)
    return _ref(value) if is_link else value


def _told(entry: Entry, options: dict) -> dict:
    if options.get("training"):
        raise UserError(
            f"layer {shown(entry.name)!r} is always called with training=True; "
            "only nets that leave it to the caller load"
        )
    return {key: value for key, value in options.items() if not (key in _OF_TRAINING and not value)}


def _tensors(value):
    """Arguments as Keras 3 saves them, with a `Ref` for each tensor."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return _ref(value["config"]["keras_history"])
        return {key: _tensors(part) for key, part in value.items()}
    return [_tensors(part) for part in value] if isinstance(value, list) else value


def _ref(link) -> Ref:
    layer, call, output = link[:3]
    if not isinstance(layer, str) or output != 0:
        raise UserError("holds a layer with several outputs, which does not load: save the net without it")
    return Ref(layer, int(call))


def _refs(value) -> tuple[Ref, ...]:
    """Of the inputs or outputs of a net: [layer, call, output], a list or a dict of these."""
    if isinstance(value, dict):
        value = list(value.values())
    if value and isinstance(value[0], str):
        value = [value]
    return tuple(_ref(link) for link in value)
