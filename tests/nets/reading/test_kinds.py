"""Each kind of file is told by its content, and what holds no net is told in one line with what would be right."""

import gzip
import io
import json
import os
import pickle
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of

from dcgan_tf.config.net_file import NetFile
from dcgan_tf.nets.opening import open_net
from dcgan_tf.nets.reading.kinds import Kind, checkpoint_prefix, kind_of
from dcgan_tf.nets.saved import load_net

SETTINGS = json.dumps({"class_name": "Sequential", "config": {"name": "net", "layers": []}})
NO_NET = "is no file of a net: give one saved with model.save, .h5 or .keras, or the tensors of PyTorch, .pth or .safetensors"


def picture(kind: str) -> bytes:
    content = io.BytesIO()
    Image.new("L", [4, 4]).save(content, kind)
    return content.getvalue()


def array() -> bytes:
    content = io.BytesIO()
    np.save(content, np.zeros([2, 2]))
    return content.getvalue()


def packed(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return content.getvalue()


def hdf5(*names: str) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name in names:
            file[name] = [1.0]
    return content.getvalue()


# Files that hold no net


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("g.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
         "is a Git LFS pointer, not the file itself: fetch it with: git lfs pull"),
        ("g.h5", b"\n <!DOCTYPE html>\n<html>", "is an HTML page, not the file: download the file itself (on GitHub: Download raw file)"),
        ("g.h5", b"<HTML lang=en>", "is an HTML page, not the file: download the file itself (on GitHub: Download raw file)"),
        ("g.h5", b"", "is empty: copy it again, or give another"),
        ("g.h5.gz", gzip.compress(b"x", mtime=0), "is a gzip archive: unpack it first, and give the file in it"),
        ("g.h5", picture("PNG"), "is a picture: give the file of a net"),
        ("g.h5", picture("JPEG"), "is a picture: give the file of a net"),
        ("g.h5", picture("GIF"), "is a picture: give the file of a net"),
        ("g.npy", array(), "is an array of NumPy: give the file of a net, or with it --data or its weights as .h5"),
        ("g.zip", packed("a", "b/c", "d", "e", "f"),
         "is a ZIP archive that is no .keras file (it holds a, b/c, d and 2 more): unpack it, and give the net that is in it"),
        ("g.keras", packed("config.json"),
         "is a ZIP archive that is no .keras file (it holds config.json): unpack it, and give the net that is in it"),
        ("g.zip", packed("net/saved_model.pb", "net/variables/variables.index"),
         "is a ZIP archive of a SavedModel: unpack it, and give the folder that holds saved_model.pb"),
        ("g.h5", hdf5("x_train", "y_train"),
         "is an HDF5 file that holds no net (it holds x_train, y_train): give one saved with model.save"),
        ("g.h5", hdf5(), "is an HDF5 file that holds no net (it holds nothing): give one saved with model.save"),
        ("g.h5", hdf5("x")[:5], "is an .h5 file that is cut short: copy it again"),
        ("g.keras", packed("config.json", "model.weights.h5")[:60], "is a .keras or ZIP file that is cut short: copy it again"),
        ("g.bin", b"\x1c\0\0\0TFL3" + bytes(20), "is a LiteRT file: give it a name that ends in .tflite"),
        ("g.json", SETTINGS.encode(),
         "holds the settings of a net (model.to_json) without its weights: give the file of the weights, and --net this one"),
        ("graph.pb", b"\x08\x01", "is the graph of a SavedModel or a frozen one: give the folder that holds saved_model.pb"),
        ("g.h5", b"a few words", NO_NET),
        ("list.json", b"[1, 2]", NO_NET),
    ],
    # Archives hold the time at which they are made, which must not be a part of a test's name.
    ids=lambda value: "content" if isinstance(value, bytes) else None,
)  # fmt: skip
def test_what_holds_no_net(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    assert error_of(kind_of, path) == words
    assert error_of(load_net, path) == f"{path}: {words}"
    assert error_of(open_net, path, "generator") == f"{path}: {words}"


def test_folders_and_what_is_not_there(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "saved" / "stray.index").write_bytes(b"")
    assert error_of(load_net, tmp_path / "saved") == (
        f"{tmp_path}/saved: is the folder of a SavedModel, which is a program and is never loaded where its layers are "
        "needed: give the same net saved as .h5 or .keras"
    )
    assert error_of(load_net, tmp_path) == (
        f"{tmp_path}: is a folder; give a net saved with model.save as one file, .h5 or .keras"
    )
    assert error_of(load_net, tmp_path / "none.h5") == (
        f"{tmp_path}/none.h5: there is no such file; give a net saved with model.save, .h5 or .keras"
    )


@pytest.mark.parametrize("file", ["k209_channels_first_discriminator.h5", "tf215_clip_discriminator.keras"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_truncated_net(old, tmp_path, file, share):
    content = old.path(file).read_bytes()
    path = tmp_path / file
    path.write_bytes(content[: int(len(content) * share)])
    message = error_of(load_net, path)
    if path.suffix == ".keras":
        assert message == f"{path}: is a .keras or ZIP file that is cut short: copy it again"
    else:
        assert message.startswith(f"{path}: cannot be read (OSError: ")
        assert message.endswith("; it may be damaged: give a net saved with model.save, .h5 or .keras")


class Trap:
    def __reduce__(self):
        return (open, ("trap_was_here", "w"))


def test_a_pickle_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.pkl"
    path.write_bytes(pickle.dumps(Trap(), protocol=4))
    assert kind_of(path) is Kind.TORCH
    assert error_of(load_net, path) == (
        f"{path}: holds tensors of PyTorch, not a whole net; give one saved with model.save, .h5 or .keras"
    )
    assert error_of(open_net, path, "generator").startswith(f"{path}: ")
    assert [file.name for file in tmp_path.iterdir()] == ["net.pkl"]


# Files that do


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("k122_sigmoid_generator.h5", Kind.H5),
        ("tf212_leaky_inside.keras", Kind.H5),  # TensorFlow 2.12 wrote HDF5 under this name.
        ("tf212_cgan_multiply_zip.keras", Kind.KERAS),
        ("tf215_clip_discriminator.keras", Kind.KERAS),
        ("k122_tanh_nested_frozen_weights.h5", Kind.H5_WEIGHTS),
        ("k222_sigmoid_generator_weights.h5", Kind.H5_WEIGHTS),
        ("tf213_sigmoid_generator.weights.h5", Kind.TREE_WEIGHTS),
        ("tf213_tanh_nested_frozen.weights.h5", Kind.TREE_WEIGHTS),
        ("tf215_tanh_nested_frozen_ckpt", Kind.CHECKPOINT),
        ("tf215_tanh_nested_frozen_ckpt/ckpt", Kind.CHECKPOINT),
        ("tf215_tanh_nested_frozen_ckpt/ckpt.index", Kind.CHECKPOINT),
        ("tf215_tanh_nested_frozen_ckpt/ckpt.data-00000-of-00001", Kind.CHECKPOINT),
        ("tf23_dcgan_checkpoint", Kind.CHECKPOINT),
    ],
)
def test_the_kind_of_each_sound_file(old, file, kind):
    assert kind_of(old.path(file)) is kind
    assert kind.is_weights_alone == (kind not in (Kind.H5, Kind.KERAS))
    assert not kind.is_of_torch


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (packed("archive/data.pkl", "archive/version"), Kind.TORCH),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", Kind.TORCH),
        (b"\x02\0\0\0\0\0\0\0{}", Kind.SAFETENSORS),
    ],
    ids=lambda value: "content" if isinstance(value, bytes) else None,
)
def test_tensors_of_pytorch(tmp_path, content, kind):
    (tmp_path / "net").write_bytes(content)
    assert kind_of(tmp_path / "net") is kind
    assert kind.is_of_torch
    assert not kind.is_weights_alone


def test_the_name_says_nothing(old, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(old.path("tf215_clip_discriminator.keras").read_bytes())
    assert kind_of(path) is Kind.KERAS


def test_the_newest_of_several_checkpoints(tmp_path):
    assert checkpoint_prefix(tmp_path) is None
    for number, name in enumerate(["ckpt-9", "ckpt-10", "ckpt-8"]):
        (tmp_path / f"{name}.index").write_bytes(b"")
        time = 1_000_000_000 + number
        os.utime(tmp_path / f"{name}.index", (time, time))
    assert checkpoint_prefix(tmp_path) == f"{tmp_path}/ckpt-8"
    assert checkpoint_prefix(tmp_path / "ckpt-10") == f"{tmp_path}/ckpt-10"
    assert checkpoint_prefix(tmp_path / "ckpt-11") is None


def test_settings_that_are_given_for_weights_must_be_of_a_net(old, tmp_path):
    weights = old.path("k222_sigmoid_generator_weights.h5")
    (tmp_path / "words.json").write_text("{}")
    assert error_of(open_net, weights, "generator", NetFile(net=str(tmp_path / "words.json"))) == (
        f"{weights}: {tmp_path}/words.json: {NO_NET}"
    )
    assert error_of(open_net, weights, "generator", NetFile(net=str(weights))) == (
        f"{weights}: {weights}: holds weights alone in the .h5 format, not the settings of a net: give the JSON of "
        "model.to_json, or a whole net"
    )
