"""What has to hold after a fault: what is there is whole, and in the end all is as if nothing had happened."""

import contextlib
import hashlib
import json
import re
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from dcgan_tf.runs.folder import RunFolder

NEVER_PRINTED = ("Traceback", "Exception ignored", "Segmentation", "terminate called", "Fatal Python error")
_LEFTOVER = re.compile(r"\.(part(\.\w+)?|old|gone)$")
# Of these, only that they are there counts: they hold what was measured, or checksums of bytes that may differ.
_UNCOMPARED = (
    "checksums.json",
    "tf_serving_warmup_requests",
    "batching.config",
    "models.config",
    "kubernetes.yaml",
    "docker-compose.yml",
)
_VERSION = re.compile(r"^\d+(?=/)|(?<=-)\d+(?=(-\w+)?\.(onnx|tflite)$)")


class Damaged(Exception):
    """A file that cannot be read, or does not hold what it should."""


def contents(folder: Path, apart_from: str = "$^") -> dict[str, str]:
    """{relative path: a digest of what is in it} of all files, but those of TensorBoard, which tell the time.

    Weights are compared as numbers, because files of equal weights may differ in their bytes. The version of an export is
    V in its path: a command that is given again takes the next.

    apart_from: a pattern of paths of which it only counts that they are there.

    Raises:
        Damaged: a file that has its final name is not whole.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name.startswith("tensorboard/") or name == ".lock":
            continue
        is_compared = not (is_leftover(name) or path.name in _UNCOMPARED or re.search(apart_from, name))
        try:
            found[_VERSION.sub("V", name)] = _digest(path) if is_compared else ""
        except Exception as error:  # Libraries raise anything for a damaged file.
            raise Damaged(f"{name} is not whole: {type(error).__name__}: {str(error)[:200]}") from error
    return found


def is_leftover(name: str) -> bool:
    """Whether a path is, or lies in, what is written beside its final place, or was moved away from it."""
    return any(part.startswith(".") and _LEFTOVER.search(part) for part in Path(name).parts)


def _digest(path: Path) -> str:
    kind = next((kind for kind in _READERS if re.search(kind, path.as_posix())), None)
    return hashlib.blake2b(_READERS[kind](path) if kind else path.read_bytes(), digest_size=8).hexdigest()


def _h5(path: Path) -> bytes:
    """Settings and weights, without names, which Keras numbers through all nets of a process."""

    def nameless(value):
        if isinstance(value, dict):
            return {key: nameless(inner) for key, inner in value.items() if key != "name"}
        return [nameless(inner) for inner in value] if isinstance(value, list) else value

    with h5py.File(path) as file:
        parts = [json.dumps(nameless(json.loads(file.attrs["model_config"])), sort_keys=True).encode()]
        for layer in file["model_weights"].attrs["layer_names"]:
            group = file["model_weights"][layer]
            parts += [np.asarray(group[weight][()]).tobytes() for weight in group.attrs["weight_names"]]
    return b"\0".join(parts)


def _checkpoint(path: Path) -> bytes:
    """All variables; its index and data are one."""
    from dcgan_tf.common.backend import tf

    reader = tf.train.load_checkpoint(str(path.with_suffix("")))
    names = sorted(set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"})
    if not names:
        raise ValueError("no variables")
    return b"\0".join(part for name in names for part in (name.encode(), np.asarray(reader.get_tensor(name)).tobytes()))


def _graph(path: Path) -> bytes:
    """The names of the signatures: the graph of equal nets may differ in its bytes."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    [graph] = SavedModel.FromString(path.read_bytes()).meta_graphs
    return ",".join(sorted(graph.signature_def)).encode()


def _onnx(path: Path) -> bytes:
    """The weights, whose names and order are not always the same."""
    import onnx

    return b"\0".join(sorted(weight.raw_data for weight in onnx.load(path).graph.initializer))


def _picture(path: Path) -> bytes:
    with Image.open(path) as picture:
        frames = getattr(picture, "n_frames", 1)
        for frame in range(frames):
            picture.seek(frame)
            picture.load()
    return path.read_bytes()


def _json(path: Path) -> bytes:
    """Its values, but for checksums of files, whose bytes may differ where their contents do not."""
    return re.sub(r'"[0-9a-f]{32}"', '""', json.dumps(json.loads(path.read_text()), sort_keys=True)).encode()


def _architecture(path: Path) -> bytes:
    return re.sub(rb'"name": "[^"]*"', b"", path.read_bytes())


def _log(path: Path) -> bytes:
    """The lines without images_per_sec; the last may be torn, where the process was killed."""
    lines = []
    for line in path.read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            lines.append({name: value for name, value in json.loads(line).items() if name != "images_per_sec"})
    return json.dumps(lines).encode()


_READERS = {
    r"\.h5$": _h5,
    r"\.index$": _checkpoint,
    r"\.data-00000-of-00001$": lambda path: b"",  # Read with its index.
    r"saved_model\.pb$": _graph,
    r"fingerprint\.pb$": lambda path: b"",
    r"\.onnx$": _onnx,
    r"\.(png|gif)$": _picture,
    r"(generator|discriminator)\.json$": _architecture,
    r"log\.jsonl$": _log,
    r"\.json$": _json,
}


def whole(folder: Path) -> str | None:
    """What is wrong with a folder in which a process was stopped; None where all that is there is whole."""
    try:
        names = contents(folder)
    except Damaged as damage:
        return str(damage)
    run, best = RunFolder(folder), folder / "best.json"
    if best.exists():
        epoch = json.loads(best.read_text())["epoch"]
        kept = (run.generator(epoch), run.discriminator(epoch), run.saved_model(epoch) / "saved_model.pb")
        if missing := [path.name for path in kept if not path.exists()]:
            return f"best.json names epoch {epoch}, of which {', '.join(missing)} is not there"
    numbers = {int(name.split("/")[1]) for name in names if re.match(r"saved_model/\d+/", name)}
    for number in numbers:
        files = {name.split("/", 2)[2] for name in names if name.startswith(f"saved_model/{number}/")}
        if not {"saved_model.pb", "variables/variables.index", "assets.extra/model_card.json"} <= files:
            return f"saved_model/{number} holds only {', '.join(sorted(files))}"
    return None


def difference(expected: dict[str, str], folder: Path, apart_from: str = "$^") -> str | None:
    """How a folder differs from what it would be without a fault; None where it does not.

    expected: as of `contents`. apart_from: a pattern of paths whose contents may differ.
    """
    try:
        found = contents(folder, apart_from)
    except Damaged as damage:
        return str(damage)
    missing, more = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    other = [name for name in expected if name in found and expected[name] != found[name]]
    other = [name for name in other if not re.search(apart_from, name)]
    parts = {"missing": missing, "left over": more, "other contents": other}
    return "; ".join(f"{what}: {', '.join(names[:4])}" for what, names in parts.items() if names) or None


def printed(code: int | None, stderr: str, usual: str) -> str | None:
    """What is wrong with how a command ended and what it wrote to standard error; None where it is as promised.

    code: None where it did not end. usual: what it writes there where nothing is wrong.
    """
    lines = [line for line in stderr.splitlines() if line.strip() and line not in usual.splitlines()]
    if code is None:
        return "it did not end"
    if never := [line for line in lines if any(word in line for word in NEVER_PRINTED)]:
        return f"exit code {code}, {never[0]} ... {lines[-1][:300]}"
    if code not in (0, 1, 2):
        return f"exit code {code}: {' / '.join(lines)[:300]}"
    errors = [line for line in lines if line.startswith("error: ")]
    if len(lines) != len(errors) or len(errors) != (code != 0):
        return f"exit code {code}, and on standard error: {' / '.join(lines)[:300]}"
    return None
