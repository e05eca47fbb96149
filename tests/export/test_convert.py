import numpy as np
import pytest
from support import small_nets
from support.helpers import error_of

from dcgan_tf.common import install
from dcgan_tf.common.errors import Mismatch
from dcgan_tf.export import convert
from dcgan_tf.generators import checks, runtimes

CARD = {"latents": {"distribution": "uniform"}}


@pytest.fixture(scope="module")
def generator():
    return small_nets.generator()


@pytest.fixture(scope="module")
def converted(generator, tmp_path_factory):
    """A file of each kind: {(kind, quantize): path}."""
    pytest.importorskip("tf2onnx", reason="needs dcgan-tf[export]")
    pytest.importorskip("ai_edge_litert", reason="needs dcgan-tf[export]")
    folder = tmp_path_factory.mktemp("converted")
    made = {("onnx", None): folder / "net.onnx"}
    convert.to_onnx(generator, made["onnx", None], CARD)
    for quantize in (None, "float16", "dynamic"):
        made["litert", quantize] = folder / f"{quantize}.tflite"
        convert.to_litert(generator, made["litert", quantize], CARD, quantize)
    return made


def test_onnx_files_have_a_free_batch_the_opset_and_the_card(converted):
    import onnx

    model = onnx.load(str(converted["onnx", None]))
    assert [(item.domain, item.version) for item in model.opset_import if item.domain == ""] == [
        ("", convert.ONNX_OPSET)
    ]
    shapes = [[size.dim_param or size.dim_value for size in tensor.type.tensor_type.shape.dim]
              for tensor in (*model.graph.input, *model.graph.output)]  # fmt: skip
    assert shapes == [["N", 6], ["N", 8, 8, 3]]


def test_every_file_has_the_card(converted):
    for (kind, _), path in converted.items():
        assert checks.read_card(kind, path) == CARD
        checks.check(kind, path)


@pytest.mark.parametrize(
    "kind, quantize, tolerance",
    [("onnx", None, 1e-4), ("litert", None, 1e-4), ("litert", "float16", 1e-2), ("litert", "dynamic", 0.5)],
)
@pytest.mark.parametrize("count", [1, 3, 64])
def test_every_kind_makes_the_images_of_the_net(converted, generator, kind, quantize, tolerance, count):
    latents = np.random.default_rng(count).uniform(-1, 1, [count, 6]).astype(np.float32)
    images = runtimes.RUNTIMES[kind](str(converted[kind, quantize]))(latents)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, generator(latents, training=False).numpy(), rtol=0, atol=tolerance)


def test_float16_makes_a_file_smaller(converted):
    assert converted["litert", "float16"].stat().st_size < converted["litert", None].stat().st_size


def test_a_net_that_onnx_cannot_express_is_one_line(tmp_path):
    pytest.importorskip("tf2onnx", reason="needs dcgan-tf[export]")
    layers, keras = small_nets.layers, small_nets.keras
    net = keras.Sequential([keras.Input([4]), layers.Dense(12, activation="gelu"), layers.Reshape([2, 2, 3])])
    with pytest.raises(Mismatch, match="^cannot express this net: .*Erfc.*$"):
        convert.to_onnx(net, tmp_path / "net.onnx", CARD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "formats, missing, words",
    [
        (
            ("savedmodel", "onnx"),
            {"tf2onnx", "onnx"},
            '--formats onnx: tf2onnx and onnx missing: pip install "tf2onnx>=1.17,<2" "onnx>=1.17,<2", or leave onnx out',
        ),
        (
            ("litert",),
            {"ai_edge_litert"},
            '--formats litert: ai-edge-litert missing: pip install "ai-edge-litert>=2.0,<3", or leave litert out',
        ),
        (
            ("savedmodel",),
            {"tensorflow_serving"},
            "--formats savedmodel: tensorflow-serving-api missing: "
            'pip install "tensorflow-serving-api>=2.19,<3", or leave savedmodel out',
        ),
    ],
)
def test_packages_that_are_missing_are_named(monkeypatch, formats, missing, words):
    there = convert.importlib.util.find_spec
    monkeypatch.setattr(convert.importlib.util, "find_spec", lambda name: None if name in missing else there(name))
    monkeypatch.setattr(install, "_pip", lambda: "pip")
    assert error_of(convert.check_packages, formats) == words


def test_packages_of_other_formats_may_be_missing(monkeypatch):
    monkeypatch.setattr(convert.importlib.util, "find_spec", lambda name: name == "tensorflow_serving" or None)
    convert.check_packages(("savedmodel",))
