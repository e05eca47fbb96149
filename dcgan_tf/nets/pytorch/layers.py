"""The layers in a state dict of PyTorch, and their weights in the order and layout of Keras."""

import math
from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.words import shown

Tensors = dict[str, np.ndarray]

_STATISTICS = ("running_mean", "running_var")
_KINDS = {"weight", "bias", *_STATISTICS}


@dataclass(frozen=True)
class SavedLayer:
    """One layer of PyTorch: the tensors by what they are ("weight", "bias", "running_mean", "running_var")."""

    name: str
    tensors: Tensors

    @property
    def is_norm(self) -> bool:
        return _STATISTICS[0] in self.tensors

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensors[_STATISTICS[0] if self.is_norm else "weight"].shape

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def saved_layers(state: Tensors) -> list[SavedLayer]:
    """The layers of a state dict, in its order.

    Raises:
        UserError: there is one with other tensors than dense layers, convolutions and batch normalizations have.
    """
    modules: dict[str, Tensors] = {}
    for key, values in state.items():
        name, _, kind = key.rpartition(".")
        if kind != "num_batches_tracked":
            modules.setdefault(name, {})[kind] = values
    layers = [SavedLayer(name, tensors) for name, tensors in modules.items()]
    for layer in layers:
        _check_layer(layer)
    return layers


def _check_layer(layer: SavedLayer) -> None:
    """Refuses a layer with other tensors than dense layers, convolutions and batch normalizations have.

    Raises:
        UserError: it is such a layer; it names the layer and the reason.
    """
    where, tensors = f"layer {shown(layer.name)!r}", layer.tensors
    others = [kind for kind in tensors if kind not in _KINDS]
    if others or not ("weight" in tensors or layer.is_norm):
        raise UserError(
            f"{where} has a tensor {shown((others or list(tensors))[0])!r}: only dense layers, convolutions and batch "
            "normalizations are read, without spectral norm and the like"
        )
    if any(values.dtype.kind != "f" for values in tensors.values()):
        raise UserError(f"{where} has no floating-point numbers: give a net that is not quantized")
    if not layer.is_norm and len(layer.shape) == 1:
        raise UserError(
            f"{where} has one weight for each channel but no running statistics, like a batch normalization with "
            "track_running_stats=False: what it gives depends on the whole batch; give a net with running statistics"
        )
    shapes = {values.shape for values in tensors.values()}
    if layer.is_norm and (shapes != {(layer.size,)} or not set(_STATISTICS) <= set(tensors)):
        raise UserError(f"{where} has tensors that do not belong together: the file is damaged")


def give_weights(net: keras.Sequential, saved: list[SavedLayer]) -> None:
    """Gives the layers of a net, in order, the weights of PyTorch's.

    PyTorch counts the features of a flattened image channel by channel, Keras pixel by pixel. So what lies between a
    dense layer and the reshape after it, and what a dense layer takes after a flatten, changes places.
    """
    waiting = iter(saved)
    for position, layer in enumerate(net.layers):
        if layer.weights:
            before = net.layers[position - 1] if position else None
            taken = _places(before.input.shape[1:]) if isinstance(before, keras.layers.Flatten) else slice(None)
            given = _places(_image_after(net.layers[position:]))
            layer.set_weights(_converted(layer, next(waiting), taken, given))


def _image_after(layers) -> tuple[int, ...]:
    """The shape into which what the first of the layers gives is reshaped; () where it is not."""
    if len(layers[0].output.shape) > 2:
        return ()
    for layer in layers[1:]:
        if isinstance(layer, keras.layers.Reshape):
            return layer.target_shape
        if isinstance(layer, keras.layers.Dense):
            break
    return ()


def _places(shape: tuple[int, ...]):
    """Where PyTorch has each feature of an image (H, W, C) that is flattened; all as they are, if shape is no image."""
    if len(shape) != 3:
        return slice(None)
    height, width, channels = shape
    return np.arange(math.prod(shape)).reshape(channels, height, width).transpose(1, 2, 0).ravel()


def _converted(layer: keras.layers.Layer, saved: SavedLayer, taken, given) -> list[np.ndarray]:
    """The weights of one layer of Keras. taken, given: which features of PyTorch's it takes and gives, in order."""
    tensors = saved.tensors
    if saved.is_norm:
        ones, zeros = np.ones(saved.shape), np.zeros(saved.shape)  # affine=False
        scale, shift = tensors.get("weight", ones), tensors.get("bias", zeros)
        weights = [values[given] for values in (scale, shift, *(tensors[kind] for kind in _STATISTICS))]
    else:
        kernel = tensors["weight"]
        if isinstance(layer, keras.layers.Dense):
            kernel = kernel.T[taken][:, given]  # [out, in] -> [in, out]
        else:  # [out, in, kh, kw] -> [kh, kw, in, out]; transposed, [in, out, kh, kw] -> [kh, kw, out, in]
            kernel = kernel.transpose(2, 3, 1, 0)
        weights = [kernel, *([tensors["bias"][given]] if "bias" in tensors else [])]
    return [np.ascontiguousarray(values, np.float32) for values in weights]
