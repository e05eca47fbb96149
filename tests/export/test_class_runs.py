"""Runs of our own that draw classes: what is exported knows their names, the discriminator scores by class, and a server
draws the class that is asked for."""

import json
import re
import shutil
import urllib.error
import urllib.request

import grpc
import numpy as np
import pytest
from PIL import Image
from support import model_server
from support.checked_here import checked_here
from support.class_nets import LATENTS, class_nets, class_run
from support.helpers import error_of
from support.scripts import run_here
from support.small_nets import generator as generator_without_classes
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.commands import ExportConfig
from dcgan_tf.export import verify
from dcgan_tf.export.artifacts import cards
from dcgan_tf.export.command import export
from dcgan_tf.export.job import prepare
from dcgan_tf.export.judge import Judge
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators import checks
from dcgan_tf.generators.latents import seed_latents
from dcgan_tf.generators.runtimes import SavedModel
from dcgan_tf.pictures.images import to_uint8

NAMES = ('Tom "the" cat', "7", r"a\b $$x {} größe", "'''")  # Class 1 is called 7.


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Its discriminator tells the class."""
    return class_run(tmp_path_factory.mktemp("runs") / "animals", "auxiliary", NAMES)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("serving") / "animals"
    out.mkdir()
    # Nothing has to be measured; it waits until requests that are sent at the same time share a batch.
    (out / "batching.config").write_text("max_batch_size { value: 6 } batch_timeout_micros { value: 1000 }\n")
    with checked_here():
        assert export(ExportConfig(str(run), str(out))) == 0
    return out


def drawn(run, seeds, labels):
    """The pictures of a run's generator, by Keras alone."""
    net = keras.models.load_model(run / "epoch2_Gmodel.h5", compile=False)
    latents = seed_latents(np.array(seeds, np.int32), LATENTS, "normal").numpy()
    return to_uint8(net([latents, np.array(labels, np.int32)], training=False))


def signed(images):
    return images.astype(np.float32) / 127.5 - 1


def test_the_names_of_the_classes_are_in_every_card(run, exported):
    card = checks.read_card("savedmodel", exported / "2")
    assert (card["labels"], card["label_names"]) == ({"classes": 4}, list(NAMES))
    checks.check("savedmodel", exported / "2")
    everything = ExportConfig(
        str(run),
        str(exported),
        formats=("savedmodel", "onnx", "litert"),
        inputs=("latents", "seeds"),
        quantize=("float16",),
    )
    made = cards(everything, prepare(everything), 2)
    assert [card["label_names"] for card in made.values()] == [list(NAMES)] * 5


def test_the_same_again_is_told(run, exported, capsys):
    assert export(ExportConfig(str(run), str(exported))) == 0
    assert capsys.readouterr().out.startswith(f"{exported}: version 2 is epoch 2 already")


def test_a_discriminator_that_tells_the_class_gives_both(run, exported):
    images = np.random.default_rng(1).integers(0, 256, [5, 8, 8, 1], np.uint8)
    scores = SavedModel(str(exported / "2")).run("score", {"images": images})
    logits, class_logits = keras.models.load_model(run / "epoch2_Dmodel.h5", compile=False)(
        signed(images), training=False
    )
    assert class_logits.shape == (5, 4)
    np.testing.assert_allclose(scores["logits"], logits, rtol=0, atol=1e-5)
    np.testing.assert_allclose(scores["class_logits"], class_logits, rtol=0, atol=1e-5)
    card = checks.read_card("savedmodel", exported / "2")["signatures"]["score"]
    assert list(card["inputs"]) == ["images"]
    assert card["outputs"]["class_logits"] == {
        "dtype": "float32", "shape": ["N", 4], "values": "one for each class; their softmax is how likely it is",
    }  # fmt: skip


def test_a_discriminator_that_judges_by_class_takes_it():
    generator, discriminator = class_nets("projection", 3)
    judge = Judge(discriminator)
    expected = verify.reference(generator, "normal", judge)
    given = expected.inputs["score"]
    assert given["labels"].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    logits = discriminator([signed(given["images"]), given["labels"]], training=False)
    assert list(expected.outputs["score"]) == ["logits"]
    np.testing.assert_allclose(expected.outputs["score"]["logits"], logits, rtol=0, atol=1e-6)
    score = SavedModelWriter(generator, "normal", judge).functions["score"]
    np.testing.assert_allclose(score(**given)["logits"], logits, rtol=0, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be from 0 to 2"):
        score(given["images"][:1], np.int32([-1]))


def test_a_discriminator_of_classes_does_not_go_with_a_generator_of_none(tmp_path):
    generator_without_classes().save(tmp_path / "g.h5")
    layers = keras.layers
    images, label = keras.Input([8, 8, 3]), keras.Input([4])
    keras.Model([images, label], layers.Dense(1)(layers.Concatenate()([layers.Flatten()(images), label]))).save(
        tmp_path / "d.h5"
    )
    config = ExportConfig(str(tmp_path / "g.h5"), str(tmp_path / "out"), discriminator=str(tmp_path / "d.h5"))
    assert error_of(prepare, config) == (
        f"{tmp_path}/d.h5: knows 4 classes, but the generator draws none: give the discriminator that was trained with it"
    )


# ---------------------------------------------------------------------------------------------- asking a server


@pytest.fixture(scope="module", params=model_server.SERVERS)
def server(request, exported, tmp_path_factory):
    binary = model_server.binary_of(request.param)
    with model_server.serving(exported, "animals", tmp_path_factory.mktemp("server"), binary) as running:
        yield running


def test_the_warm_up_is_replayed(server):
    log = server.log.read_text(errors="replace")
    if "batch serving_default" in log:  # the stand-in tells
        assert re.findall(r"batch serving_default 2 (\d+) padded", log)[:2] == ["1", "6"]


@pytest.mark.parametrize(("name", "port"), [("client.py", "rest_port"), ("client_grpc.py", "port")])
def test_clients_ask_for_classes_by_name_and_by_number(run, exported, server, tmp_path, name, port):
    def ask(*arguments):
        shutil.rmtree(tmp_path / "pictures", ignore_errors=True)
        (tmp_path / "pictures").mkdir()
        done = run_here(exported / name, "--port", getattr(server, port), *arguments, cwd=tmp_path / "pictures")
        assert (done.returncode, done.stderr) == (0, "")
        return [np.asarray(Image.open(path))[..., np.newaxis] for path in sorted((tmp_path / "pictures").iterdir())]

    for labels, numbers in (
        ([], [0, 1, 2, 3]),
        (["--labels", NAMES[2]], [2, 2, 2, 2]),
        (["--labels", "7", "3", NAMES[0]], [1, 3, 0, 1]),
    ):
        pictures = ask(1, 2, 3, 4, *labels)
        assert np.abs(np.stack(pictures).astype(int) - drawn(run, [1, 2, 3, 4], numbers)).max() <= 1


@pytest.mark.parametrize("name", ["client.py", "client_grpc.py"])
@pytest.mark.parametrize("label", ["4", "-1", "tom"])
def test_clients_know_which_classes_there_are(exported, tmp_path, name, label):
    done = run_here(exported / name, "1", "--labels", "0", label, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: --labels {label}: give a number from 0 to 3, or one of {', '.join(NAMES)}\n"


def test_the_server_refuses_what_is_no_class(server):
    body = json.dumps({"signature_name": "generate", "inputs": {"seeds": [1, 2], "labels": [0, 4]}}).encode()
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"http://localhost:{server.rest_port}/v1/models/animals:predict", body, timeout=60)
    assert raised.value.code == 400
    assert "labels must be from 0 to 3" in json.load(raised.value)["error"]
    request = predict_pb2.PredictRequest(model_spec={"name": "animals", "signature_name": "generate_png"})
    for key, values in (("seeds", [1]), ("labels", [-1])):
        request.inputs[key].CopyFrom(tf.make_tensor_proto(values, tf.int32))
    with grpc.insecure_channel(f"localhost:{server.port}") as channel, pytest.raises(grpc.RpcError) as refused:
        prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "labels must be from 0 to 3" in refused.value.details()
