"""What is looked at in an exported generator before a runtime opens it, and the checksums that exports carry.

A runtime trusts its file: onnxruntime reads the other files that it names, and all of them draw other pictures, without a
word, after a bit has changed. An ONNX or LiteRT file of ours ends in a checksum of all before it; the model card of a
SavedModel holds those of its files. Every export carries its model card.
"""

import contextlib
import hashlib
import io
import json
import os
import stat
import zipfile
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.install import install_command, package_of
from dcgan_tf.common.memory import free_bytes
from dcgan_tf.common.reading import checksum, open_regular, read_json
from dcgan_tf.common.seals import checksum_of
from dcgan_tf.common.text import size_text
from dcgan_tf.nets.words import reason

CARD_NAME = "model_card.json"
GRAPH, VARIABLES, CARD = "saved_model.pb", "variables", f"assets.extra/{CARD_NAME}"
MAX_FILES = 10_000  # in the folder of a SavedModel
# Of a card in an archive, where few bytes may stand for many; latents of the examples make most of it.
MAX_CARD_BYTES = 10_000_000
# Protocol Buffers read a message in several parts as one, so these bytes add {"checksum": 32 digits} to the metadata of
# an ONNX file. What follows the tables of a .tflite file is ignored.
_SEAL_HEAD, _DIGITS = b"r\x2c\n\x08checksum\x12\x20", 32
DAMAGED = "is damaged (its checksum is wrong): copy it again, or export it again"


_PACKAGES = {"savedmodel": "tensorflow", "onnx": "onnxruntime", "litert": "ai_edge_litert"}


@contextlib.contextmanager
def told_in_a_line(kind: str, shown: str, otherwise: str):
    """Turns whatever opening an exported generator raises into a UserError that begins with `shown`.

    kind: one of `runtimes.RUNTIMES`. otherwise: what is wrong where a library does not understand the file, with {} for its
    reason.
    """
    try:
        yield
    except UserError as error:
        raise UserError(f"{shown}: {error}") from error
    except ImportError as error:
        package = package_of(error.name or _PACKAGES[kind])
        raise UserError(f"{shown}: needs {package}: {install_command([package])}") from error
    except Exception as error:  # Each library has errors of its own.
        raise UserError(f"{shown}: {otherwise.format(reason(error))}") from error


def sealed(content: bytes) -> bytes:
    """The content of an ONNX or LiteRT file, with its checksum at the end."""
    return content + _SEAL_HEAD + _digest(content)


def litert_with_card(content: bytes, card: dict) -> bytes:
    """The content of a LiteRT file, with its model card and its checksum at the end.

    The card lies in a ZIP archive behind the tables, as TensorFlow's own tools keep further files in a .tflite: `unzip`
    shows it. The checksum is the comment of the archive.
    """
    buffer = io.BytesIO(content)
    seal = bytes(len(_SEAL_HEAD) + _DIGITS)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(zipfile.ZipInfo(CARD_NAME), json.dumps(card))
        archive.comment = seal
    return sealed(buffer.getvalue()[: -len(seal)])


def card_with_checksums(folder: Path, card: dict) -> dict:
    """The model card of the SavedModel in a folder, with the checksums of the SavedModel's files and of its own rest."""
    folder = Path(folder)
    files = [folder / GRAPH, *sorted((folder / VARIABLES).glob("*"))]
    sums = {path.relative_to(folder).as_posix(): checksum(path) for path in files if path.exists()}
    return card | {"checksums": sums | {CARD: checksum_of(card)}}


def check(kind: str, path: Path) -> None:
    """Looks at a generator before one of `runtimes.RUNTIMES`, named by `kind`, opens it.

    Raises:
        OSError: it cannot be read, or is no regular file.
        UserError: it refers to other files, is damaged, or larger than the memory; the message is to be put after its
            name.
        Exception: of the library that reads the file.
    """
    if kind == "savedmodel":
        _check_savedmodel(path)
        return
    content = _unsealed(path)
    if kind == "onnx":
        _check_onnx(content)


def read_card(kind: str, path: Path) -> dict:
    """The model card of an exported generator; {} where it has none.

    kind: one of `runtimes.RUNTIMES`. path: of its file, or of the folder of a SavedModel.

    Raises:
        UserError: it is damaged; the message is to be put after the name of the file or folder.
        Exception: of the library that reads the file.
    """
    try:
        card = _CARDS[kind](Path(path))
    except (OSError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        shown = CARD if kind == "savedmodel" else "model card"
        raise UserError(f"its {shown} cannot be read: copy it again, or delete it") from error
    return card if isinstance(card, dict) else {}


def _savedmodel_card(folder: Path):
    try:
        return read_json(folder / CARD)
    except FileNotFoundError:
        return {}


def _onnx_card(path: Path):
    import onnx

    properties = onnx.load_model_from_string(_unsealed(path)).metadata_props
    return next((json.loads(item.value) for item in properties if item.key == "model_card"), {})


def _litert_card(path: Path):
    content = io.BytesIO(_unsealed(path))
    if not zipfile.is_zipfile(content):
        return {}
    with zipfile.ZipFile(content) as archive:
        held = next((item for item in archive.infolist() if item.filename == CARD_NAME), None)
        if held is None:
            return {}
        if held.file_size > MAX_CARD_BYTES:
            raise ValueError("it is too large")
        return json.loads(archive.read(held))


_CARDS = {"savedmodel": _savedmodel_card, "onnx": _onnx_card, "litert": _litert_card}


def _check_savedmodel(folder: Path) -> None:
    card = read_card("savedmodel", folder)
    sums = card.pop("checksums", None)
    sums = sums if isinstance(sums, dict) else {}
    for name in _files(folder):
        saved = sums.get(name)
        if saved is not None and saved != (checksum_of(card) if name == CARD else checksum(folder / name)):
            raise UserError(f"its {printable(name)} {DAMAGED}")


def _files(folder: Path) -> list[str]:
    """The files in a SavedModel's folder, by their names relative to it, with "/"; all are regular, and lie there."""
    root, found = folder.resolve(), []
    for place, folders, files in os.walk(root):
        for path in (Path(place) / name for name in (*folders, *files)):
            name = path.relative_to(root).as_posix()
            found.append(name)
            if len(found) > MAX_FILES:
                raise UserError(f"holds over {MAX_FILES:,} files, more than any SavedModel")
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise UserError(f"its {printable(name)} leads out of the folder: copy the file itself there")
            if not stat.S_ISDIR(path.stat().st_mode) and not stat.S_ISREG(path.stat().st_mode):
                raise UserError(f"its {printable(name)} is not a regular file")
    return found


def _unsealed(path: Path) -> bytes:
    """The content of a file without its checksum, which is compared where there is one."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > free_bytes():
            raise UserError(
                f"takes {size_text(size)}, and {size_text(free_bytes())} of memory are free: give a smaller net"
            )
        content = file.read()
    end = len(content) - _DIGITS
    start = end - len(_SEAL_HEAD)
    if start < 0 or content[start:end] != _SEAL_HEAD:
        return content
    if _digest(content[:start]) != content[end:]:
        raise UserError(DAMAGED)
    return content[:start]


def _check_onnx(content: bytes) -> None:
    """Refuses a model that has data in other files, wherever in it the tensor may be."""
    import onnx

    waiting = [onnx.load_model_from_string(content)]
    while waiting:
        message = waiting.pop()
        if isinstance(message, onnx.TensorProto):
            if message.external_data or message.data_location == onnx.TensorProto.EXTERNAL:
                raise UserError(
                    f"its tensor {printable(message.name)} lies in another file, which could be any file of this machine: "
                    "save it as one file"
                )
            continue
        for field, value in message.ListFields():
            if field.message_type is not None:
                waiting += value if field.is_repeated else [value]


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGITS // 2).hexdigest().encode()
