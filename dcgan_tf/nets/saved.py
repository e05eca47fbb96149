"""Nets in files: written as .h5 for plain Keras 3; read from .h5 and .keras, also those of TensorFlow 2.0 to 2.15.

Keras 3 by itself fails on most .h5 files of old TensorFlow, and a file may hold program code (a Lambda layer) that
runs as it is loaded. This module therefore treats a file as data: it makes each layer from a fixed table of Keras
classes, with plain values as settings, and never calls Keras's own deserialization.
"""

import inspect
import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.common.reading import check_regular
from dcgan_tf.layers import MinibatchStd
from dcgan_tf.nets.allowed import CHAIN_LAYERS, NET_CLASSES
from dcgan_tf.nets.archive import SETTINGS, extract_weights, read_member
from dcgan_tf.nets.hdf5 import add_checksum, open_hdf5
from dcgan_tf.nets.limits import built, check_settings
from dcgan_tf.nets.words import reason, shown

layers = keras.layers

_MINIBATCH_STD = "dcgan_tf>MinibatchStd"  # Keras saves a registered class as package>name.
_LAYERS = {name: getattr(layers, name) for name in CHAIN_LAYERS} | {_MINIBATCH_STD: MinibatchStd}

# These compute the same in TensorFlow 2.0 to 2.15 and in Keras 3; hard_sigmoid, for one, does not.
_SAME_ACTIVATIONS = {
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "softplus", "softsign", "softmax",
    "sigmoid", "tanh", "exponential",
}  # fmt: skip
# Old TensorFlow has no hard_tanh; generators that this program saves with a gain end in it.
_ACTIVATIONS = _SAME_ACTIVATIONS | {"hard_tanh"}

_SHAPE_KEYS = ("batch_shape", "batch_input_shape")  # Keras 3 and old TensorFlow name the shape of an input differently.


def save_model(model: keras.Model, path):
    """Writes the net, without an optimizer, as .h5 that `keras.models.load_model(path, compile=False)` loads anywhere.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    # In memory, because HDF5 tells of a disk that fails with errors of its own, some only as the file is closed.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        keras.src.legacy.saving.legacy_h5_format.save_model_to_hdf5(model, file, include_optimizer=False)
        add_checksum(file)
    with whole_file(path) as beside:
        beside.write_bytes(content.getbuffer())


def load_model(path) -> keras.Sequential:
    """Loads the net in an .h5 or .keras file, in float32 and not compiled; a functional model becomes a Sequential.

    The file may be of Keras 3 or of TensorFlow 2.0 to 2.15. The layers of nested nets become layers of the net itself.
    Initializers are left out, because the weights are in the file. No code of the file is ever run.

    Raises:
        UserError: there is no such file, or it holds no whole chain of layers of `CHAIN_LAYERS`; its checksum is wrong;
            it refers to other files, or does not fit into the memory.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise UserError("there is no such file; give a net saved with model.save, .h5 or .keras")
        if path.is_dir():
            raise UserError("is a folder; give a net saved with model.save as one file, .h5 or .keras")
        check_regular(path)
        if zipfile.is_zipfile(path):
            return _load_keras(path)
        if h5py.is_hdf5(path):
            return _load_h5(path)
        raise UserError("is not a whole .h5 or .keras file; give a net saved with model.save")
    except UserError as error:
        raise UserError(f"{printable(path)}: {error}") from error.__cause__
    except Exception as error:  # json, zipfile, h5py and Keras raise almost anything for damaged files and settings.
        raise UserError(
            f"{printable(path)}: cannot be read ({type(error).__name__}: {reason(error)}); "
            "it may be damaged: give a net saved with model.save, .h5 or .keras"
        ) from error


def net_of(settings: str) -> keras.Sequential:
    """The net of which `net.to_json()` gave these settings, float32, with fresh weights. No code of theirs is ever run.

    Raises:
        UserError: they are of no chain of layers of `CHAIN_LAYERS`, or their net does not fit into the memory.
    """
    try:
        model, _ = _build(_parse(settings))
    except UserError:
        raise
    except Exception as error:  # json and Keras raise almost anything for damaged settings.
        raise UserError(f"is damaged ({type(error).__name__}: {reason(error)})") from error
    return model


def _load_h5(path):
    with open_hdf5(path) as file:
        if "model_config" not in file.attrs:
            raise UserError("holds no net, at most its weights (save_weights); give a net saved with model.save")
        model, blocks = _build(_parse(file.attrs["model_config"]))
        for name, members in blocks:
            # Keras saves the weights of a nested net in this order: all that are trained, then all others.
            variables = [v for layer in members for v in layer.trainable_weights]
            variables += [v for layer in members for v in layer.non_trainable_weights]
            if variables:
                group = file["model_weights"][name]
                _assign(name, variables, [group[weight] for weight in group.attrs["weight_names"]])
    return model


def _assign(name, variables, saved):
    """Gives variables the values of saved arrays; refuses arrays of other shapes, naming the layer."""
    shapes, wanted = [list(array.shape) for array in saved], [list(v.shape) for v in variables]
    if shapes != wanted:
        raise UserError(
            f"layer {shown(name)!r} has weights of shapes {shapes}, but its settings ask for {wanted}; "
            "the file is damaged: give a net saved with model.save"
        )
    for variable, array in zip(variables, saved, strict=True):
        variable.assign(array[()])


def _load_keras(path):
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
        net = _parse(read_member(archive, SETTINGS))
        model, _ = _build(net)
        if any(entry["class_name"] in NET_CLASSES for entry in net["config"]["layers"]):
            raise UserError("holds nets within a net; save it as .h5, which can be read")
        weights = extract_weights(archive, model, folder)
        with open_hdf5(weights):
            model.load_weights(weights)
    return model


def _parse(text):
    """Reads JSON as Keras writes it; its wrapped tuples and shapes become plain lists."""

    def plain(value):
        return value["items"] if value.get("class_name") in ("__tuple__", "TensorShape") else value

    net = json.loads(text, object_hook=plain)
    check_settings(net)
    return net


def _build(net):
    """Makes a net from its saved settings, without the saved weights; returns it and its blocks (see `_blocks`)."""
    blocks = []

    def build():
        blocks[:] = _blocks(net)
        # Some nets are saved for one batch size only; the loaded net takes any.
        inputs = keras.Input(batch_shape=[None, *_input_shape(net)[1:]], dtype="float32")
        chain = [layer for _, members in blocks for layer in members]
        return keras.Sequential([inputs, *chain], name=net["config"]["name"])

    return built(build), blocks


def _blocks(net):
    """Lists (name, layers) in order: one layer, or all layers of a nested net, whose weights are saved together."""
    if net["class_name"] not in NET_CLASSES:
        raise UserError(f"holds a {shown(net['class_name'])}; give a Sequential net, or a functional one like it")
    entries = net["config"]["layers"]
    if net["class_name"] != "Sequential":
        _check_chain(net["config"])
    blocks = []
    for entry in entries:
        if entry["class_name"] in NET_CLASSES:
            blocks.append((entry["config"]["name"], [layer for _, members in _blocks(entry) for layer in members]))
        elif entry["class_name"] != "InputLayer":
            blocks.append((entry["config"]["name"], [_layer(entry)]))
    return blocks


def _input_shape(net):
    """Finds the input shape [None, ...] of a saved net. TensorFlow 2.0 saves it in the first layer that computes."""
    first = net["config"]["layers"][0]
    if first["class_name"] in NET_CLASSES:
        return _input_shape(first)
    for config in (first["config"], {"batch_shape": net["config"].get("build_input_shape")}):
        for key in _SHAPE_KEYS:
            if config.get(key):
                return config[key]
    raise UserError("does not say the shape of its input; save it after it has been called on a batch")


def _check_chain(config):
    """Refuses a functional net whose layers are not one chain from one input to one output."""
    entries = config["layers"]
    names = [entry["config"]["name"] for entry in entries]
    sources = [[link for node in entry["inbound_nodes"] for link in _links(entry, node)] for entry in entries]
    outputs = config["output_layers"]  # Either [name, 0, 0] or a list of these.
    ends = [outputs[0]] if isinstance(outputs[0], str) else [output[0] for output in outputs]
    if sources != [[], *([name] for name in names[:-1])] or ends != names[-1:]:
        raise UserError(
            "holds a net with branches; only one layer after the other, from one input to one output, loads"
        )


def _links(entry, node):
    """Lists the layers whose outputs a node takes, by name. Keras 3 saves a node as a dict, old TensorFlow as a list."""
    if isinstance(node, dict):
        tensors = [tensor for arg in node["args"] for tensor in (arg if isinstance(arg, list) else [arg])]
        names = [tensor["config"]["keras_history"][0] for tensor in tensors]
        options = [node["kwargs"]]
    else:
        names = [link[0] for link in node]
        options = [option for link in node for option in link[3:]]
    if any(option.get("training") for option in options):
        raise UserError(
            f"layer {shown(entry['config']['name'])!r} is always called with training=True; "
            "only nets that leave it to the caller load"
        )
    return names


def _layer(entry):
    """Makes a layer from its saved settings. A file can only choose a class of `_LAYERS` and give plain values."""
    kind, config = entry["class_name"], entry["config"]
    built_in = (entry.get("module") or "keras").split(".")[0] == "keras" and not entry.get("registered_name")
    if (
        entry.get("registered_name") == _MINIBATCH_STD
    ):  # An .h5 names its class so, JSON and .keras without the package.
        kind, built_in = _MINIBATCH_STD, kind in (_MINIBATCH_STD, MinibatchStd.__name__)
    where = f"layer {shown(config['name'])!r} ({shown(kind)})"
    if kind not in _LAYERS or not built_in:
        raise UserError(f"{where} does not load: only plain layers of Keras do, never code; save the net without it")
    known = inspect.signature(_LAYERS[kind].__init__).parameters
    settings = {"name": config["name"], "dtype": "float32"}
    for key, value in config.items():
        if key == "alpha" and kind == "LeakyReLU":
            key = "negative_slope"  # Keras 3 renamed alpha.
        if key in settings or key in _SHAPE_KEYS or key == "trainable" or key.endswith("_initializer"):
            continue
        if key in known:
            settings[key] = _setting(where, key, value)
        elif not (value is None or value is False or (key == "groups" and value == 1)):
            raise UserError(f"{where} sets {shown(key)}, which Keras {keras.__version__} does not know")
    layer = _LAYERS[kind](**settings)
    layer.trainable = config.get("trainable", True)  # Set afterwards, because not every constructor takes it.
    return layer


def _setting(where, key, value):
    """Checks one saved setting. Returns what a constructor takes without looking it up or deserializing it."""
    if value is None:
        return None
    if key == "activation":
        if isinstance(value, dict) and value["class_name"] in _LAYERS:
            return _layer(value)
        if isinstance(value, str) and value in _ACTIVATIONS:
            return value
        raise UserError(f"{where} has an activation that does not load; these do: {', '.join(sorted(_ACTIVATIONS))}")
    if key.endswith("_regularizer"):
        return _rule(where, key, value, keras.regularizers, keras.regularizers.Regularizer)
    if key.endswith("_constraint"):
        return _rule(where, key, value, keras.constraints, keras.constraints.Constraint)
    if isinstance(value, dict):
        raise UserError(f"{where} has a {shown(key)} that is not a plain value; save the net without it")
    if key == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]  # Old TensorFlow saves the axis of BatchNormalization as a list.
    return value


def _rule(where, key, value, rules, base):
    """Makes a regularizer or a constraint. Only subclasses of `base` in Keras's own module `rules` are allowed."""
    kind = getattr(rules, value["class_name"], None)
    if not (inspect.isclass(kind) and issubclass(kind, base)):
        raise UserError(f"{where} has a {shown(key)} that is not of Keras; save the net without it")
    return kind(**value["config"])
