"""What an exported generator's file says of itself: its inputs, its outputs and its model card. It is not run."""

from pathlib import Path

from dcgan_tf.common.errors import printable
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import size_text
from dcgan_tf.generators import checks

_KINDS = {".onnx": "onnx", ".tflite": "litert"}


def exported_rows(path: Path) -> list[tuple[str, str]]:
    """(label, text) of each row.

    Raises:
        UserError: it is damaged, or reading it needs a package; the message begins with its name.
    """
    kind = _KINDS.get(path.suffix.lower(), "savedmodel")
    with checks.told_in_a_line(kind, printable(path), "cannot be read ({}): copy it again"):
        checks.check(kind, path)
        card = checks.read_card(kind, path)
        rows = _ROWS[kind](path)
    return [*rows, *_rows_of_card(card), ("next", f"draw with it: {program()} generate {quoted(path)} --out pictures")]


def _savedmodel(folder: Path) -> list[tuple[str, str]]:
    with open_regular(folder / checks.GRAPH) as file:
        model = _parsed(file.read())
    rows = [
        (
            "file",
            f"{printable(folder)}: the folder of a SavedModel, which is a program: run only those of people you trust",
        )
    ]
    for graph in model.meta_graphs[:1]:
        for name, signature in sorted(graph.signature_def.items()):
            takes, gives = (", ".join(sorted(map(printable, ends))) for ends in (signature.inputs, signature.outputs))
            if takes:
                rows.append(("", f"{printable(name)}: {takes} -> {gives}"))
    return rows


def _parsed(content: bytes):
    """The message of a SavedModel; reading it runs nothing."""
    from dcgan_tf.common.backend import quiet_stderr  # It keeps TensorFlow quiet from its first import on.

    with quiet_stderr():
        from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel.FromString(content)


def _onnx(path: Path) -> list[tuple[str, str]]:
    import onnx

    model = onnx.load_model(str(path), load_external_data=False)
    shown = [
        ", ".join(f"{printable(value.name)} {_dims(value.type.tensor_type.shape.dim)}" for value in values)
        for values in (model.graph.input, model.graph.output)
    ]
    operations = f"{len(model.graph.node)} operations"
    return [_file(path, "an ONNX net"), ("takes", shown[0]), ("gives", f"{shown[1]}, by {operations}")]


def _litert(path: Path) -> list[tuple[str, str]]:
    return [_file(path, "a LiteRT net")]


def _dims(dims) -> str:
    return "x".join(dim.dim_param or str(dim.dim_value) for dim in dims)


def _file(path: Path, what: str) -> tuple[str, str]:
    return "file", f"{printable(path)}, {size_text(path.stat().st_size)}: {what}"


_ROWS = {"savedmodel": _savedmodel, "onnx": _onnx, "litert": _litert}


def _rows_of_card(card: dict) -> list[tuple[str, str]]:
    """What a model card of ours says; one of any form may say nothing."""
    if not card:
        return [("card", "none: it was not exported by this program")]
    said = [
        f"{key} {printable(card[key])}" for key in ("name", "epoch", "preset") if isinstance(card.get(key), str | int)
    ]
    for key in ("latents", "images", "labels"):
        values = card.get(key)
        if isinstance(values, dict):
            said.append(
                f"{key} " + " ".join(printable(value) for value in values.values() if isinstance(value, str | int))
            )
    return [("card", ", ".join(said))]
