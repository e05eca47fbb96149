from dataclasses import replace

import numpy as np
import pytest
from support import small_nets
from support.helpers import error_of
from support.settings import settings

from dcgan_tf.common import install
from dcgan_tf.export import convert
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators import checks, runtimes
from dcgan_tf.generators.find import Found
from dcgan_tf.generators.generator import load_keras, open_generator
from dcgan_tf.nets.saved import save_model
from dcgan_tf.pictures.images import to_uint8
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import write_settings

KINDS = "give a run's folder such as checkpoints/paints200, or a generator's .h5 or .keras file"


@pytest.fixture(scope="module")
def generator():
    return small_nets.generator()


@pytest.fixture(scope="module")
def places(generator, tmp_path_factory):
    """The same generator in every form that can be opened."""
    folder = tmp_path_factory.mktemp("places")
    SavedModelWriter(generator, "uniform").write(folder / "squares" / "9", {"latents": {"distribution": "uniform"}})
    (folder / "run").mkdir()
    save_model(generator, folder / "run" / "epoch2_Gmodel.h5")
    write_settings(RunFolder(folder / "run"), settings(latents="uniform"))
    made = {
        "run": folder / "run",
        "h5": folder / "run" / "epoch2_Gmodel.h5",
        "savedmodel": folder / "squares" / "9",
        "versions": folder / "squares",
    }
    generator.save(folder / "net.keras")
    made["keras"] = folder / "net.keras"
    return made


@pytest.mark.parametrize("place", ["run", "h5", "savedmodel", "versions", "keras", "onnx", "tflite"])
def test_every_form_makes_the_same_pictures(place, places, generator, tmp_path):
    if place == "onnx":
        pytest.importorskip("tf2onnx", reason="needs dcgan-tf[export]")
        places = {place: tmp_path / "net.onnx"}
        convert.to_onnx(generator, places[place], {"latents": {"distribution": "uniform"}})
    if place == "tflite":
        pytest.importorskip("ai_edge_litert", reason="needs dcgan-tf[export]")
        places = {place: tmp_path / "net.tflite"}
        convert.to_litert(generator, places[place], {"latents": {"distribution": "uniform"}})
    opened = open_generator(str(places[place]), latents="uniform" if place == "keras" else "auto")
    assert (opened.latent_dim, opened.image_shape, opened.distribution) == (6, (8, 8, 3), "uniform")
    latents = np.random.default_rng(0).uniform(-1, 1, [9, 6]).astype(np.float32)
    images = opened.images(latents)
    wanted = to_uint8(generator(latents, training=False))
    assert images.dtype == np.uint8 and images.shape == wanted.shape
    assert np.abs(images.astype(int) - wanted).max() <= 1
    np.testing.assert_array_equal(opened.images(latents[4:5]), images[4:5])


def classes_net():
    keras, layers = small_nets.keras, small_nets.layers
    latents, labels = keras.Input([6]), keras.Input([1])
    embedded = layers.Flatten()(layers.Embedding(3, 6)(labels))
    hidden = layers.Dense(12, activation="tanh")(layers.Multiply()([latents, embedded]))
    return keras.Model([latents, labels], layers.Reshape([2, 2, 3])(hidden))


@pytest.mark.parametrize("names", [("cat", "dog", "old cat"), ("cat", "dog"), ()])
def test_a_run_names_its_classes_and_so_does_a_file_in_its_folder(names, tmp_path):
    folder = RunFolder(tmp_path)
    classes_net().save(folder.generator(2))
    made = settings()
    write_settings(folder, replace(made, data=replace(made.data, class_names=names)))
    for source in (tmp_path, folder.generator(2)):
        opened = open_generator(str(source), labels=("2", names[0]) if len(names) == 3 else ("2", "0"))
        assert (opened.class_names, opened.labels) == (names if len(names) == 3 else (), (2, 0))
    assert opened.mixes_classes


@pytest.mark.parametrize(
    ("card", "names"),
    [
        ({"labels": {"classes": 3}, "label_names": ["cat", "dog", "old cat"]}, ("cat", "dog", "old cat")),
        ({"labels": {"classes": 3}, "label_names": ["cat", "dog"]}, ()),
        ({"labels": {"classes": 3}, "label_names": {"0": "cat"}}, ()),
        ({"labels": {"classes": 3}}, ()),
    ],
    ids=["named", "too few", "of another form", "unnamed"],
)
def test_a_model_card_names_the_classes(card, names, tmp_path, monkeypatch):
    def exported(path):
        def run(latents, labels):
            return np.zeros([len(latents), 4, 4, 1], np.uint8) + 60 * labels[:, None, None, None].astype(np.uint8)

        run.latent_dim, run.takes_labels = 6, True
        return run

    monkeypatch.setattr(checks, "check", lambda kind, path: None)
    monkeypatch.setattr(checks, "read_card", lambda kind, path: card)
    monkeypatch.setitem(runtimes.RUNTIMES, "onnx", exported)
    (tmp_path / "net.onnx").touch()
    opened = open_generator(str(tmp_path / "net.onnx"), latents="normal", labels=("1", names[2] if names else "2"))
    assert (opened.class_names, opened.labels, opened.mixes_classes) == (names, (1, 2), False)


def test_files_that_are_no_generator_are_one_line(tmp_path):
    (tmp_path / "x.onnx").write_text("no")
    message = error_of(open_generator, str(tmp_path / "x.onnx"))
    assert message.startswith(f"{tmp_path}/x.onnx: is not a generator that runs (") and message.endswith(KINDS)
    save_model(small_nets.discriminator(), tmp_path / "epoch9_Dmodel.h5")
    assert error_of(load_keras, Found("keras", tmp_path / "epoch9_Dmodel.h5", "x")) == (
        f"{tmp_path}/epoch9_Dmodel.h5: is a discriminator: takes 8x8x3 and gives one number; give the file of a generator"
    )


def test_images_of_two_channels_are_refused(tmp_path):
    layers, keras = small_nets.layers, small_nets.keras
    keras.Sequential([keras.Input([4]), layers.Dense(8), layers.Reshape([2, 2, 2])]).save(tmp_path / "two.keras")
    assert error_of(open_generator, str(tmp_path / "two.keras")) == (
        f"{tmp_path}/two.keras: makes images of 2 channels, not 1 or 3; give another net"
    )


def test_a_net_that_has_become_nan_is_one_line(tmp_path):
    broken = small_nets.generator()
    broken.set_weights([np.full_like(weight, np.nan) for weight in broken.get_weights()])
    save_model(broken, tmp_path / "nan.h5")
    assert error_of(open_generator, str(tmp_path / "nan.h5")) == (
        f"{tmp_path}/nan.h5: has weights that are no numbers (NaN); give an earlier epoch"
    )


@pytest.mark.parametrize(
    "error, words",
    [
        (ImportError(name="onnxruntime"), 'needs onnxruntime: pip install "onnxruntime>=1.20,<2"'),
        (ImportError(name="onnxruntime.capi"), 'needs onnxruntime: pip install "onnxruntime>=1.20,<2"'),
        (ImportError("DLL load failed"), 'needs onnxruntime: pip install "onnxruntime>=1.20,<2"'),
    ],
)
def test_without_its_runtime_the_command_that_installs_it_is_told(error, words, tmp_path, monkeypatch):
    def missing(path):
        raise error

    monkeypatch.setattr(install, "_pip", lambda: "pip")
    monkeypatch.setattr(checks, "check", lambda kind, path: None)
    monkeypatch.setitem(runtimes.RUNTIMES, "onnx", missing)
    (tmp_path / "net.onnx").write_bytes(b"net")
    assert error_of(open_generator, str(tmp_path / "net.onnx")) == f"{tmp_path / 'net.onnx'}: {words}"
