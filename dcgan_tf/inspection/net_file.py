"""`dcgan-tf inspect FILE`: what a net's file is, and what can be done with it. Nothing in the file is run."""

import math
from pathlib import Path

import h5py

from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.text import plural, shape_text, size_text, table
from dcgan_tf.generators.checks import GRAPH
from dcgan_tf.nets.hdf5 import kind_in

_ENDINGS = {".keras", ".h5", ".hdf5", ".pth", ".pt", ".ckpt", ".safetensors", ".index", ".onnx", ".tflite"}
_MAX_LAYERS_SHOWN = 200
_LABEL_COLUMNS = 9


def is_net(source: str) -> bool:
    """Whether a path is that of a net, not of images: by its ending, and of HDF5 by what is in it. Without TensorFlow."""
    path = Path(source)
    if path.is_dir():
        return (path / GRAPH).exists() or any(path.glob("*.index"))
    if path.suffix.lower() not in _ENDINGS or not path.exists():
        return path.with_name(f"{path.name}.index").exists() if path.name else False
    if path.is_file() and h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            return kind_in(file) is not None or "keras_version" in file.attrs
    return True


def inspect_net(source: str, part: str | None = None) -> int:
    """Prints what is known of a net's file. Returns 0.

    part: "generator" or "discriminator" of a whole GAN, to show its layers.

    Raises:
        UserError: it is nothing that a net can be made of.
    """
    path = Path(source)
    if path.suffix.lower() in (".onnx", ".tflite") or (path / GRAPH).exists():
        from dcgan_tf.inspection.exported import exported_rows

        say(_text(exported_rows(path)))
        return 0
    from dcgan_tf.nets.reading.kinds import kind_of
    from dcgan_tf.nets.saved import told

    kind = told(path, kind_of)
    if kind.is_weights_alone:
        rows = _rows_of_weights(path, kind)
    elif kind.is_of_torch:
        rows = _rows_of_torch(path, kind, part)
    else:
        rows = _rows_of_net(path, kind, part)
    say(_text([("file", f"{printable(path)}, {size_text(_size(path))}: {rows.pop(0)}"), *rows]))
    return 0


def _size(path: Path) -> int:
    """Of a file, or of all files of a checkpoint."""
    if path.is_file():
        return path.stat().st_size
    folder, name = (path, "*") if path.is_dir() else (path.parent, f"{path.name}.*")
    return sum(file.stat().st_size for file in folder.glob(name) if file.is_file())


def _text(rows: list[tuple[str, str]]) -> str:
    lines = []
    for label, text in rows:
        first, *rest = text.split("\n")
        lines.append(f"{label:<{_LABEL_COLUMNS}}{first}")
        lines += [" " * _LABEL_COLUMNS + line for line in rest]
    return "\n".join(lines)


# ---- nets of Keras. Of each kind of file, the first row is what it is, the others have labels.


def _rows_of_net(path: Path, kind, part: str | None) -> list:
    from dcgan_tf.nets.reading.look import look_at
    from dcgan_tf.nets.saved import settings_of, told, version_of

    version = told(path, version_of)
    what = _what(kind, version)
    net = settings_of(path)
    try:
        whole, parts = look_at(net)
    except UserError as error:
        return [what, ("loads", f"no: {error}"), ("layers", _named_layers(net))]
    if part is not None:
        if part not in parts:
            raise UserError(f"--part {part}: {printable(path)} is no whole GAN: leave --part out")
        return [what, *look_rows(path, parts[part], f" --part {part}")]
    if parts:
        return [what, *_rows_of_whole(path, parts)]
    return [what, *look_rows(path, whole)]


def _what(kind, version: str) -> str:
    return f"{kind.value}, saved by Keras {printable(version)}" if version else kind.value


def _rows_of_whole(path: Path, parts) -> list[tuple[str, str]]:
    rows = [("net", "a whole GAN, generator and discriminator in one")]
    for name, look in parts.items():
        what = f"{_arrow(look)}, {plural(look.parameters, 'parameter')} in {plural(len(look.layers), 'layer')}"
        rows.append(("", f"{name}: {what}"))
    commands = [
        ("draw with its generator", f"generate {quoted(path)} --part generator --out pictures"),
        ("look at a part", f"inspect {quoted(path)} --part generator"),
    ]
    return [*rows, *_next(commands)]


def look_rows(path: Path, look, part: str = "") -> list[tuple[str, str]]:
    """The rows of a net of Keras. part: the flag that takes it out of the file."""
    rows = [("net", f"{_role(look)}: {_arrow(look)}")]
    if look.inputs is not None and look.is_generator:
        rows += _rows_of_inputs(look.inputs)
    if look.is_generator:
        told = f"in {look.made}, as its last layers tell" if look.made else "in a range that its layers do not tell"
        rows.append(("images", f"{shape_text(look.gives[0])}, {told}"))
    if look.is_discriminator:
        rows.append(("output", "a probability (sigmoid)" if look.made else "a logit, or a score without bounds"))
        if look.wanted:
            rows.append(("images", f"taken in {look.wanted}, as the Rescaling in front tells"))
    rows.append(("weights", f"{plural(look.parameters, 'parameter')} in {plural(len(look.layers), 'layer')}"))
    rows.append(("layers", _layer_table(look.layers)))
    return [*rows, *_next(_commands(path, look, part))]


def _role(look) -> str:
    if look.is_generator:
        return "a generator that draws classes" if look.inputs.classes else "a generator"
    if look.is_discriminator:
        return "a discriminator"
    if look.takes_an_image and len(look.gives[0]) == 1:
        return "a classifier, or another net that judges images"
    return "neither a generator nor a discriminator"


def _arrow(look) -> str:
    takes, gives = (" and ".join(map(shape_text, shapes)) or "?" for shapes in (look.takes, look.gives))
    return f"{takes} -> {gives}"


def _rows_of_inputs(inputs) -> list[tuple[str, str]]:
    rows = [("latents", f"{inputs.latent_dim}; whether normal or uniform, no file says: --latents")]
    if inputs.classes:
        how = "as a one-hot vector" if inputs.is_one_hot else "by number"
        place = "first" if inputs.labels == 0 else "second"
        rows.append(
            ("classes", f"{inputs.classes}, 0 to {inputs.classes - 1}, taken {how} as its {place} input: --labels")
        )
    return rows


def _layer_table(layers) -> str:
    rows = [
        (printable(layer.name), layer.kind, shape_text(layer.gives), f"{layer.parameters:,}")
        for layer in layers[:_MAX_LAYERS_SHOWN]
    ]
    more = len(layers) - _MAX_LAYERS_SHOWN
    shown = table([("name", "kind", "gives", "parameters"), *rows], "<<>>")
    return f"{shown}\nand {more:,} more" if more > 0 else shown


def _named_layers(net) -> str:
    """The layers of a net that cannot be made, by name alone."""
    rows = [(printable(entry.name), printable(entry.saved_as)) for entry in net.entries[:_MAX_LAYERS_SHOWN]]
    return table([("name", "kind"), *rows], "<<")


def _commands(path: Path, look, part: str) -> list[tuple[str, str]]:
    file = quoted(path)
    if look.is_generator:
        commands = [
            ("draw with it", f"generate {file}{part} --out pictures --grid"),
            ("ship it", f"export {file}{part}"),
            ("measure it", f"evaluate {file}{part} --data IMAGES"),
        ]
        return commands + ([("train it further", f"train IMAGES --generator {file}")] if look.is_chain else [])
    if look.is_discriminator and look.is_chain:
        return [("train with it", f"train IMAGES --discriminator {file}")]
    if look.takes_an_image and len(look.takes) == 1 and len(look.gives) == 1:
        return [("measure in its features", f"evaluate RUN --features {file}")]
    return []


def _next(commands: list[tuple[str, str]]) -> list[tuple[str, str]]:
    lines = table([(f"{what}:", f"{program()} {command}") for what, command in commands], "<<")
    return [("next", lines)] if commands else []


# ---- weights alone, and tensors of PyTorch


def _rows_of_weights(path: Path, kind) -> list:
    from dcgan_tf.nets.reading.bare import shape_words, shapes_in
    from dcgan_tf.nets.saved import told, version_of

    held = told(path, lambda file: shapes_in(file, kind))
    count = sum(math.prod(shape) for shapes in held.values() for shape in shapes)
    commands = [
        ("draw with a preset's net", f"generate {quoted(path)} --preset faces64 --out pictures"),
        ("draw with a net of your own", f"generate {quoted(path)} --net model.json --out pictures"),
    ]
    rows = [(printable(name), ", ".join(map(shape_words, shapes))) for name, shapes in held.items()]
    version = told(path, version_of) if path.is_file() and h5py.is_hdf5(path) else ""
    return [
        _what(kind, version),
        ("weights", f"{plural(count, 'parameter')} in {plural(len(held), 'layer')}"),
        ("layers", table([("name", "shapes"), *rows[:_MAX_LAYERS_SHOWN]], "<<")),
        *_next(commands),
    ]


def _rows_of_torch(path: Path, kind, part: str | None) -> list:
    from dcgan_tf.nets.pytorch.recognised import net_of_tensors
    from dcgan_tf.nets.pytorch.tensors import read_tensors
    from dcgan_tf.nets.reading.bare import shape_words
    from dcgan_tf.nets.reading.look import look_at_net

    tensors = read_tensors(path)
    rows = [(printable(name), shape_words(array.shape)) for name, array in tensors.items()]
    held = ("tensors", table([("name", "shape"), *rows[:_MAX_LAYERS_SHOWN]], "<<"))
    try:
        net = net_of_tensors(tensors, part)
    except UserError as error:
        return [kind.value, ("loads", f"no: {error}"), held]
    return [kind.value, *look_rows(path, look_at_net(net), f" --part {part}" if part else ""), held]
