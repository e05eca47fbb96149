"""Weights without their net: what a file of them holds, layer by layer, and a net filled with it.

An .h5 of `save_weights`, the tree of Keras's .weights.h5, and a checkpoint of TensorFlow name their arrays in three ways.
"""

import re

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import natural_order, shape_text
from dcgan_tf.nets.hdf5 import GROUP, open_hdf5
from dcgan_tf.nets.reading.checkpoint import checkpoint_prefix, read_checkpoint
from dcgan_tf.nets.reading.dialects import Version
from dcgan_tf.nets.reading.kinds import Kind
from dcgan_tf.nets.reading.making import Made
from dcgan_tf.nets.reading.settings import NetSettings
from dcgan_tf.nets.reading.weights import (
    Block,
    assign_h5,
    assign_in_order,
    assign_tree,
    blocks_of_h5,
    members_of,
)

_NOT_OF_NETS = re.compile(r"optimizer|seed_generator", re.IGNORECASE)
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
        raise UserError(f"its weights do not fit that net; it holds {shapes_text(path, kind, role)}") from error


def shapes_in(path, kind: Kind, role: str | None = None) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of what a file of weights holds, by layer. role: of a checkpoint of several nets, which; None for all."""
    if kind is Kind.CHECKPOINT:
        return _shapes(_blocks_of_checkpoint(path, role))
    with open_hdf5(path) as file:
        if kind is Kind.TREE_WEIGHTS:
            return _shapes(_blocks_of_tree(file))
        return _shapes(blocks_of_h5(file.get(GROUP, file)))


def _shapes(blocks: list[Block]) -> dict[str, list[tuple[int, ...]]]:
    return {block.name: [tuple(array.shape) for array in block.arrays] for block in blocks}


def shapes_text(path, kind: Kind, role: str | None = None) -> str:
    """The shapes of weights, layer by layer, in one line."""
    held = shapes_in(path, kind, role)
    shown = [f"{printable(name)} {', '.join(map(shape_words, shapes))}" for name, shapes in held.items()]
    more = f"; and {len(shown) - _SHOWN_LAYERS:,} layers more" if len(shown) > _SHOWN_LAYERS else ""
    return ("; ".join(shown[:_SHOWN_LAYERS]) or "none") + more


def shape_words(shape: tuple[int, ...]) -> str:
    """(3, 3, 8) -> "3x3x8"; () -> "1"."""
    return shape_text(shape) or "1"


def _blocks_of_tree(file) -> list[Block]:
    found: list[str] = []
    file.visit(lambda name: found.append(name) if name.endswith("/vars") and len(file[name]) else None)
    groups = [name for name in sorted(found, key=natural_order) if not _NOT_OF_NETS.search(name)]
    return [
        Block(name.removesuffix("/vars"), list(file[name]), [file[name][key] for key in file[name]]) for name in groups
    ]


def _blocks_of_checkpoint(path, role: str | None) -> list[Block]:
    """The weights of a checkpoint, which names them by the way from its root: generator/layer_with_weights-0/kernel."""
    arrays = read_checkpoint(checkpoint_prefix(path))
    layers: dict[str, list[str]] = {}
    for name in sorted(arrays, key=natural_order):
        layers.setdefault(name.rpartition("/")[0], []).append(name)
    return [
        Block(layer, [_leaf(name) for name in names], [arrays[name] for name in names])
        for layer, names in ((layer, sorted(of, key=_place)) for layer, of in _of_role(layers, role).items())
    ]


def _of_role(layers: dict[str, list[str]], role: str | None) -> dict[str, list[str]]:
    """The layers of one of several nets, by the first part of their names; all of them where there is one net."""
    firsts = {name.partition("/")[0] for name in layers}
    pattern = {"generator": r"^(g$|g_|.*gen|.*_g$)", "discriminator": r"^(d$|d_|.*disc|.*critic|.*_d$)"}.get(role, "^$")
    own = [first for first in firsts if re.match(pattern, first, re.IGNORECASE)]
    return {name: of for name, of in layers.items() if name.partition("/")[0] in own} if len(own) == 1 else layers


def _leaf(name: str) -> str:
    return name.rpartition("/")[2].removeprefix("_")


def _place(name: str) -> tuple:
    leaf = _leaf(name)
    return (_ORDER.index(leaf) if leaf in _ORDER else len(_ORDER), natural_order(name))
