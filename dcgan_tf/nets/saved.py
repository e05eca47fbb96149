"""Nets in files: written as .h5 for plain Keras 3; read from .h5 and .keras of Keras 1.2 to 3, also of TensorFlow 2.0 to 2.15.

Keras 3 by itself fails on most .h5 files of old versions, and a file may hold program code (a Lambda layer) that
runs as it is loaded. This module therefore treats a file as data: it makes each layer from a fixed table of Keras
classes, with plain values as settings, and never calls Keras's own deserialization.
"""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.nets.hdf5 import GROUP, add_checksum, open_hdf5
from dcgan_tf.nets.limits import built
from dcgan_tf.nets.reading.archive import METADATA, SETTINGS, extract_weights, read_member
from dcgan_tf.nets.reading.dialects import Version, says_channels_first
from dcgan_tf.nets.reading.graph import Graph, graph_of, parts_of
from dcgan_tf.nets.reading.kinds import Kind, is_settings, kind_of
from dcgan_tf.nets.reading.layouts import with_channels_last
from dcgan_tf.nets.reading.making import Made, make_net
from dcgan_tf.nets.reading.settings import NetSettings, net_settings, parse
from dcgan_tf.nets.reading.training import note_what_is_left_out
from dcgan_tf.nets.reading.weights import assign_h5, assign_tree
from dcgan_tf.nets.words import reason


def save_model(model: keras.Model, path):
    """Writes the net, without an optimizer, as .h5 that `keras.models.load_model(path, compile=False)` loads anywhere.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    # In memory, because HDF5 tells of a disk that fails with errors of its own, some only as the file is closed.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        keras.src.legacy.saving.legacy_h5_format.save_model_to_hdf5(model, file, include_optimizer=False)
        add_checksum(file)
    with whole_file(path) as beside:
        beside.write_bytes(content.getbuffer())


def load_model(path) -> keras.Sequential:
    """Loads the net in an .h5 or .keras file, in float32 and not compiled; a functional model becomes a Sequential.

    As `load_net`, for nets of one layer after the other, which alone can be trained.

    Raises:
        UserError: as `load_net`; or the net has branches.
    """
    return told(path, lambda file: _chain(_load(file)))


def load_net(path, part: str | None = None) -> keras.Model:
    """Loads the net in an .h5 or .keras file, in float32 and not compiled: a Sequential where it is one layer after the
    other, else a functional model.

    The layers of nested nets become layers of the net itself, and images of [C, H, W] become [H, W, C]. Initializers are
    left out, because the weights are in the file. No code of the file is ever run.

    part: "generator" or "discriminator" of a whole GAN.

    Raises:
        UserError: there is no such file, or it holds no whole net of layers of `ALLOWED_LAYERS`; its checksum is wrong;
            it refers to other files, or does not fit into the memory.
    """
    return told(path, lambda file: _load(file, part))


def parts_in(path) -> tuple[str, ...]:
    """The parts of a whole GAN in a file: ("generator", "discriminator"), or () where it is none.

    Raises:
        UserError: as in `load_net`.
    """
    return told(path, lambda file: tuple(parts_of(graph_of(_settings_in(file)))))


def settings_of(source: str | Path) -> NetSettings:
    """The settings of a net: the text of `model.to_json`, or a file of it, or a whole net.

    Raises:
        UserError: as in `load_net`.
    """
    if isinstance(source, Path):
        return told(source, _settings_in)
    raw = parse(source)
    return net_settings(raw, Version.of(raw.get("keras_version", 3)))


def version_of(path: Path) -> str:
    """The version of Keras that wrote a whole net, as the file says it; "" where it does not."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return str(json.loads(read_member(archive, METADATA)).get("keras_version", ""))
    with open_hdf5(path) as file:
        version = file.attrs.get("keras_version", "")
        return version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version)


def make_settings(net: NetSettings) -> tuple[keras.Model, Made]:
    """(the net of some settings, its layers), with fresh weights."""
    return _make(_graph(net))


def net_of(settings: str) -> keras.Model:
    """The net of which `net.to_json()` gave these settings, float32, with fresh weights. No code of theirs is ever run.

    Raises:
        UserError: they are of no net of layers of `ALLOWED_LAYERS`, or it does not fit into the memory.
    """
    try:
        return make_settings(settings_of(settings))[0]
    except UserError:
        raise
    except Exception as error:  # json and Keras raise almost anything for damaged settings.
        raise UserError(f"is damaged ({type(error).__name__}: {reason(error)})") from error


def told(path, load):
    """What `load` makes of a file, with the file's name before whatever is wrong with it."""
    path = Path(path)
    try:
        return load(path)
    except UserError as error:
        raise UserError(f"{printable(path)}: {error}") from error.__cause__
    except Exception as error:  # json, zipfile, h5py and Keras raise almost anything for damaged files and settings.
        raise UserError(
            f"{printable(path)}: cannot be read ({type(error).__name__}: {reason(error)}); "
            "it may be damaged: give a net saved with model.save, .h5 or .keras"
        ) from error


def _load(path: Path, part: str | None = None) -> keras.Model:
    kind = kind_of(path)
    if kind is Kind.KERAS:
        return _load_keras(path, part)
    if kind is Kind.H5:
        return _load_h5(path, part)
    raise UserError(f"holds {kind.value}, not a whole net; give one saved with model.save, .h5 or .keras")


def _load_h5(path, part):
    with open_hdf5(path) as file:
        net, version = _settings_of_h5(file)
        if "training_config" in file.attrs:
            note_what_is_left_out(json.loads(file.attrs["training_config"]))
        model, layers = _make(_graph(net, part))
        assign_h5(file[GROUP], net, layers, version)
    return model


def _load_keras(path, part):
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
        net, compiled = _settings_of_keras(archive)
        note_what_is_left_out(compiled)
        model, layers = _make(_graph(net, part))
        with open_hdf5(extract_weights(archive, model, folder)) as weights:
            assign_tree(weights, net, layers)
    return model


def _settings_in(path: Path) -> NetSettings:
    """The settings of the net in a file: JSON, .h5 or .keras."""
    if is_settings(path):
        return settings_of(path.read_text(encoding="utf-8"))
    kind = kind_of(path)
    if kind is Kind.KERAS:
        with zipfile.ZipFile(path) as archive:
            return _settings_of_keras(archive)[0]
    if kind is Kind.H5:
        with open_hdf5(path) as file:
            return _settings_of_h5(file)[0]
    raise UserError(f"holds {kind.value}, not the settings of a net: give the JSON of model.to_json, or a whole net")


def _settings_of_h5(file: h5py.File) -> tuple[NetSettings, Version]:
    """(the net, the Keras that wrote it)"""
    raw = parse(file.attrs["model_config"])
    # Keras before 1.2 wrote no version.
    saved_by = file.attrs.get("keras_version", raw.get("keras_version", 1))
    version = Version.of(saved_by, file.attrs.get("backend", raw.get("backend", "tensorflow")))
    if version.major < 2 and says_channels_first(raw):
        note(
            "this file of Keras 1 does not say whether Theano or TensorFlow computed: TensorFlow is taken; if the pictures are "
            "jumbled, it was Theano, and the net has to be saved with Keras 2 first"
        )
    return net_settings(raw, version), version


def _settings_of_keras(archive: zipfile.ZipFile) -> tuple[NetSettings, object]:
    """(the net, how it was compiled)"""
    raw = parse(read_member(archive, SETTINGS))
    version = Version.of(json.loads(read_member(archive, METADATA)).get("keras_version", 3))
    return net_settings(raw, version), raw.get("compile_config")


def _graph(net: NetSettings, part: str | None = None) -> Graph:
    graph = graph_of(net)
    if part is not None:
        parts = parts_of(graph)
        if not parts:
            raise UserError(
                "is no whole GAN, of a generator and a discriminator as nets within a net: leave --part out"
            )
        graph = parts[part]
    return with_channels_last(graph)


def _chain(net: keras.Model) -> keras.Sequential:
    if not isinstance(net, keras.Sequential):
        raise UserError(
            "holds a net with branches; only one layer after the other, from one input to one output, loads"
        )
    return net


def _make(graph: Graph) -> tuple[keras.Model, Made]:
    """(the net, its layers), with fresh weights."""
    layers: Made = {}

    def build():
        net, of_entries = make_net(graph)
        layers.clear()
        layers.update(of_entries)
        return net

    return built(build), layers
