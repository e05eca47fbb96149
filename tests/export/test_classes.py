"""A generator that draws classes is exported with an input for them, in every format, and draws the same everywhere."""

import json

import numpy as np
import pytest
from support.helpers import error_of
from support.small_nets import shake

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.commands import ExportConfig
from dcgan_tf.export.command import export
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.runtimes import SavedModel

layers = keras.layers


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A net that takes the class first, by its number, and ends in a sigmoid."""
    latents, labels = keras.Input([6], name="noise"), keras.Input([1], name="digit")
    embedded = layers.Flatten()(layers.Embedding(3, 6)(labels))
    hidden = layers.Dense(48)(layers.Multiply()([latents, embedded]))
    net = shake(keras.Model([labels, latents], layers.Activation("sigmoid")(layers.Reshape([4, 4, 3])(hidden))))
    path = tmp_path_factory.mktemp("source") / "cgan.h5"
    net.save(path)
    return path


@pytest.fixture(scope="module")
def exported(source, tmp_path_factory):
    for package in ("tensorflow_serving", "tf2onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(package, reason="needs dcgan-tf[export]")
    out = tmp_path_factory.mktemp("exported") / "digits"
    config = ExportConfig(
        str(source), str(out), formats=("savedmodel", "onnx", "litert"), inputs=("latents", "seeds"), latents="normal"
    )
    assert export(config) == 0
    return out


def test_the_card_says_the_classes(exported):
    card = json.loads((exported / "1" / "assets.extra" / "model_card.json").read_text())
    assert card["labels"] == {"classes": 3}
    assert card["signatures"]["generate"]["inputs"]["labels"] == {
        "dtype": "int32", "shape": ["N"], "values": "0..2, the class",
    }  # fmt: skip
    assert card["signatures"]["generate"]["example"] == {
        "signature_name": "generate", "inputs": {"seeds": [1, 2], "labels": [0, 1]},
    }  # fmt: skip


@pytest.mark.parametrize("file", ["1", "digits-1.onnx", "digits-1.tflite"])
def test_every_format_draws_the_classes_that_are_asked_for(exported, source, file):
    latents = np.random.default_rng(0).normal(size=[6, 6]).astype(np.float32)
    labels = np.array([2, 0, 1, 2, 2, 0], np.int32)
    net = keras.models.load_model(source, compile=False)
    levels = np.rint(255 * net([labels[:, None], latents], training=False).numpy())
    opened = open_generator(str(exported / file))
    assert (opened.classes, opened.labels, opened.distribution) == (3, (0, 1, 2), "normal")
    assert np.abs(opened.images(latents, labels) - levels).max() <= 1


def test_a_seed_and_a_class_are_a_picture(exported, source):
    served, opened = SavedModel(str(exported / "1")), open_generator(str(source), latents="normal")
    seeds, labels = np.array([7, 8, 9], np.int32), np.array([1, 1, 0], np.int32)
    made = served.run("generate", {"seeds": seeds, "labels": labels})
    np.testing.assert_array_equal(made["images"], opened.images(made["latents"], labels))
    assert tf.io.decode_png(
        served.run("generate_png", {"seeds": seeds[:1], "labels": labels[:1]})["image_bytes"][0]
    ).shape == [4, 4, 3]
    between = served.run(
        "interpolate", {"seeds_a": seeds[:1], "seeds_b": seeds[1:2], "t": np.zeros(1, np.float32), "labels": labels[:1]}
    )
    np.testing.assert_array_equal(between["images"], made["images"][:1])


def test_clients_let_the_classes_take_turns(exported):
    for client in ("client.py", "client_grpc.py"):
        assert 'CLASSES = int("3")' in (exported / client).read_text()


def test_a_discriminator_of_classes_cannot_score(source, tmp_path):
    image, label = keras.Input([4, 4, 3]), keras.Input([1])
    joined = layers.Concatenate()([layers.Flatten()(image), layers.Flatten()(layers.Embedding(3, 4)(label))])
    keras.Model([image, label], layers.Dense(1)(joined)).save(tmp_path / "d.h5")
    config = ExportConfig(str(source), str(tmp_path / "out"), discriminator=str(tmp_path / "d.h5"))
    assert error_of(export, config) == (
        f"{tmp_path}/d.h5: holds a net with branches, as nets of classes have them; only one layer after the other, from one "
        "input to one output, can be trained"
    )
