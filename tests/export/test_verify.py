from pathlib import Path

import numpy as np
import pytest
from support import small_nets

from dcgan_tf.common.errors import Mismatch
from dcgan_tf.export import verify
from dcgan_tf.export.judge import Judge


@pytest.fixture
def expected():
    return verify.reference(small_nets.generator(), "uniform", Judge(small_nets.discriminator()))


@pytest.fixture
def says(monkeypatch):
    """What the other process reports, in place of running it."""

    def set_to(result):
        monkeypatch.setattr(verify, "_run", lambda kind, path, inputs: result)

    return set_to


def result_of(expected, **changes):
    """What a process reports that makes everything right, except for the changes: signature__name=function(array)."""
    outputs = {signature: dict(arrays) for signature, arrays in expected.outputs.items()}
    outputs["generate_png"] = {"image_bytes": expected.outputs["generate_png"]["image_bytes"]}
    for place, change in changes.items():
        signature, name = place.split("__")
        outputs[signature][name] = change(outputs[signature][name])
    return {"outputs": {"session": outputs}, "milliseconds": {1: 1.0, 64: 2.0}, "warmup": [1, 64]}


def one_more(array, by=1):
    """A copy with one number changed by `by`, to whichever side it is far from the end of a uint8."""
    changed = array.copy()
    flat = changed.reshape(-1)
    flat[5] = flat[5] + by if flat[5] < 100 else flat[5] - by
    return changed


def test_one_grey_level_is_allowed_and_reported(expected, says):
    says(result_of(expected, generate__images=one_more))
    report = verify.verify("savedmodel", Path("7"), expected, [1, 64])
    assert report == verify.Report(
        {"images": 1.0, "latents": 0.0, "image_bytes": 0.0, "logits": 0.0}, {1: 1.0, 64: 2.0}
    )


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"generate__images": lambda array: one_more(array, 2)},
         "images of generate (session) differ by 2 from the Keras generator, more than 1"),
        ({"generate__latents": lambda array: one_more(array, 0.5)},
         "latents of generate (session) differ by 0.5 from the Keras generator, more than 0.0001"),
        ({"score__logits": lambda array: array * np.nan},
         "logits of score (session) differ by nan from the Keras generator, more than 0.000147"),
        ({"interpolate__images": lambda array: array[:-1]},
         "images of interpolate (session) differ by inf from the Keras generator, more than 0"),
        ({"serving_default__images": lambda array: array.astype(np.float32)},
         "images of serving_default (session) differ by inf from the Keras generator, more than 0"),
    ],
)  # fmt: skip
def test_what_differs_is_told(expected, says, changes, line):
    says(result_of(expected, **changes))
    with pytest.raises(Mismatch) as raised:
        verify.verify("savedmodel", Path("7"), expected, [1, 64])
    assert str(raised.value) == line


def test_logits_in_the_hundreds_may_differ_in_their_fifth_digit(expected, says):
    outputs = dict(expected.outputs, score={"logits": expected.outputs["score"]["logits"] + 700})
    large = verify.Reference(expected.inputs, outputs, expected.floats)
    says(result_of(large, score__logits=lambda logits: logits + 0.05))
    assert verify.verify("savedmodel", Path("7"), large, [1, 64]).differences["logits"] == pytest.approx(0.05, abs=1e-3)
    says(result_of(large, score__logits=lambda logits: logits + 0.1))
    with pytest.raises(Mismatch):
        verify.verify("savedmodel", Path("7"), large, [1, 64])


@pytest.mark.parametrize("missing", [("generate", "latents"), ("score", "logits")])
def test_a_missing_output_is_told(expected, says, missing):
    result = result_of(expected)
    del result["outputs"]["session"][missing[0]][missing[1]]
    says(result)
    with pytest.raises(Mismatch) as raised:
        verify.verify("savedmodel", Path("7"), expected, [1, 64])
    there, wanted = str(raised.value).removeprefix("has the outputs ").split(" (session), not ")
    assert str(missing) not in there and str(missing) in wanted


def test_a_missing_warm_up_is_told(expected, says):
    says(result_of(expected) | {"warmup": [1]})
    with pytest.raises(Mismatch, match=r"^replays warm-up requests of \[1\] images, not of \[1, 64\]$"):
        verify.verify("savedmodel", Path("7"), expected, [1, 64])


def test_an_artifact_that_does_not_load_is_told(tmp_path, expected):
    (tmp_path / "bad.onnx").write_text("no")
    with pytest.raises(Mismatch, match="^does not run: "):
        verify.verify("onnx", tmp_path / "bad.onnx", expected)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.onnx"]
