"""Settings of layers as Keras 1.2 to 2.15 wrote them, in the words of Keras 3. Plain dicts in, plain dicts out.

Names have changed twice (Keras 2 renamed nearly all that Keras 1 had, Keras 3 a few more), and two activations of the same
name compute differently. What has no sure meaning today is left as it is, so that the layer is refused where it is made.
"""

from typing import NamedTuple

from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.words import shown


class Version(NamedTuple):
    """Of the Keras that wrote a net; 3 where the file does not say.

    is_channels_first  of Keras 1, whose layers do not all say it, whether images are [C, H, W]
    is_standalone      whether Keras was a package of its own, not a part of TensorFlow; as far as it is below 2.4
    is_theano          whether Theano computed: it turned kernels by half, and padded strided convolutions in its own way
    """

    major: int
    minor: int = 0
    is_channels_first: bool = False
    is_standalone: bool = False
    is_theano: bool = False

    @classmethod
    def of(cls, text, backend="tensorflow") -> "Version":
        """Of "2.2.4-tf" and the like, and the name of the backend; both may be bytes."""
        text, backend = (
            value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in (text, backend)
        )
        numbers = [int(part) for part in text.split("-")[0].split(".")[:2] if part.isdigit()]
        version = cls(*(numbers or [3]), is_theano=backend == "theano")
        return version._replace(is_standalone=version < (2, 4) and not text.endswith("-tf"))


# The classes of Keras 1 whose settings Keras 2 took over under another name.
_CLASSES = {
    "Convolution2D": "Conv2D",
    "AtrousConvolution2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "MaxPool2D": "MaxPooling2D",
    "AvgPool2D": "AveragePooling2D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}
# The settings of Keras 1, by those of Keras 2; of all layers.
_SETTINGS = {
    "output_dim": "units",
    "nb_filter": "filters",
    "subsample": "strides",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "bias": "use_bias",
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "p": "rate",
    "sigma": "stddev",
    "atrous_rate": "dilation_rate",
}
_OF_LAYERS = {  # where the same word means something else
    "Embedding": {
        "output_dim": "output_dim",
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
}
_FORMATS = {"tf": "channels_last", "th": "channels_first", "default": "channels_last"}
_MERGES = {"sum": "Add", "mul": "Multiply", "concat": "Concatenate", "ave": "Average", "max": "Maximum"}
# These said how Keras 1 worked, not what it computed.
_OF_KERAS_1 = {"input_dtype", "input_dim", "input_length", "weights", "W_learning_rate_multiplier", "arguments"}
# Keras 3 has no word for these; a value that it would not compute is refused where the layer is made.
_WITHOUT_EFFECT = {
    "implementation", "unroll", "batch_size", "autocast", "quantization_config", "fused", "virtual_batch_size", "sparse",
    "ragged", "synchronized", "lora_rank", "lora_alpha",
}  # fmt: skip
_WITHOUT_FORMAT = {"UpSampling2D", "ZeroPadding2D", "Cropping2D"}
BILINEAR_OF_KERAS_2 = "bilinear of keras 2"
SAME_OF_THEANO = "same of theano"
HARD_SIGMOID_OF_KERAS_2 = "hard_sigmoid_of_keras_2"


def translated(kind: str, config: dict, version: Version) -> tuple[str, dict]:
    """The class and the settings of a layer in the words of Keras 3.

    Raises:
        UserError: they are of Keras 1, and compute what no layer of today does.
    """
    if version.major < 2 or _is_of_keras_1(config):
        kind, config = _from_keras_1(kind, config, version.is_channels_first)
    kind = _CLASSES.get(kind, kind)
    config = {name: _plain(value) for name, value in config.items()}
    if kind == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")
    if kind == "Embedding":
        config.pop("input_length", None)
    if kind == "InputLayer" and "batch_input_shape" in config:
        config["batch_shape"] = config.pop("batch_input_shape")
    if version.major < 3 and config.get("activation") == "hard_sigmoid":
        config["activation"] = HARD_SIGMOID_OF_KERAS_2
    if version.is_theano and kind in ("Conv2D", "Conv2DTranspose") and _pads_otherwise_in_theano(config):
        config["padding"] = SAME_OF_THEANO
    if version.is_standalone and kind == "UpSampling2D" and config.get("interpolation") == "bilinear":
        config["interpolation"] = BILINEAR_OF_KERAS_2
    if config.get("renorm") is False:
        config = {name: value for name, value in config.items() if not name.startswith("renorm")}
    return kind, {name: value for name, value in config.items() if name not in _WITHOUT_EFFECT}


def _pads_otherwise_in_theano(config: dict) -> bool:
    is_strided = config.get("strides") not in (None, 1, [1, 1])
    return config.get("padding") == "same" and (is_strided or any(size % 2 == 0 for size in config["kernel_size"]))


def _is_of_keras_1(config: dict) -> bool:
    """Some files were written by Keras 1 and say nothing of it."""
    return any(name in config for name in ("nb_filter", "dim_ordering", "border_mode", "W_regularizer", "p"))


def _plain(value):
    """A number that was written with its type, such as {"class_name": "__numpy__", "config": {"value": 0.2}}, as itself."""
    if isinstance(value, dict) and value.get("type") == "ndarray":
        return value.get("value")
    if isinstance(value, dict) and value.get("class_name") == "__numpy__" and isinstance(value.get("config"), dict):
        return value["config"].get("value")
    return value


def says_channels_first(raw) -> bool:
    """Whether any layer in the settings of a net of Keras 1 says so. The others, such as UpSampling2D, say nothing."""
    if isinstance(raw, dict):
        return raw.get("dim_ordering") == "th" or any(map(says_channels_first, raw.values()))
    return isinstance(raw, list) and any(map(says_channels_first, raw))


def _from_keras_1(kind: str, config: dict, is_channels_first: bool) -> tuple[str, dict]:
    own, said = _OF_LAYERS.get(kind, {}), {}
    for name, value in config.items():
        if name not in _OF_KERAS_1 or (name == "input_dim" and kind == "Embedding"):
            said[own.get(name, _SETTINGS.get(name, name))] = value
    if "data_format" in said:
        said["data_format"] = _FORMATS.get(said["data_format"], said["data_format"])
    elif is_channels_first and kind in _WITHOUT_FORMAT:
        said["data_format"] = "channels_first"
    if kind == "ZeroPadding2D" and len(said.get("padding", ())) == 4:
        top, bottom, left, right = said["padding"]
        said["padding"] = [[top, bottom], [left, right]]
    rows, columns = said.pop("nb_row", None), said.pop("nb_col", None)
    if rows is not None:
        said["kernel_size"] = [rows, columns]
    if kind == "Merge":
        return _merge(said)
    if kind == "BatchNormalization" and said.pop("mode", 0) != 0:
        raise UserError("holds a BatchNormalization of a mode that Keras has given up: save the net with Keras 2 or 3")
    if kind == "Deconvolution2D":
        said.pop("output_shape", None)
    if kind == "Embedding":
        said.pop("dropout", None)
    return kind, said


def _merge(config: dict) -> tuple[str, dict]:
    """Keras 1 had one layer for all ways to merge."""
    mode = config.get("mode")
    if mode not in _MERGES or config.get("mode_type", "raw") != "raw":
        raise UserError(
            f"holds a Merge by {shown(mode)}, which does not load: only {', '.join(_MERGES)} do, never code"
        )
    settings = {"name": config.get("name")}
    if mode == "concat":
        settings["axis"] = config.get("concat_axis", -1)
    return _MERGES[mode], settings
