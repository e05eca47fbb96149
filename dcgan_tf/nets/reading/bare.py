"""Weights without their net: what a file of them holds, layer by layer, and a net filled with it.

An .h5 of `save_weights`, the tree of Keras's .weights.h5, and a checkpoint of TensorFlow name their arrays in three ways.
"""

import re

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import free_bytes
from dcgan_tf.common.text import size_text
from dcgan_tf.nets.hdf5 import open_hdf5
from dcgan_tf.nets.reading.dialects import Version
from dcgan_tf.nets.reading.kinds import Kind, checkpoint_prefix
from dcgan_tf.nets.reading.making import Made
from dcgan_tf.nets.reading.settings import NetSettings
from dcgan_tf.nets.reading.weights import (
    GROUP,
    Block,
    assign_h5,
    assign_in_order,
    assign_tree,
    blocks_of_h5,
    members_of,
)

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_NOT_OF_NETS = re.compile(r"optimizer|OPTIMIZER_SLOT|save_counter|seed_generator|global_step|keras_api", re.IGNORECASE)
# The order in which a layer makes its variables.
_ORDER = ("kernel", "embeddings", "gamma", "alpha", "bias", "beta", "moving_mean", "moving_variance")
_SHOWN_LAYERS = 40


def fill(path, kind: Kind, net: NetSettings, layers: Made, role: str) -> None:
    """Fills the layers of a net from a file of weights alone.

    role: "generator" or "discriminator": whose weights to take from a checkpoint of both.

    Raises:
        UserError: they do not fit; the message lists the shapes of what the file holds.
    """
    try:
        if kind is Kind.CHECKPOINT:
            members = [member for entry in net.entries for member in members_of(entry, layers)]
            assign_in_order(_blocks_of_checkpoint(path, role), members, Version(3))
            return
        with open_hdf5(path) as file:
            if kind is Kind.TREE_WEIGHTS:
                assign_tree(file, net, layers)
            else:
                version = Version.of(file.attrs.get("keras_version", "2"), file.attrs.get("backend", "tensorflow"))
                assign_h5(file.get(GROUP, file), net, layers, version)
    except (UserError, KeyError, IndexError) as error:
        raise UserError(
            f"its weights do not fit that net; it holds {shapes_text(blocks_of(path, kind, role))}"
        ) from error


def blocks_of(path, kind: Kind, role: str | None = None) -> list[Block]:
    """What a file of weights holds, layer by layer. role: of a checkpoint of several nets, which; None for all."""
    if kind is Kind.CHECKPOINT:
        return _blocks_of_checkpoint(path, role)
    with open_hdf5(path) as file:
        if kind is Kind.TREE_WEIGHTS:
            return _blocks_of_tree(file)
        return blocks_of_h5(file.get(GROUP, file))


def shapes_text(blocks: list[Block]) -> str:
    """The shapes of weights, layer by layer, in one line."""
    shown = [
        f"{printable(name)} {', '.join('x'.join(map(str, a.shape)) or '1' for a in arrays)}"
        for name, _, arrays in blocks
    ]
    more = f"; and {len(shown) - _SHOWN_LAYERS:,} layers more" if len(shown) > _SHOWN_LAYERS else ""
    return ("; ".join(shown[:_SHOWN_LAYERS]) or "none") + more


def _blocks_of_tree(file) -> list[Block]:
    found: list[str] = []
    file.visit(lambda name: found.append(name) if name.endswith("/vars") and len(file[name]) else None)
    groups = [name for name in sorted(found, key=_natural) if not _NOT_OF_NETS.search(name)]
    return [
        Block(name.removesuffix("/vars"), list(file[name]), [np.asarray(file[name][k]) for k in file[name]])
        for name in groups
    ]


def _blocks_of_checkpoint(path, role: str | None) -> list[Block]:
    """The weights of a checkpoint, which names them by the way from its root: generator/layer_with_weights-0/kernel."""
    reader = tf.train.load_checkpoint(checkpoint_prefix(path))
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    names = [name for name in shapes if not _NOT_OF_NETS.search(name) and types[name].is_floating]
    size = sum(4 * int(np.prod(shapes[name])) for name in names)
    if size > free_bytes():
        raise UserError(f"claims weights of {size_text(size)}, and {size_text(free_bytes())} of memory are free")
    layers: dict[str, list[str]] = {}
    for name in sorted(names, key=_natural):
        layers.setdefault(name.removesuffix(_VALUE).rpartition("/")[0], []).append(name)
    layers = _of_role(layers, role)
    return [_block(reader, layer, sorted(of_layer, key=_place)) for layer, of_layer in layers.items()]


def _of_role(layers: dict[str, list[str]], role: str | None) -> dict[str, list[str]]:
    """The layers of one of several nets, by the first part of their names; all of them where there is one net."""
    firsts = {name.partition("/")[0] for name in layers}
    pattern = {"generator": r"^(g$|g_|.*gen|.*_g$)", "discriminator": r"^(d$|d_|.*disc|.*critic|.*_d$)"}.get(role, "^$")
    own = [first for first in firsts if re.match(pattern, first, re.IGNORECASE)]
    return {name: of for name, of in layers.items() if name.partition("/")[0] in own} if len(own) == 1 else layers


def _block(reader, layer: str, names: list[str]) -> Block:
    arrays = [np.asarray(reader.get_tensor(name)) for name in names]
    return Block(layer, [_leaf(name) for name in names], arrays)


def _leaf(name: str) -> str:
    return name.removesuffix(_VALUE).rpartition("/")[2].removeprefix("_")


def _place(name: str) -> tuple:
    leaf = _leaf(name)
    return (_ORDER.index(leaf) if leaf in _ORDER else len(_ORDER), _natural(name))


def _natural(name: str) -> list:
    """For an order in which layer 2 comes before layer 10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
