"""ONNX nets that take seeds, run by onnxruntime."""

import numpy as np
import pytest
from support import small_nets
from support.helpers import error_of

from dcgan_tf.export import convert
from dcgan_tf.generators import checks, runtimes
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.latents import seed_latents
from dcgan_tf.pictures.images import to_uint8

pytest.importorskip("tf2onnx", reason="needs dcgan-tf[export]")
CARD = {"name": "x"}
SEEDS = [0, 1, 2, 77, 1_000_000, 2**31 - 1, -1, -(2**31)]


@pytest.fixture(scope="module")
def generator():
    return small_nets.generator()


@pytest.fixture(scope="module", params=["normal", "uniform"])
def seeded(request, generator, tmp_path_factory):
    """(the distribution of its latents, a file that takes seeds)."""
    path = tmp_path_factory.mktemp("seeded") / "net-7-seeds.onnx"
    convert.to_onnx(generator, path, CARD, seeds_of=request.param)
    return request.param, path


def test_latents_and_pictures_are_those_of_the_seeds(seeded, generator):
    distribution, path = seeded
    net = runtimes.OnnxFile(str(path))
    made = net.run("generate", {"seeds": np.array(SEEDS, np.int32)})
    latents = seed_latents(np.array(SEEDS, np.int32), 6, distribution).numpy()
    assert sorted(made) == ["images", "latents"]
    np.testing.assert_allclose(made["latents"], latents, rtol=2e-7, atol=1e-9)
    wanted = to_uint8(generator(latents, training=False))
    assert made["images"].dtype == np.uint8 and made["images"].shape == wanted.shape
    assert np.abs(made["images"].astype(int) - wanted).max() <= 1
    for count in (1, 3):
        alone = net.run("generate", {"seeds": np.array(SEEDS[:count], np.int32)})
        np.testing.assert_array_equal(alone["latents"], made["latents"][:count])


def test_the_file_says_what_it_takes_and_gives(seeded):
    import onnx

    graph = onnx.load(str(seeded[1])).graph
    told = [
        (tensor.name, tensor.type.tensor_type.elem_type,
         [size.dim_param or size.dim_value for size in tensor.type.tensor_type.shape.dim])
        for tensor in (*graph.input, *graph.output)
    ]  # fmt: skip
    kinds = onnx.TensorProto
    assert told == [
        ("seeds", kinds.INT32, ["N"]),
        ("images", kinds.UINT8, ["N", 8, 8, 3]),
        ("latents", kinds.FLOAT, ["N", 6]),
    ]
    assert checks.read_card("onnx", seeded[1]) == CARD
    checks.check("onnx", seeded[1])


def test_an_odd_number_of_latents(tmp_path):
    layers, keras = small_nets.layers, small_nets.keras
    net = keras.Sequential([keras.Input([5]), layers.Dense(12, activation="tanh"), layers.Reshape([2, 2, 3])])
    convert.to_onnx(net, tmp_path / "net.onnx", CARD, seeds_of="normal")
    made = runtimes.OnnxFile(str(tmp_path / "net.onnx")).run("generate", {"seeds": np.array([1, 2], np.int32)})
    np.testing.assert_allclose(made["latents"], seed_latents(np.array([1, 2], np.int32), 5, "normal"), rtol=2e-7)


def test_generate_is_told_which_file_takes_latents(seeded):
    path = seeded[1]
    assert error_of(open_generator, str(path)) == (
        f"{path}: is not a generator that runs (it takes seeds: give the file without -seeds in its name, which takes "
        "latents): give a run's folder such as checkpoints/paints200, or a generator's .h5 or .keras file"
    )
