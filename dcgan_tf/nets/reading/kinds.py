"""What a file that should hold a net is, by its first bytes and its parts, and what to do where it holds none."""

import json
import zipfile
from enum import Enum
from pathlib import Path

import h5py

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.nets.hdf5 import kind_in
from dcgan_tf.nets.limits import MAX_SETTINGS_BYTES
from dcgan_tf.nets.pytorch.safetensors import is_safetensors
from dcgan_tf.nets.reading.archive import SETTINGS, WEIGHTS
from dcgan_tf.nets.reading.checkpoint import SAVED_MODEL_GRAPH, checkpoint_prefix

_HEAD_BYTES = 512
_SHOWN_MEMBERS = 3


class Kind(Enum):
    """A kind of file that a net can be made of, with its name for people."""

    H5 = "a net in the .h5 format"
    KERAS = "a net in the .keras format"
    H5_WEIGHTS = "weights alone in the .h5 format"
    TREE_WEIGHTS = "weights alone in the .weights.h5 format"
    CHECKPOINT = "a checkpoint of TensorFlow, which holds weights alone"
    TORCH = "tensors of PyTorch"
    SAFETENSORS = "tensors in the safetensors format"

    @property
    def is_weights_alone(self) -> bool:
        return self in (Kind.H5_WEIGHTS, Kind.TREE_WEIGHTS, Kind.CHECKPOINT)

    @property
    def is_of_torch(self) -> bool:
        return self in (Kind.TORCH, Kind.SAFETENSORS)


# What files with other first bytes are, and what would be right.
_OTHERS = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the file itself: fetch it with: git lfs pull"),
    (b"\x1f\x8b", "is a gzip archive: unpack it first, and give the file in it"),
    (b"\x89PNG", "is a picture: give the file of a net"),
    (b"\xff\xd8\xff", "is a picture: give the file of a net"),
    (b"GIF8", "is a picture: give the file of a net"),
    (b"\x93NUMPY", "is an array of NumPy: give the file of a net, or with it --data or its weights as .h5"),
)
_NO_NET = "is no file of a net: give one saved with model.save, .h5 or .keras, or the tensors of PyTorch, .pth or .safetensors"


def kind_of(path) -> Kind:
    """What a file, or a checkpoint of TensorFlow by the name that its files share, is. Nothing of it is run.

    Raises:
        OSError: it cannot be read, or is no regular file.
        UserError: it is nothing that a net can be made of; the message is to be put after its name.
    """
    path = Path(path)
    if checkpoint_prefix(path) is not None:
        return Kind.CHECKPOINT
    if path.is_dir():
        raise UserError(_folder_words(path))
    if not path.exists():
        raise UserError("there is no such file; give a net saved with model.save, .h5 or .keras")
    with open_regular(path) as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise UserError("is empty: copy it again, or give another")
    if zipfile.is_zipfile(path) and head.startswith(b"PK"):
        return _kind_of_zip(path)
    if h5py.is_hdf5(path):
        return _kind_of_hdf5(path)
    if is_safetensors(head, path.stat().st_size):
        return Kind.SAFETENSORS
    if head.startswith(b"\x80") and head[1:2] in b"\x02\x03\x04\x05":
        return Kind.TORCH  # A pickle; `pytorch.pickles` refuses those that hold anything but tensors.
    raise UserError(_words(head, path))


def _kind_of_zip(path: Path) -> Kind:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if SETTINGS in names and WEIGHTS in names:
        return Kind.KERAS
    if any(name.endswith("data.pkl") for name in names):
        return Kind.TORCH
    if any(name.endswith(SAVED_MODEL_GRAPH) for name in names):
        raise UserError("is a ZIP archive of a SavedModel: unpack it, and give the folder that holds saved_model.pb")
    shown = ", ".join(printable(name) for name in names[:_SHOWN_MEMBERS]) or "nothing"
    more = f" and {len(names) - _SHOWN_MEMBERS:,} more" if len(names) > _SHOWN_MEMBERS else ""
    raise UserError(
        f"is a ZIP archive that is no .keras file (it holds {shown}{more}): unpack it, and give the net that is in it"
    )


def _kind_of_hdf5(path: Path) -> Kind:
    with h5py.File(path, "r") as file:
        kind = kind_in(file)
        if kind is not None:
            return {"net": Kind.H5, "weights": Kind.H5_WEIGHTS, "tree": Kind.TREE_WEIGHTS}[kind]
        held = ", ".join(printable(name) for name in list(file)[:_SHOWN_MEMBERS]) or "nothing"
    raise UserError(f"is an HDF5 file that holds no net (it holds {held}): give one saved with model.save")


def _words(head: bytes, path: Path) -> str:
    for start, words in _OTHERS:
        if head.startswith(start):
            return words
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "is an HTML page, not the file: download the file itself (on GitHub: Download raw file)"
    if head.startswith(b"PK"):
        return "is a .keras or ZIP file that is cut short: copy it again"
    if head.startswith(b"\x89HDF"):
        return "is an .h5 file that is cut short: copy it again"
    if head[4:8] == b"TFL3":
        return "is a LiteRT file: give it a name that ends in .tflite"
    if is_settings(path):
        return "holds the settings of a net (model.to_json) without its weights: give the file of the weights, and --net this one"
    if path.suffix == ".pb":
        return "is the graph of a SavedModel or a frozen one: give the folder that holds saved_model.pb"
    return _NO_NET


def is_settings(path: Path) -> bool:
    """Whether a file is JSON as `model.to_json` gives it."""
    try:
        with open_regular(path) as file:
            if not file.read(_HEAD_BYTES).lstrip().startswith(b"{"):
                return False
            file.seek(0)
            raw = json.loads(file.read(MAX_SETTINGS_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(raw, dict) and "class_name" in raw and "config" in raw


def _folder_words(path: Path) -> str:
    if (path / SAVED_MODEL_GRAPH).exists():
        return (
            "is the folder of a SavedModel, which is a program and is never loaded where its layers are needed: give the "
            "same net saved as .h5 or .keras"
        )
    return "is a folder; give a net saved with model.save as one file, .h5 or .keras"
