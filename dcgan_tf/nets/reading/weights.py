"""The weights in a file, put into the layers that were made of its settings.

Keras has saved weights in two ways: in an .h5 as one group for each layer, with its arrays in a listed order, and since
Keras 2.12 in `model.weights.h5` as a tree that follows the nets within nets.
"""

import contextlib
import math
import re
from typing import NamedTuple

import h5py
import numpy as np

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.hdf5 import TREES
from dcgan_tf.nets.reading.dialects import Version
from dcgan_tf.nets.reading.making import Made
from dcgan_tf.nets.reading.settings import Entry, NetSettings
from dcgan_tf.nets.words import shown

_DAMAGED = "the file is damaged: give a net saved with model.save"
# What the last part of a weight's name was in Keras 1, by what it is today.
_NAMES_OF_KERAS_1 = {"W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance"}
_NAMES = {"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "embeddings", "alpha"}
_CONVOLUTIONS = {"Conv1D", "Conv2D", "Conv2DTranspose"}


class Block(NamedTuple):
    """The weights that a file keeps together: those of a layer, or of a net within the net.

    names: of the arrays. arrays: of NumPy, or datasets of HDF5, which are read only once it is known that they fit.
    """

    name: str
    names: list[str]
    arrays: list


def assign_h5(group: h5py.Group, net: NetSettings, layers: Made, version: Version) -> None:
    """Fills the layers of a net from an .h5, by the names of its layers, or in their order where those are others.

    version: of the Keras that wrote the file.

    Raises:
        UserError: a layer's arrays do not fit it.
        KeyError: there are none of a layer.
    """
    members_by_entry = [(entry, members_of(entry, layers)) for entry in net.entries]
    with_weights = [pair for pair in members_by_entry if any(layer.weights for _, layer in pair[1])]
    # Keras before 2.2.3 does not name nets within a Sequential among its settings.
    if not all(entry.name in group for entry, _ in with_weights):
        members = [member for _, of_entry in with_weights for member in of_entry]
        blocks = blocks_of_h5(group)
        if all(of_entry or entry.net is None for entry, of_entry in members_by_entry):
            assign_in_order(blocks, members, version)
        else:  # Of a whole GAN, a part is loaded.
            _assign_to_one(blocks, members, version)
        return
    for entry, members in with_weights:
        _assign(_block(group, entry.name), members, version)


def blocks_of_h5(group: h5py.Group) -> list[Block]:
    """The weights in an .h5, layer by layer."""
    names = names_in(group, "layer_names") or list(group)
    blocks = [_block(group, name) for name in names if isinstance(group[name], h5py.Group)]
    return [block for block in blocks if block.arrays]


def _block(group: h5py.Group, name: str) -> Block:
    names = names_in(group[name], "weight_names")
    return Block(name, names, [group[name][weight] for weight in names])


def assign_in_order(blocks: list[Block], members, version: Version) -> None:
    """Fills layers from blocks, one after the other, each of as many layers as it has arrays for.

    members: (entry, layer) of each.

    Raises:
        UserError: they do not fit.
    """
    waiting = [member for member in members if member[1].weights]
    for block in blocks:
        taken, count = [], 0
        while waiting and count < len(block.arrays):
            taken.append(waiting.pop(0))
            count += len(taken[-1][1].weights)
        _assign(block, taken, version)
    if waiting:
        raise UserError(f"holds no weights for layer {shown(waiting[0][0].name)!r} and those after it; {_DAMAGED}")


def names_in(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names among the attributes of a group. A long one is in parts, "weight_names0" and so on."""
    parts = [attribute] if attribute in group.attrs else []
    while f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    names = [name for part in parts for name in group.attrs[part]]
    return [name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names]


def _assign_to_one(blocks: list[Block], members, version: Version) -> None:
    """Fills layers from the first block that fits them."""
    for block in blocks:
        with contextlib.suppress(UserError):
            _assign(block, members, version)
            return
    raise UserError(f"holds no weights that fit this part of it; {_DAMAGED}")


def members_of(entry: Entry, layers) -> list[tuple[Entry, object]]:
    """(entry, layer) of a layer, or of all in a net that stands in its place, also in nets within it."""
    if entry.net is None:
        return [layers[id(entry)]] if id(entry) in layers else []
    return [member for inner in entry.net.entries for member in members_of(inner, layers)]


def _assign(block: Block, members, version) -> None:
    """Gives the variables of some layers the values of arrays; refuses those of other shapes, naming the layer."""
    name, names, arrays = block
    orders = _orders(members)
    fitting = None
    has, wants = (sum(math.prod(part.shape) for part in parts) for parts in (arrays, [slot[1] for slot in orders[0]]))
    # A file may list one large array many times.
    for slots in orders if has <= wants and len(arrays) == len(orders[0]) else ():
        values = [
            _spread(entry, _converted(entry, np.asarray(array), version), variable)
            for (entry, variable), array in zip(slots, arrays)
        ]
        if [v.shape for v in values] == [tuple(variable.shape) for _, variable in slots] and len(arrays) == len(slots):
            fitting = fitting or (slots, values)
            if _names_agree(slots, names):
                fitting = (slots, values)
                break
    if fitting is None:
        saved, wanted = [list(array.shape) for array in arrays], [list(variable.shape) for _, variable in orders[0]]
        raise UserError(
            f"layer {shown(name)!r} has weights of shapes {saved}, but its settings ask for {wanted}; {_DAMAGED}"
        )
    for (_, variable), value in zip(*fitting, strict=True):
        variable.assign(value)


def _orders(members) -> list[list]:
    """The orders in which versions of Keras save the variables of a net: all that are trained, then all others; or layer
    by layer, as some do where the net is frozen. Each is a list of (entry, variable)."""
    trained = [(entry, variable) for entry, layer in members for variable in layer.trainable_weights]
    others = [(entry, variable) for entry, layer in members for variable in layer.non_trainable_weights]
    first = trained + others
    by_layer = [(entry, variable) for entry, layer in members for variable in layer.weights]
    norm_last = sorted(by_layer, key=lambda slot: slot[1].name in ("moving_mean", "moving_variance"))
    return [first, by_layer, norm_last]


def _names_agree(slots, names) -> bool:
    for (_, variable), name in zip(slots, names):
        leaf = _leaf(name)
        if leaf in _NAMES and variable.name in _NAMES and leaf != variable.name:
            return False
    return True


def _leaf(name: str) -> str:
    """What a weight is, by its name: "dense_1/kernel:0" -> kernel, "dense_1_W" of Keras 1 -> kernel."""
    last = re.sub(r"(_\d+)?(:\d+)?$", "", name.split("/")[-1])
    for old, new in _NAMES_OF_KERAS_1.items():
        if last.endswith(f"_{old}"):
            return new
    return next((known for known in _NAMES if last.endswith(known)), last)


def _converted(entry: Entry, array: np.ndarray, version: Version) -> np.ndarray:
    """An array as Keras 3 has it. Keras 1 had kernels in another order; Theano turns them by half."""
    if entry.kind == "PReLU" and entry.turned_from is not None and array.ndim == 3:
        return array.transpose(1, 2, 0)
    if entry.kind in _CONVOLUTIONS and array.ndim == 4:
        is_transposed, was_first = entry.kind == "Conv2DTranspose", _was_channels_first(entry)
        if version.major < 2 and was_first:  # [filters, channels, rows, columns]
            array = array.transpose(2, 3, 0, 1) if is_transposed else array.transpose(2, 3, 1, 0)
        elif version.major < 2 and is_transposed:  # [rows, columns, channels, filters]
            array = array.transpose(0, 1, 3, 2)
        if version.is_theano:
            array = array[::-1, ::-1]
    return array


def _spread(entry: Entry, array: np.ndarray, variable) -> np.ndarray:
    """Keras 1 did not save along which axes a PReLU shares its weights: these have the size 1."""
    fits = array.ndim == len(variable.shape) and all(a in (1, b) for a, b in zip(array.shape, variable.shape))
    return np.broadcast_to(array, variable.shape) if entry.kind == "PReLU" and fits else array


def _was_channels_first(entry: Entry) -> bool:
    return (entry.turned_from or entry).config.get("data_format") == "channels_first"


# ---- .keras and .weights.h5


def assign_tree(file: h5py.File, net: NetSettings, layers: Made) -> None:
    """Fills the layers of a net from the tree of Keras 2.12 and later.

    Raises:
        UserError: a layer's arrays do not fit it.
        LookupError: there are none of a layer.
    """
    root = next((name for name in TREES if name in file), TREES[0])
    _assign_tree(file, root, net, layers)


def _assign_tree(group, root: str, net: NetSettings, layers) -> None:
    """group: that of the net. Its layers are below `root`, named by their classes and numbered.

    Keras 2.12 and 2.13 count a layer that has weights twice, so that the second Conv2D is conv2d_2; later versions do not.
    The order is the same.
    """
    used: dict[str, int] = {}
    for entry in net.entries:
        name = _in_snake_case(entry.saved_as)
        place = used[name] = used.get(name, -1) + 1
        if not any(layer.weights for _, layer in members_of(entry, layers)):
            continue
        of_class = [member for member in group[root] if re.fullmatch(rf"{name}(_\d+)?", member)]
        own = group[root][sorted(of_class, key=_number)[place]]
        if entry.net is not None:
            _assign_tree(own, root, entry.net, layers)
        else:
            _assign_leaves(own, *layers[id(entry)])


def _number(name: str) -> int:
    """conv2d -> 0, conv2d_2 -> 2."""
    return int((re.search(r"_(\d+)$", name) or [0, 0])[1])


def _assign_leaves(group, entry: Entry, layer) -> None:
    """group: that of the layer. Layers that it is made of, such as the one in a SpectralNormalization, have groups within."""
    for name, inner in vars(layer).items():
        if isinstance(inner, keras.layers.Layer) and inner.weights:
            _assign_leaves(group[name if name in group else name.lstrip("_")], entry, inner)
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    saved = group["vars"] if own else {}
    arrays = [saved[str(number)] for number in range(len(saved))]
    is_turned = [entry.kind == "PReLU" and entry.turned_from is not None and len(array.shape) == 3 for array in arrays]
    shapes = [[a.shape[1], a.shape[2], a.shape[0]] if turned else list(a.shape) for a, turned in zip(arrays, is_turned)]
    wanted = [list(variable.shape) for variable in own]
    if shapes != wanted:
        raise UserError(
            f"layer {shown(entry.name)!r} has weights of shapes {shapes}, but its settings ask for {wanted}; {_DAMAGED}"
        )
    for variable, array, turned in zip(own, arrays, is_turned, strict=True):
        values = np.asarray(array)
        variable.assign(values.transpose(1, 2, 0) if turned else values)


def _in_snake_case(name: str) -> str:
    """As Keras names a layer by its class: "Conv2DTranspose" -> conv2d_transpose."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
