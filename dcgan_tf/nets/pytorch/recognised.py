"""Keras nets of tensors that PyTorch saved of a DCGAN: their order and shapes alone tell which net they are of.

Known are the nets of the tutorials in PyTorch that the presets are made from, and the DCGAN of the paper (preset
faces64) in any width and for square images of any size. Tensors do not say which activations follow a layer, nor
whether the net ended in a sigmoid: both are taken from the preset. So a discriminator gives logits.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError
from dcgan_tf.common.text import shape_text
from dcgan_tf.config.presets import PRESETS, Layer, Preset
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.limits import built
from dcgan_tf.nets.pytorch.layers import SavedLayer, Tensors, give_weights, saved_layers
from dcgan_tf.nets.words import shown

Part = Literal["generator", "discriminator"]

# Nets that are known by their very numbers of units and filters, and one that is known at any.
EXACT_FAMILIES, WIDE_FAMILY = ("mnist", "mnist-mlp", "mnist56"), "faces64"
MAX_LAYERS = 64  # A net of any family has fewer, even for the largest images.
MAX_IMAGE_SIDE = 4096  # Layers of one channel double a side for 64 bytes in a file each.
MAX_LISTED_LAYERS = 20  # A message tells the shapes of so many.
MAX_LISTED_DICTS = 6
# A convolution of PyTorch with this kernel has this stride, and a padding by which it equals "same".
STRIDES = {4: 2, 5: 3}
_BUILD: dict[Part, Callable[[Preset], keras.Sequential]] = {
    "generator": build_generator,
    "discriminator": build_discriminator,
}


@dataclass(frozen=True)
class _Found:
    """A net that is known. preset: as it is to be built. layers: what its weights come from, in their order."""

    part: Part
    preset: Preset
    layers: list[SavedLayer]


def net_of_tensors(tensors: Tensors, part: Part | None = None) -> keras.Sequential:
    """The net that a state dict of PyTorch is of, with its weights, float32.

    A generator takes latents [N, latent_dim] and gives images [N, H, W, C] in -1..1; a discriminator takes such images
    and gives logits [N, 1].

    tensors: by name, as `tensors.read_tensors` gives them. There may be several state dicts, told apart by what is
        before the last "/" in the names, or by the first word before a dot.
    part: which net to take where there are several.

    Raises:
        UserError: there is no net that is known, or not exactly one of the part; or it does not fit into the memory.
            The message does not name the file.
    """
    found = _nets_in(tensors)
    of_part = [(name, net) for name, net in found if part in (None, net.part)]
    if not of_part:
        raise UserError(f"holds a {found[0][1].part}, and a {part} is asked for: give the file of a {part}")
    if len(of_part) > 1:
        names = ", ".join(f"{shown(name)} ({net.part})" for name, net in of_part[:MAX_LISTED_DICTS])
        dots = ", ..." if len(of_part) > MAX_LISTED_DICTS else ""
        wanted = "net" if part is None else part
        raise UserError(
            f"holds {len(of_part)} nets, {names}{dots}: say which is meant with --part, or give a file with one {wanted}"
        )
    _, chosen = of_part[0]
    net = built(lambda: _BUILD[chosen.part](chosen.preset))
    give_weights(net, chosen.layers)
    return net


def _nets_in(tensors: Tensors) -> list[tuple[str, _Found]]:
    """All nets that are known, at least one, each with the name of its state dict.

    Raises:
        UserError: there is none; it tells what is wrong with the largest state dict.
    """
    if not tensors:
        raise UserError("holds no tensors: give a state dict of PyTorch")
    found, errors = [], []
    for name, state in _grouped(tensors, _last_key).items():
        try:
            found += [(name, net) for net in _recognised(state)]
        except UserError as error:
            within = _nets_within(name, state)
            found += within
            errors += [] if within else [(len(state), error)]
    if not found:
        raise max(errors, key=lambda sized: sized[0])[1]
    return found


def _nets_within(name: str, state: Tensors) -> list[tuple[str, _Found]]:
    """The nets of a state dict of a module that holds nothing but known nets: "netG.main.0.weight", "netD.main...".

    Where it holds anything else, too, the nets may be parts of a larger one, and none is returned.
    """
    groups = _grouped(state, _first_word)
    while len(groups) == 1 and all("." in key for key in state):
        (state,) = groups.values()  # All names begin alike, as with DataParallel's "module.".
        groups = _grouped(state, _first_word)
    try:
        nets = [(word, net) for word, members in groups.items() for net in _recognised(members)]
    except UserError:
        return []
    return [(f"{name}/{word}" if name else word, net) for word, net in nets] if len(groups) > 1 else []


def _first_word(key: str) -> tuple[str, str]:
    word, _, rest = key.partition(".")
    return word, rest


def _last_key(key: str) -> tuple[str, str]:
    of_dict, _, name = key.rpartition("/")
    return of_dict, name


def _grouped(tensors: Tensors, split) -> dict[str, Tensors]:
    """Tensors by the first of the two words into which `split` cuts their names, each named by the second."""
    groups: dict[str, Tensors] = {}
    for key, values in tensors.items():
        group, name = split(key)
        groups.setdefault(group, {})[name] = values
    return groups


def _recognised(state: Tensors) -> list[_Found]:
    """The net of a state dict; two where it could be a generator as well as a discriminator.

    Raises:
        UserError: it is of no net that is known.
    """
    layers = saved_layers(state)
    for ordered in (layers, sorted(layers, key=_by_number)):
        shapes = [(layer.shape, layer.is_norm) for layer in ordered]
        found = []
        for part in _BUILD:
            preset = next((preset for preset in _guesses(ordered, part) if _shapes(preset, part) == shapes), None)
            if preset is not None:
                found.append(_Found(part, _with_biases(preset, part, ordered), ordered))
        if found:
            return found
    raise UserError(_unknown(layers))


def _by_number(layer: SavedLayer):
    """Sorts conv1, conv2, bn1, bn2, as files without an order have them, into conv1, bn1, conv2, bn2."""
    return [int(digits) for digits in re.findall("[0-9]{1,9}", layer.name)], layer.is_norm


def _guesses(layers: list[SavedLayer], part: Part) -> Iterator[Preset]:
    """Presets that the layers may be of. Whether they are is for the caller to find out, with `_shapes`."""
    weights = [layer for layer in layers if not layer.is_norm]
    if not weights or not weights[0].shape or len(layers) > MAX_LAYERS or any(layer.size == 0 for layer in layers):
        return
    for family in EXACT_FAMILIES:
        # A generator of another number of latents has the same layers.
        preset = PRESETS[family]
        yield replace(preset, latent_dim=weights[0].shape[-1]) if part == "generator" else preset
    if len(weights) > 1 and all(len(layer.shape) == 4 for layer in weights):
        yield from (_wide_generator(weights) if part == "generator" else _wide_discriminator(weights, layers))


def _wide_generator(weights: list[SavedLayer]) -> Iterator[Preset]:
    """The family of faces64, of the widths and kernels that the transposed convolutions have, [in, out, k, k]."""
    stem, *ups = (layer.shape for layer in weights)
    latent_dim, _, side, _ = stem
    channels, kernel = ups[-1][1], ups[-1][2]
    if kernel not in STRIDES or channels not in (1, 3):
        return
    family = PRESETS[WIDE_FAMILY]
    _, first, up, *_, last = family.generator
    size = side * 2 ** (len(ups) - 1) * STRIDES[kernel]
    if size > MAX_IMAGE_SIDE:
        return
    yield replace(
        family,
        latent_dim=latent_dim,
        image_shape=(size, size, channels),
        generator=(
            Layer("reshape", shape=(1, 1, latent_dim)),
            replace(first, units=stem[1], kernel=(side, side)),
            *(replace(up, units=shape[1]) for shape in ups[:-1]),
            replace(last, units=channels, kernel=(kernel, kernel), stride=(STRIDES[kernel],) * 2),
        ),
    )


def _wide_discriminator(weights: list[SavedLayer], layers: list[SavedLayer]) -> Iterator[Preset]:
    """The family of faces64, of the widths and kernels that the convolutions have, [out, in, k, k]."""
    *downs, head = (layer.shape for layer in weights)
    channels, kernel, side = downs[0][1], downs[0][2], head[2]
    if kernel not in STRIDES or channels not in (1, 3):
        return
    family = PRESETS[WIDE_FAMILY]
    first, down, *_, last, flatten = family.discriminator
    size = side * 2 ** (len(downs) - 1) * STRIDES[kernel]
    if size > MAX_IMAGE_SIDE:
        return
    # mri96 normalizes after its first convolution, too.
    then = down.then if layers[1].is_norm else first.then
    yield replace(
        family,
        image_shape=(size, size, channels),
        discriminator=(
            replace(first, units=downs[0][0], kernel=(kernel, kernel), stride=(STRIDES[kernel],) * 2, then=then),
            *(replace(down, units=shape[0]) for shape in downs[1:]),
            replace(last, kernel=(side, side)),
            flatten,
        ),
    )


def _shapes(preset: Preset, part: Part) -> list[tuple[tuple[int, ...], bool]]:
    """Of each layer with weights the shape that PyTorch's has (`SavedLayer.shape`), and whether it is a normalization."""
    shape = (preset.latent_dim,) if part == "generator" else preset.image_shape
    found = []
    for row in getattr(preset, part):
        channels, shape = shape[-1], row.output_shape(shape)
        if row.kind == "dense":
            found.append(((row.units, channels), False))
        elif row.kind == "conv":
            found.append(((row.units, channels, *row.kernel), False))
        elif row.kind == "deconv":
            found.append(((channels, row.units, *row.kernel), False))
        if "bn" in row.then.split():
            found.append(((row.units,), True))
    return found


def _with_biases(preset: Preset, part: Part, layers: list[SavedLayer]) -> Preset:
    """The preset with a bias in those layers that have one in PyTorch.

    Raises:
        UserError: a bias has another length than its layer.
    """
    weights = iter(layer for layer in layers if not layer.is_norm)
    rows = []
    for row in getattr(preset, part):
        if row.units:
            layer = next(weights)
            bias = layer.tensors.get("bias")
            if bias is not None and bias.shape != (row.units,):
                raise UserError(
                    f"layer {shown(layer.name)!r} has a bias of shape {list(bias.shape)}, its weight asks for "
                    f"{[row.units]}: the file is damaged"
                )
            row = replace(row, bias=bias is not None)
        rows.append(row)
    return replace(preset, **{part: tuple(rows)})


def _unknown(layers: list[SavedLayer]) -> str:
    """The message that tells the shapes of a net that is not known."""
    shapes = [f"{shown(layer.name)} {shape_text(layer.shape)}" for layer in layers[:MAX_LISTED_LAYERS]]
    more = f", and {len(layers) - MAX_LISTED_LAYERS} more" if len(layers) > MAX_LISTED_LAYERS else ""
    return (
        f"is none of the nets that are known by their shapes ({', '.join(EXACT_FAMILIES)}, and {WIDE_FAMILY} and mri96 "
        f"in any width and size); its layers, in order: {', '.join(shapes)}{more}"
    )
