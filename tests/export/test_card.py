import json
from dataclasses import replace

import pytest
from support import small_nets
from support.settings import settings

from dcgan_tf import __version__
from dcgan_tf.common.versions import versions
from dcgan_tf.export.card import label_names, model_card
from dcgan_tf.export.judge import Judge
from dcgan_tf.export.savedmodel import SavedModelWriter, write_card

SETTINGS = settings(name="squares [ old ]", versions={"dcgan_tf": "0.0.1", "tensorflow": "2.21.0"})


def card(settings, discriminator=None):
    generator = small_nets.generator()
    signatures = SavedModelWriter(generator, "uniform", discriminator).signatures
    return model_card("squares", 7, settings, "uniform", generator, signatures)


def test_the_card_of_a_run():
    made = card(SETTINGS, Judge(small_nets.discriminator()))
    signatures = made.pop("signatures")
    assert made == {
        "name": "squares",
        "preset": "faces64@8x8x3",
        "data": {"name": "squares [ old ]", "images": 44, "image_shape": [8, 8, 3]},
        "epoch": 7,
        "latents": {"size": 6, "distribution": "uniform"},
        "images": {"height": 8, "width": 8, "channels": 3},
        "versions": {"trained_with": {"dcgan_tf": "0.0.1", "tensorflow": "2.21.0"}, "exported_with": versions()},
    }
    assert made["versions"]["exported_with"]["dcgan_tf"] == __version__
    images = {"dtype": "uint8", "shape": ["N", 8, 8, 3], "values": "0..255"}
    seeds = {"dtype": "int32", "shape": ["N"], "values": "any"}
    latents = {"dtype": "float32", "shape": ["N", 6], "values": "uniform in -1..1"}
    assert signatures["serving_default"] == {
        "inputs": {"latents": latents},
        "outputs": {"images": images},
        "example": {"signature_name": "serving_default", "inputs": {"latents": [[0.0] * 6]}},
    }
    assert signatures["generate"]["inputs"] == {"seeds": seeds}
    assert signatures["generate"]["outputs"] == {"images": images, "latents": latents}
    assert signatures["generate_png"]["outputs"]["image_bytes"] == {
        "dtype": "string",
        "shape": ["N"],
        "values": "PNG files",
    }
    assert signatures["interpolate"]["inputs"] == {
        "seeds_a": seeds,
        "seeds_b": seeds,
        "t": {"dtype": "float32", "shape": ["N"], "values": "0..1, clipped"},
    }
    assert signatures["score"]["outputs"] == {
        "logits": {"dtype": "float32", "shape": ["N", 1], "values": "log-odds of being real"}
    }


def test_what_is_not_known_is_null():
    made = card(None)
    assert (made["preset"], made["data"], made["versions"]["trained_with"]) == (None, None, None)
    assert sorted(made["signatures"]) == ["generate", "generate_png", "interpolate", "serving_default"]


@pytest.mark.parametrize(
    "names, wanted",
    [
        (("cat", 'a "b" \\ [c]'), ["cat", 'a "b" \\ [c]']),
        (("cat", "a\nb\x1b"), ["cat", "a\\nb\\x1b"]),
        (("cat", "dog", "cow"), []),  # as many as the nets draw, or none
        ((), []),
    ],
)
def test_the_names_of_classes_are_those_of_the_run(names, wanted):
    of_run = replace(SETTINGS, data=replace(SETTINGS.data, class_names=names))
    assert label_names(of_run, 2) == wanted
    assert label_names(None, 2) == label_names(SETTINGS, 0) == []


def test_a_written_card_reads_back_and_keeps_rows_on_a_line(tmp_path):
    made = card(SETTINGS)
    write_card(tmp_path, made)
    text = (tmp_path / "assets.extra" / "model_card.json").read_text()
    written = json.loads(text)
    assert list(written.pop("checksums")) == ["assets.extra/model_card.json"]
    assert written == made
    assert "[0.0, 0.0, 0.0, 0.0, 0.0, 0.0]" in text and "squares [ old ]" in text
