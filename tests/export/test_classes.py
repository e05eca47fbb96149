"""A net of other people that draws classes is exported with an input for them, in every format; it draws the same everywhere,
and refuses labels that are no class."""

import json

import numpy as np
import pytest
from support.checked_here import checked_here
from support.helpers import error_of
from support.small_nets import shake

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.commands import ExportConfig
from dcgan_tf.export import convert
from dcgan_tf.export.command import export
from dcgan_tf.export.job import prepare
from dcgan_tf.generators import checks
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.runtimes import LiteRT, Onnx, OnnxFile, SavedModel, SavedModelSession

layers = keras.layers
BEYOND = (3, -1, -3, 2**31 - 1, -(2**31))  # None of the classes 0, 1 and 2. An embedding alone would take -1 for 2.
LABELS = {"dtype": "int32", "shape": ["N"], "values": "0..2, the class; any other is refused"}


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    """The files of a generator that takes the class first, by its number, and makes images in 0..1; and of a discriminator
    of such images that takes a one-hot vector beside them, and ends in a sigmoid."""
    folder = tmp_path_factory.mktemp("nets")
    latents, labels = keras.Input([6], name="noise"), keras.Input([1], name="digit")
    embedded = layers.Flatten()(layers.Embedding(3, 6)(labels))
    hidden = layers.Dense(48)(layers.Multiply()([latents, embedded]))
    images = layers.Activation("sigmoid")(layers.Reshape([4, 4, 3])(hidden))
    shake(keras.Model([labels, latents], images)).save(folder / "g.h5")
    judge([4, 4, 3], 3).save(folder / "d.h5")
    return folder / "g.h5", folder / "d.h5"


def judge(image_shape, classes):
    image, label = keras.Input(image_shape), keras.Input([classes])
    joined = layers.Concatenate()([layers.Flatten()(image), label])
    return shake(keras.Model([image, label], layers.Dense(1, activation="sigmoid")(joined)))


@pytest.fixture(scope="module")
def exported(nets, tmp_path_factory):
    for package in ("tensorflow_serving", "tf2onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(package, reason="needs dcgan-tf[export]")
    out = tmp_path_factory.mktemp("exported") / "digits"
    out.mkdir()
    (out / "batching.config").write_text("max_batch_size { value: 4 }\n")  # Nothing has to be measured.
    generator, discriminator = map(str, nets)
    config = ExportConfig(
        generator,
        str(out),
        discriminator=discriminator,
        formats=("savedmodel", "onnx", "litert"),
        inputs=("latents", "seeds"),
        latents="normal",
    )
    with checked_here():
        assert export(config) == 0
    return out


def test_the_card_says_the_classes(exported):
    card = json.loads((exported / "1" / "assets.extra" / "model_card.json").read_text())
    assert card["labels"] == {"classes": 3} and "label_names" not in card
    takes = {name: signature["inputs"] for name, signature in card["signatures"].items()}
    assert [name for name, inputs in takes.items() if inputs["labels"] == LABELS] == list(takes)
    assert card["signatures"]["generate"]["example"] == {
        "signature_name": "generate", "inputs": {"seeds": [1, 2], "labels": [0, 1]},
    }  # fmt: skip
    assert list(card["signatures"]["score"]["outputs"]) == ["logits"]
    assert card["signatures"]["score"]["example"]["inputs"]["labels"] == [0]
    assert checks.read_card("onnx", exported / "digits-1.onnx")["labels"] == {"classes": 3}


@pytest.mark.parametrize("file", ["1", "digits-1.onnx", "digits-1.tflite"])
def test_every_format_draws_the_classes_that_are_asked_for(exported, nets, file):
    latents = np.random.default_rng(0).normal(size=[6, 6]).astype(np.float32)
    labels = np.array([2, 0, 1, 2, 2, 0], np.int32)
    net = keras.models.load_model(nets[0], compile=False)
    levels = np.rint(255 * net([labels[:, None], latents], training=False).numpy())
    opened = open_generator(str(exported / file))
    assert (opened.classes, opened.labels, opened.distribution) == (3, (0, 1, 2), "normal")
    assert np.abs(opened.images(latents, labels) - levels).max() <= 1


def test_a_seed_and_a_class_are_a_picture(exported, nets):
    served, opened = SavedModel(str(exported / "1")), open_generator(str(nets[0]), latents="normal")
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


def test_the_discriminator_scores_an_image_and_its_class(exported, nets):
    images = np.random.default_rng(1).integers(0, 256, [3, 4, 4, 3], np.uint8)
    scores = SavedModel(str(exported / "1")).run("score", {"images": images, "labels": [2, 2, 0]})
    likely = keras.models.load_model(nets[1], compile=False)(
        [images / 255, np.eye(3)[[2, 2, 0]]], training=False
    ).numpy()
    assert list(scores) == ["logits"]
    np.testing.assert_allclose(scores["logits"], np.log(likely / (1 - likely)), rtol=0, atol=1e-4)


def signature_inputs(signature, label):
    """One example for each input of a signature."""
    values = {
        "latents": np.zeros([1, 6], np.float32),
        "images": np.zeros([1, 4, 4, 3], np.uint8),
        "t": np.zeros(1, np.float32),
    }
    return {name: values.get(name, np.ones(1, np.int32)) for name in signature.inputs} | {"labels": np.int32([label])}


def test_every_signature_refuses_what_is_no_class(exported):
    net = SavedModelSession(str(exported / "1"))
    signatures = {name: signature for name, signature in net.signatures.items() if not name.startswith("__")}
    assert sorted(signatures) == ["generate", "generate_png", "interpolate", "score", "serving_default"]
    for name, signature in signatures.items():
        net.run(name, signature_inputs(signature, 2))
        for label in BEYOND:
            with pytest.raises(
                tf.errors.InvalidArgumentError, match=r"assertion failed: \[labels must be from 0 to 2\]"
            ):
                net.run(name, signature_inputs(signature, label))


def test_onnx_and_litert_refuse_what_is_no_class(exported):
    latents, seeds = np.zeros([2, 6], np.float32), np.ones(2, np.int32)
    onnx, litert = Onnx(str(exported / "digits-1.onnx")), LiteRT(str(exported / "digits-1.tflite"))
    of_seeds = OnnxFile(str(exported / "digits-1-seeds.onnx"))
    for label in BEYOND:
        labels = np.array([1, label], np.int32)
        for run in (
            lambda labels=labels: onnx(latents, labels),
            lambda labels=labels: of_seeds.run("generate", {"seeds": seeds, "labels": labels}),
        ):
            with pytest.raises(Exception, match="INVALID_ARGUMENT.*Name:'labels must be from 0 to 2'"):
                run()
        with pytest.raises(RuntimeError, match="^gather index out of bounds"):
            litert(latents, labels)
    np.testing.assert_allclose(litert(latents, np.int32([0, 2])), onnx(latents, np.int32([0, 2])), rtol=0, atol=1e-5)


def test_a_one_hot_vector_is_made_of_a_class_alone(tmp_path):
    """Of a number that is no class it would be all zeros, which draws something, too."""
    pytest.importorskip("tf2onnx", reason="needs dcgan-tf[export]")
    latents, label = keras.Input([4], name="z"), keras.Input([3], name="label")
    hidden = layers.Dense(12, activation="tanh")(layers.Concatenate()([latents, label]))
    net = shake(keras.Model([latents, label], layers.Reshape([2, 2, 3])(hidden)))
    convert.to_onnx(net, tmp_path / "net.onnx", {})
    convert.to_litert(net, tmp_path / "net.tflite", {})
    given, zeros = np.int32([0, 1, 2]), np.zeros([3, 4], np.float32)
    for run in (Onnx(str(tmp_path / "net.onnx")), LiteRT(str(tmp_path / "net.tflite"))):
        np.testing.assert_allclose(run(zeros, given), net([zeros, np.eye(3)], training=False), rtol=0, atol=1e-5)
        for label in BEYOND:
            with pytest.raises(Exception, match="labels must be from 0 to 2|gather index out of bounds"):
                run(zeros, np.int32([0, label, 1]))


def test_a_discriminator_of_other_classes_is_refused(nets, tmp_path):
    generator, _ = map(str, nets)
    judge([4, 4, 3], 5).save(tmp_path / "d.h5")
    assert error_of(prepare, ExportConfig(generator, str(tmp_path / "out"), discriminator=str(tmp_path / "d.h5"))) == (
        f"{tmp_path}/d.h5: knows 5 classes, but the generator draws 3: give the discriminator that was trained with it"
    )
    judge([8, 8, 3], 3).save(tmp_path / "d.h5")
    assert error_of(prepare, ExportConfig(generator, str(tmp_path / "out"), discriminator=str(tmp_path / "d.h5"))) == (
        f"{tmp_path}/d.h5: takes images of 8x8x3, but the generator makes 4x4x3: give the discriminator that was trained with "
        "it"
    )
