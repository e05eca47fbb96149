"""Nets that others have saved, of any layers of Keras, read without running code of the file.

`h5files.load_model` reads chains of layers and never calls Keras's own deserialization. Nets with branches (ResNet,
MobileNet and so on) need it; so here their settings are first compared with a list of what may be in them.
"""

import json
import tempfile
import zipfile
from pathlib import Path

import h5py

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.nets.saved import load_model

# fmt: off
_LAYERS = {
    "InputLayer", "Dense", "EinsumDense", "Embedding", "Conv1D", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D",
    "SeparableConv2D", "Flatten", "Reshape", "Permute", "RepeatVector", "Identity", "Rescaling", "Normalization", "Resizing",
    "CenterCrop", "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization",
    "RMSNormalization", "SpectralNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax",
    "MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
    "GlobalAveragePooling1D", "UpSampling2D", "ZeroPadding2D", "Cropping2D", "Dropout", "SpatialDropout2D",
    "AlphaDropout", "GaussianDropout", "GaussianNoise", "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum",
    "Multiply", "Subtract", "MultiHeadAttention", "Attention",
    "RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom", "RandomContrast", "RandomBrightness",
}
_NETS = {"Sequential", "Functional", "Model"}
# What Keras writes around tensors, shapes and number types; these hold plain values.
_PLAIN = {"__keras_tensor__", "__tuple__", "__numpy__", "TensorShape", "DTypePolicy", "Policy"}
# fmt: on
_SETTINGS = {
    name
    for module in (keras.initializers, keras.regularizers, keras.constraints)
    for name in dir(module)
    if isinstance(getattr(module, name), type)
}


def load_net(path) -> keras.Model:
    """The net in an .h5 or .keras file, not compiled; chains of layers also from TensorFlow 2.0 to 2.15.

    Raises:
        UserError: there is no such file, it holds no whole net, or layers beyond those of Keras that compute plainly.
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
        except Exception as error:  # of damaged settings or weights, Keras raises almost anything
            reason = first_line(error)[:200]
            raise UserError(
                f"{printable(path)}: cannot be read ({type(error).__name__}: {reason}): give a net saved with model.save"
            ) from error


def _settings(path) -> dict | None:
    """The settings of the net as saved, less those of its training; None where there are none that can be read."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _without_training(json.loads(archive.read("config.json")))
        with h5py.File(path, "r") as file:
            return _without_training(json.loads(file.attrs["model_config"]))
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile):
        return None


def _without_training(settings):
    if isinstance(settings, list):
        return [_without_training(value) for value in settings]
    if isinstance(settings, dict):
        return {key: _without_training(value) for key, value in settings.items() if key != "compile_config"}
    return settings


def _check(settings) -> None:
    """Refuses all that is not on the lists above, however deep.

    Raises:
        UserError: naming it.
    """
    if isinstance(settings, list):
        for value in settings:
            _check(value)
    elif isinstance(settings, dict):
        kind = settings.get("class_name")
        if "class_name" in settings:
            listed = isinstance(kind, str) and kind in _LAYERS | _NETS | _PLAIN | _SETTINGS
            of_keras = str(settings.get("module") or "keras").split(".")[0] == "keras"
            registered = settings.get("registered_name") not in (None, kind)
            if registered or not (listed and of_keras):
                raise UserError(
                    f"holds a {printable(kind)}, which does not load: only plain layers of Keras do, never code; "
                    "save the net without it"
                )
        for value in settings.values():
            _check(value)


def _load(path, settings) -> keras.Model:
    if not zipfile.is_zipfile(path):
        # Keras goes by the ending; the file may have another.
        with tempfile.TemporaryDirectory() as folder:
            named = Path(folder) / "net.h5"
            named.symlink_to(Path(path).resolve())
            return keras.models.load_model(named, compile=False)
    net = keras.saving.deserialize_keras_object(settings, safe_mode=True)
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
        net.load_weights(archive.extract("model.weights.h5", folder))
    return net
