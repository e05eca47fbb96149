import re
from pathlib import Path

import numpy as np
import pytest
from support import small_nets

import dcgan_tf.export
from dcgan_tf.common.backend import tf
from dcgan_tf.export import verify
from dcgan_tf.export.judge import Judge
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.export.signatures import Score, serving_signatures

IMAGES, LATENTS, SEEDS = ("images", "uint8", (8, 8, 3)), ("latents", "float32", (6,)), ("seeds", "int32", ())
ROWS = {
    "serving_default": ([LATENTS], [IMAGES]),
    "generate": ([SEEDS], [IMAGES, LATENTS]),
    "generate_png": ([SEEDS], [("image_bytes", "string", ())]),
    "interpolate": ([("seeds_a", "int32", ()), ("seeds_b", "int32", ()), ("t", "float32", ())], [IMAGES]),
    "score": ([IMAGES], [("logits", "float32", (1,))]),
}


@pytest.fixture(scope="module")
def signatures():
    return serving_signatures(6, (8, 8, 3), "uniform", Score())


@pytest.fixture(scope="module")
def writer():
    return SavedModelWriter(small_nets.generator(), "uniform", Judge(small_nets.discriminator()))


def described(tensors):
    return [(tensor.name, tensor.dtype, tuple(tensor.shape)) for tensor in tensors]


def test_the_rows(signatures):
    assert list(signatures) == list(ROWS)
    for name, (inputs, outputs) in ROWS.items():
        assert signatures[name].name == name
        assert (described(signatures[name].inputs), described(signatures[name].outputs)) == (inputs, outputs)


def test_without_a_discriminator_there_is_no_score():
    assert list(serving_signatures(6, (8, 8, 3), "uniform")) == list(ROWS)[:-1]


@pytest.mark.parametrize(
    "score, takes, gives",
    [
        (Score(), ["images"], [("logits", (1,))]),
        (Score(takes_labels=True), ["images", "labels"], [("logits", (1,))]),
        (Score(told_classes=10), ["images"], [("logits", (1,)), ("class_logits", (10,))]),
        (Score(True, 10), ["images", "labels"], [("logits", (1,)), ("class_logits", (10,))]),
    ],
)
def test_a_score_takes_and_tells_the_class_as_the_discriminator_does(score, takes, gives):
    rows = serving_signatures(6, (8, 8, 3), "normal", score, classes=10)
    assert [tensor.name for tensor in rows["score"].inputs] == takes
    assert [(tensor.name, tensor.shape) for tensor in rows["score"].outputs] == gives
    assert all("labels" in rows[name].example_request()["inputs"] for name in rows if name != "score")
    assert rows["generate"].inputs[1].values == "0..9, the class; any other is refused"


@pytest.mark.parametrize("distribution, values", [("normal", "standard normal"), ("uniform", "uniform in -1..1")])
def test_the_values_of_latents_are_those_of_their_distribution(distribution, values):
    [latents] = serving_signatures(6, (8, 8, 3), distribution)["serving_default"].inputs
    assert latents.values == values


def test_the_compiled_functions_take_and_give_what_the_rows_say(writer):
    def compiled(specs):
        return {(spec_name, spec.dtype.name, tuple(spec.shape)) for spec_name, spec in specs}

    assert list(writer.functions) == list(writer.signatures) == list(ROWS)
    for name, function in writer.functions.items():
        concrete = function.get_concrete_function()
        taken = compiled((spec.name, spec) for spec in concrete.structured_input_signature[0] if spec is not None)
        given = compiled(concrete.structured_outputs.items())
        row = writer.signatures[name]
        assert taken == {(tensor.name, tensor.dtype, (None, *tensor.shape)) for tensor in row.inputs}
        assert given == {(tensor.name, tensor.dtype, (None, *tensor.shape)) for tensor in row.outputs}


def test_example_requests_can_be_sent(writer):
    for name, function in writer.functions.items():
        request = writer.signatures[name].example_request()
        assert request["signature_name"] == name
        if name == "score":  # The example of an image is words.
            assert request["inputs"] == {"images": "[[[[0, ...], ...], ...]] of shape [1, 8, 8, 3]"}
            continue
        inputs = {tensor.name: tensor for tensor in writer.signatures[name].inputs}
        assert list(request["inputs"]) == list(inputs)
        outputs = function(**{key: tf.constant(value, inputs[key].dtype) for key, value in request["inputs"].items()})
        counts = {len(value) for value in (*request["inputs"].values(), *outputs.values())}
        assert len(counts) == 1  # as many outputs as examples


def test_every_row_is_verified(signatures):
    expected = verify.reference(small_nets.generator(), "uniform", Judge(small_nets.discriminator()))
    assert list(expected.inputs) == list(expected.outputs) == list(signatures)
    for name, row in signatures.items():
        assert list(expected.inputs[name]) == [tensor.name for tensor in row.inputs]
        assert list(expected.outputs[name]) == [tensor.name for tensor in row.outputs]
        for tensor in (*row.inputs, *row.outputs):
            array = (expected.inputs[name] | expected.outputs[name])[tensor.name]
            if tensor.name == "image_bytes":  # PNG files are decoded before they are compared.
                assert (array.dtype, array.shape) == (np.uint8, (16, 8, 8, 3))
            else:
                assert (array.dtype.name, array.shape) == (tensor.dtype, (16, *tensor.shape))


def test_what_is_verified_with(signatures):
    made = {"latents": np.zeros([16, 6], np.float32), "images": np.zeros([16, 8, 8, 3], np.uint8)}
    inputs = {name: row.verified_inputs(made) for name, row in signatures.items()}
    assert inputs["serving_default"]["latents"] is made["latents"] and inputs["score"]["images"] is made["images"]
    assert inputs["generate"]["seeds"].tolist() == list(range(1, 17))
    way = inputs["interpolate"]
    assert (way["seeds_a"].tolist(), way["seeds_b"].tolist()) == (list(range(1, 17)), list(range(16, 0, -1)))
    np.testing.assert_allclose(way["t"], np.arange(16) / 15, rtol=1e-6)


@pytest.mark.parametrize("client", ["client.py", "client_grpc.py"])
def test_clients_use_a_signature_as_it_is_stated(client, signatures):
    text = (Path(dcgan_tf.export.__file__).parent / "templates" / client).read_text()
    [name] = re.findall(r'"signature_name": "(\w+)"', text)
    used = ["".join(found) for found in re.findall(r'inputs = \{"(\w+)"|inputs\["(\w+)"\]', text)]
    assert used == [*(tensor.name for tensor in signatures[name].inputs), "labels"]  # of a generator that draws classes
    outputs = [tensor.name for tensor in signatures[name].outputs]
    # REST gives a single output without its name.
    assert re.findall(r'answer\.outputs\["(\w+)"\]', text) == ([] if client == "client.py" else outputs)
    assert len(outputs) == 1
