"""Layers of Keras made from the settings in a file: of a fixed table of classes, with plain values, never by running code.

What only training needs and Keras does not have (a constraint or a regularizer of the author's own) is left out with a
note. What pictures need, such as an own layer or an unknown activation, is refused by name.
"""

import inspect
import operator
from typing import NamedTuple

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError
from dcgan_tf.layers import MinibatchStd
from dcgan_tf.nets.reading.allowed import ALLOWED_LAYERS
from dcgan_tf.nets.reading.dialects import (
    BILINEAR_OF_KERAS_2,
    HARD_SIGMOID_OF_KERAS_2,
    SAME_OF_THEANO,
    Version,
    translated,
)
from dcgan_tf.nets.reading.graph import Graph, Step, Value
from dcgan_tf.nets.reading.settings import SHAPE_KEYS, Entry
from dcgan_tf.nets.words import shown

layers = keras.layers

_MINIBATCH_STD = "dcgan_tf>MinibatchStd"  # Keras saves a registered class as package>name.
LAYERS = {name: getattr(layers, name) for name in ALLOWED_LAYERS - {"InputLayer"}} | {_MINIBATCH_STD: MinibatchStd}

# These compute the same in all versions of Keras, where they have them; hard_sigmoid, for one, does not.
_SAME_ACTIVATIONS = {
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "softplus", "softsign", "softmax",
    "sigmoid", "tanh", "exponential",
}  # fmt: skip
_ACTIVATIONS = _SAME_ACTIVATIONS | {"hard_tanh", "hard_sigmoid"}  # of Keras 3, as `dialects` renames that of Keras 2
_SETTINGS_OF_INPUTS = (*SHAPE_KEYS, "input_shape", "input_dim", "build_input_shape")
_WRAPPERS = {"SpectralNormalization"}  # They hold another layer among their settings.


class MadeLayers(NamedTuple):
    """The layers that are made of an entry, in order; `main` has its weights, the others what no setting of it can say."""

    all: list
    main: object


def make_layers(entry: Entry) -> MadeLayers:
    """The layer of an entry, most often alone.

    Raises:
        UserError: it is no plain layer of Keras.
    """
    if entry.is_operation:
        raise UserError(
            f"operation {shown(entry.name)!r} ({shown(entry.kind)}) does not load: only layers of Keras do; save the net "
            "without it"
        )
    if entry.kind == "InputLayer":
        raise UserError(f"layer {shown(entry.name)!r} is an input that is also called; the file is damaged")
    config, after = dict(entry.config), []
    if config.get("activation") == HARD_SIGMOID_OF_KERAS_2:
        # It was clip(0.2 x + 0.5, 0, 1); that of Keras 3 has another slope.
        config["activation"] = "linear"
        after = [layers.Rescaling(0.2, 0.5), layers.ReLU(max_value=1.0)]
    before = []
    if config.get("interpolation") == BILINEAR_OF_KERAS_2:
        after = _enlarged_by_keras_2(entry, config)
    if config.get("padding") == SAME_OF_THEANO:
        before, after = _padded_by_theano(entry.kind, config, after)
    main = _layer(entry.kind, config, entry.is_plain, entry.registered_name)
    return MadeLayers([*before, main, *after], main)


def _enlarged_by_keras_2(entry: Entry, config: dict) -> list:
    """The layers after an UpSampling2D that then repeats pixels. Keras 2.2.3 to 2.3.1 put the new pixel between two old ones
    half way, from [0, 4] made [0, 2, 4, 4], while later versions make [0, 1, 3, 4]."""
    if list(config["size"]) != [2, 2]:
        raise UserError(
            f"layer {shown(entry.name)!r} (UpSampling2D) enlarges as Keras did before 2.4 (bilinear, by {shown(config['size'])}), "
            "which is done by 2 alone here: save the net with a newer Keras"
        )
    config["interpolation"] = "nearest"
    return [layers.AveragePooling2D(2, strides=1, padding="same")]


def _padded_by_theano(kind: str, config: dict, after: list) -> tuple[list, list]:
    """(layers before, layers after) a convolution, which has no padding of its own then. Theano pads half a kernel at the
    top and the left; TensorFlow pads less there where a stride or an even kernel lets it."""
    config["padding"] = "valid"
    halves = [size // 2 for size in config["kernel_size"]]
    if kind == "Conv2D":
        return [
            layers.ZeroPadding2D([(half, size - 1 - half) for size, half in zip(config["kernel_size"], halves)])
        ], after
    rests = [
        size - half - stride
        for size, half, stride in zip(config["kernel_size"], halves, config["strides"], strict=True)
    ]
    if min(rests) < 0:
        raise UserError(
            "holds a transposed convolution of Theano whose stride is larger than its kernel: save it with Keras 3"
        )
    if config.get("activation") not in (None, "linear"):
        after = [layers.Activation(_activation("a layer", config.pop("activation"))), *after]
    return [], [layers.Cropping2D(list(zip(halves, rests))), *after]


def _layer(kind: str, config: dict, is_plain: bool, registered: str | None):
    """Makes a layer from its settings. A file can only choose a class of `LAYERS` and give plain values."""
    if registered == _MINIBATCH_STD:  # An .h5 names its class so, JSON and .keras without the package.
        kind, is_plain = _MINIBATCH_STD, kind in (_MINIBATCH_STD, MinibatchStd.__name__)
    where = f"layer {shown(config.get('name'))!r} ({shown(kind)})"
    if kind not in LAYERS or not is_plain:
        raise UserError(f"{where} does not load: only plain layers of Keras do, never code; save the net without it")
    known = inspect.signature(LAYERS[kind].__init__).parameters
    settings = {"dtype": "float32"} | ({"name": str(config["name"]).replace("/", "_")} if config.get("name") else {})
    for key, value in config.items():
        if key in ("name", "dtype", "trainable", *_SETTINGS_OF_INPUTS) and not (key == "input_dim" and key in known):
            continue
        if key.endswith("_initializer"):
            continue
        if key in known:
            settings[key] = _setting(where, kind, key, value)
        elif not (value is None or value is False or (key in ("groups", "dilation_rate") and value in (1, [1, 1]))):
            raise UserError(f"{where} sets {shown(key)}, which Keras {keras.__version__} does not know")
    layer = LAYERS[kind](**settings)
    layer.trainable = config.get("trainable", True)  # Set afterwards, because not every constructor takes it.
    return layer


def _setting(where, kind, key, value):
    """Checks one saved setting. Returns what a constructor takes without looking it up or deserializing it."""
    if value is None:
        return None
    if key == "activation":
        return _activation(where, value)
    if key.endswith("_regularizer"):
        return _rule(where, key, value, keras.regularizers, keras.regularizers.Regularizer)
    if key.endswith("_constraint"):
        return _rule(where, key, value, keras.constraints, keras.constraints.Constraint)
    if key == "layer" and kind in _WRAPPERS and isinstance(value, dict):
        return _layer(value["class_name"], value["config"], _is_of_keras(value), value.get("registered_name") or None)
    if isinstance(value, dict):
        raise UserError(f"{where} has a {shown(key)} that is not a plain value; save the net without it")
    if key == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]  # Old TensorFlow saves the axis of BatchNormalization as a list.
    return value


def _activation(where, value):
    if isinstance(value, dict):
        name, config = value.get("class_name"), value.get("config")
        if name == "function" and isinstance(config, str):  # Keras 2.12 wrote some functions so.
            return _activation(where, config)
        if name in LAYERS and isinstance(config, dict):
            return _layer(
                *translated(name, config, Version(3)), _is_of_keras(value), value.get("registered_name") or None
            )
    if isinstance(value, str) and value in _ACTIVATIONS:
        return value
    raise UserError(f"{where} has an activation that does not load; these do: {', '.join(sorted(_ACTIVATIONS))}")


def _is_of_keras(value: dict) -> bool:
    module = str(value.get("module") or "keras").split(".")[0]
    return module == "keras" and value.get("registered_name") in (None, value["class_name"])


def _rule(where, key, value, rules, base):
    """Makes a regularizer or a constraint, or leaves it out. Only subclasses of `base` in Keras's own module are made."""
    name = value.get("class_name", value.get("name")) if isinstance(value, dict) else value
    kind = getattr(rules, name, None) if isinstance(name, str) else None
    is_written = isinstance(value, dict) and "class_name" in value and isinstance(value.get("config"), dict)
    of_keras = inspect.isclass(kind) and issubclass(kind, base) and is_written and _is_of_keras(value)
    if not of_keras:
        note(
            f"{where} has a {shown(key)} that is not of Keras ({shown(name)}), which is left out: pictures do not need it"
        )
        return None
    return kind(**{key: number for key, number in value["config"].items() if key != "name"})


# ---- the whole net


Made = dict[int, tuple[Entry, object]]  # by the identity of an entry in the file: (it, as it was made; its layer)


def make_net(graph: Graph) -> tuple[keras.Model, Made]:
    """(the net, its layers), with fresh weights. A chain of layers is a Sequential.

    Raises:
        UserError: as in `make_layers`; or a layer that is always called in one of its special ways.
    """
    names: set[str] = set()
    made: dict[int, MadeLayers] = {}
    for step in graph.steps:
        if id(step.entry) not in made:
            made[id(step.entry)] = make_layers(step.entry)
            for layer in made[id(step.entry)].all:
                _give_own_name(layer, names)
    of_entries = {
        id(step.entry.turned_from or step.entry): (step.entry, made[id(step.entry)].main) for step in graph.steps
    }
    inputs = [
        keras.Input(
            batch_shape=[None, *shape[1:]],
            dtype="float32",
            name=entry.name if entry and len(graph.inputs) > 1 else None,
        )
        for _, entry, shape in graph.inputs
    ]
    if graph.is_chain:
        chain = [layer for step in graph.steps for layer in made[id(step.entry)].all]
        return keras.Sequential([*inputs, *chain], name=graph.name), of_entries
    tensors = {tensor: made_input for (tensor, _, _), made_input in zip(graph.inputs, inputs, strict=True)}
    for step in graph.steps:
        tensors[step.gives] = _called(step, made[id(step.entry)].all, tensors)
    outputs = [tensors[tensor] for tensor in graph.outputs]
    one = operator.itemgetter(0)
    net = keras.Model(
        inputs if len(inputs) > 1 else one(inputs), outputs if len(outputs) > 1 else one(outputs), name=graph.name
    )
    return net, of_entries


def _called(step: Step, of_step: list, tensors: dict):
    def filled(value):
        if isinstance(value, Value):
            return tensors[value.tensor]
        return [filled(part) for part in value] if isinstance(value, list) else value

    args = filled(step.args)
    result = of_step[0](*args, **{name: filled(value) for name, value in step.kwargs.items()})
    for layer in of_step[1:]:
        result = layer(result)
    return result


def _give_own_name(layer, names: set[str]) -> None:
    """The layers of a net and of a net within it may be called alike, which one net must not have."""
    name, number = layer.name, 1
    while layer.name in names:
        layer.name, number = f"{name}_{number}", number + 1
    names.add(layer.name)
