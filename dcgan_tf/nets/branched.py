"""Nets with branches (ResNet, MobileNet and so on) that others have saved, read without running code of the file.

`dcgan_tf.nets.saved.load_model` reads chains of layers and never calls Keras's own deserialization. Nets with branches
need it, so this module first checks every class that their settings name against a list of what may be in them.
"""

import copy
import json
import tempfile
import zipfile
from pathlib import Path

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.nets.allowed import BRANCHED_LAYERS, NET_CLASSES
from dcgan_tf.nets.archive import SETTINGS, extract_weights, read_member
from dcgan_tf.nets.hdf5 import open_hdf5
from dcgan_tf.nets.limits import built, check_settings
from dcgan_tf.nets.saved import load_model
from dcgan_tf.nets.words import reason, shown

# Keras writes these around tensors, shapes and number types; they hold plain values only.
_WRAPPERS = {"__keras_tensor__", "__tuple__", "__numpy__", "TensorShape", "DTypePolicy", "Policy"}
# The classes that settings of layers may name: all initializers, regularizers and constraints of Keras.
_SETTING_CLASSES = {
    name
    for module in (keras.initializers, keras.regularizers, keras.constraints)
    for name in dir(module)
    if isinstance(getattr(module, name), type)
}
_ALLOWED = BRANCHED_LAYERS | NET_CLASSES | _WRAPPERS | _SETTING_CLASSES


def load_net(path) -> keras.Model:
    """Loads the net in an .h5 or .keras file, not compiled. Chains of layers may also be of TensorFlow 2.0 to 2.15.

    Raises:
        UserError: there is no such file, it holds no whole net, or layers that `BRANCHED_LAYERS` does not list.
    """
    try:
        return load_model(path)
    except UserError as not_a_chain:
        settings = _settings(path)
        if settings is None:
            raise
        try:
            _check(settings)
            return _load(path, settings)
        except UserError as error:
            raise UserError(f"{printable(path)}: {error}") from not_a_chain
        except Exception as error:  # Keras raises almost anything for damaged settings or weights.
            raise UserError(
                f"{printable(path)}: cannot be read ({type(error).__name__}: {reason(error)}): give a net saved with model.save"
            ) from error


def _settings(path) -> dict | None:
    """Reads the saved settings of a net, without those of its training; None where there are none that can be read."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                settings = json.loads(read_member(archive, SETTINGS))
        else:
            with open_hdf5(path) as file:
                settings = json.loads(file.attrs["model_config"])
        check_settings(settings)
    except Exception:  # `load_model` has met the same error, and told it.
        return None
    return _without_training(settings)


def _without_training(settings):
    """Drops, at any depth, how a net was compiled: its loss may be a class of its author, and is not needed."""
    if isinstance(settings, list):
        return [_without_training(value) for value in settings]
    if isinstance(settings, dict):
        return {key: _without_training(value) for key, value in settings.items() if key != "compile_config"}
    return settings


def _check(settings) -> None:
    """Refuses settings that name a class outside `_ALLOWED`, at any depth.

    Raises:
        UserError: it names the class.
    """
    if isinstance(settings, list):
        for value in settings:
            _check(value)
    elif isinstance(settings, dict):
        kind = settings.get("class_name")
        if "class_name" in settings:
            listed = isinstance(kind, str) and kind in _ALLOWED
            of_keras = str(settings.get("module") or "keras").split(".")[0] == "keras"
            registered = settings.get("registered_name") not in (None, kind)
            if registered or not (listed and of_keras):
                raise UserError(
                    f"holds a {shown(kind)}, which does not load: only plain layers of Keras do, never code; "
                    "save the net without it"
                )
        for value in settings.values():
            _check(value)


def _load(path, settings) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        if zipfile.is_zipfile(path):
            net = built(lambda: keras.saving.deserialize_keras_object(copy.deepcopy(settings), safe_mode=True))
            with zipfile.ZipFile(path) as archive:
                weights = extract_weights(archive, net, folder)
            with open_hdf5(weights):
                net.load_weights(weights)
            return net
        # Keras chooses the format by the ending of the name, which may be any here.
        named = Path(folder) / "net.h5"
        named.symlink_to(Path(path).resolve())
        return built(lambda: keras.models.load_model(named, compile=False))
