import shutil
import zipfile

import numpy as np
import pytest
from support import small_nets
from support.evaluations import REALS, evaluate, read, samples_of
from support.image_sets import ramps

from dcgan_tf.data.sources import open_source
from dcgan_tf.metrics.copies import find_copies
from dcgan_tf.metrics.diversity import modes
from dcgan_tf.metrics.features import open_outputs


def test_held_out_images(run, data):
    assert evaluate(run, "--held-out", data / "others.npy", "--metrics", "copies") == 0
    reals, others = (open_source(str(data / name)) for name in ("ramps.npy", "others.npy"))
    found = find_copies(samples_of(run, 10, 1000), reals, others)
    written = read(run / "evaluation")
    assert written["measures"]["copies"]["epochs"]["10"]["share_nearer"] == found.share_nearer
    assert written["measures"]["copies"]["protocol"]["held_out"] == others.fingerprint
    assert written["held_out"]["images"] == 60


def test_held_out_images_that_were_trained_on_are_told_and_left_out(run, data, capsys):
    reals, others = np.load(data / "ramps.npy"), np.load(data / "others.npy")
    np.save("mixed.npy", np.concatenate([reals[:30], others[:25]]))
    assert evaluate(run, "--held-out", "mixed.npy", "--metrics", "copies", "--images", 60) == 0
    told = "note: 30 of 55 held-out images are also among the training images, and are left out\n"
    assert told in capsys.readouterr().out and read(run / "evaluation")["held_out"]["left_out"] == 30
    np.save("same.npy", reals[:40])
    assert evaluate(run, "--held-out", "same.npy", "--metrics", "copies", "--out", "other") == 2
    assert capsys.readouterr().err == (
        "error: --held-out: copies: needs at least 20 held-out images that are unlike all training images, and has 0 of 40: "
        "give others, or leave copies out of --metrics\n"
    )


def test_with_features_all_is_measured_and_each_image_seen_once(run, data, features, monkeypatch, capsys):
    from dcgan_tf.metrics import distances
    from dcgan_tf.metrics import features as feature_spaces

    seen = []
    extract = feature_spaces.FeatureSpace.extract

    def counted(self, source, indices=None):
        seen.append((type(source).__name__, len(source if indices is None else indices)))
        return extract(self, source, indices)

    monkeypatch.setattr(feature_spaces.FeatureSpace, "extract", counted)
    names = ("fid", "kid", "precision-recall")
    assert evaluate(run, "--features", features, "--metrics", *names) == 0
    assert seen == [("ImageSource", 120), ("ImageSource", 120), ("Samples", 120)]
    written = read(run / "evaluation")["measures"]
    space, reals = feature_spaces.open_features(str(features)), open_source(str(data / "ramps.npy"))
    order = np.random.default_rng([0, *b"features"]).permutation(REALS)
    a, b = (space.extract(reals, np.sort(half)) for half in (order[:120], order[120:]))
    fake = space.extract(samples_of(run, 10, 120), np.arange(120))
    assert written["fid"]["epochs"]["10"]["fid"] == pytest.approx(distances.frechet(a, fake), rel=1e-4)
    assert written["fid"]["real"]["fid"] == pytest.approx(distances.frechet(a, b), rel=1e-4)
    kid, error = distances.kernel_distance(a, fake)
    assert written["kid"]["epochs"]["10"] == pytest.approx({"kid": kid, "standard_error": error}, rel=1e-4)
    precision, recall = distances.precision_recall(a, fake)
    assert written["precision-recall"]["epochs"]["10"] == {"precision": precision, "recall": recall}
    assert written["fid"]["protocol"] == {
        "images": 120, "seed": 0, "data": reals.fingerprint, "features": space.fingerprint
    }  # fmt: skip
    heads = capsys.readouterr().out.splitlines()[0].split()
    assert heads == ["epoch", "FID", "KID", "+/-", "precision", "recall"]


def test_numbers_of_another_net_with_the_same_name_are_kept_beside(run, features, tmp_path):
    def name_classes(path):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("classes.json", '{"classes": ["dark", "light"]}')

    def epochs_of(epoch, path):
        names = ("fid", "copies", "modes", "diversity")
        assert evaluate(run, "--features", path, "--metrics", *names, "--epoch", epoch) == 0
        measured = read(run / "evaluation")["measures"]
        return [set(measured[name]["epochs"]) for name in names]

    name_classes(features)
    assert epochs_of(4, features) == [{"4"}] * 4
    moved = shutil.move(features, tmp_path / "moved.keras")
    assert epochs_of(10, moved) == [{"4", "10"}] * 4
    net = small_nets.keras.models.load_model(moved)
    net.set_weights([2 * weight for weight in net.get_weights()])
    net.save(moved)
    name_classes(moved)
    assert epochs_of(2, moved) == [{"2"}] * 4
    [earlier] = read(run / "evaluation")["earlier"]
    assert set(earlier["measures"]["fid"]["epochs"]) == {"4", "10"}


def test_the_classes_covered(run, data, features, capsys):
    assert evaluate(run, "--features", features, "--metrics", "modes") == 2
    assert capsys.readouterr().err == (
        f"error: --metrics modes: {features} names no classes: give --features a file that "
        '"dcgan-tf train-features" made from labelled images\n'
    )
    with zipfile.ZipFile(features, "a") as archive:
        archive.writestr("classes.json", '{"classes": ["dark", "light"]}')
    assert evaluate(run, "--features", features, "--images", 110, "--metrics", "modes") == 0
    found = read(run / "evaluation")["measures"]["modes"]
    reals = open_source(str(data / "ramps.npy"))
    order = np.random.default_rng([0, *b"modes"]).permutation(REALS)
    logits = open_outputs(str(features)).extract
    counts = np.bincount(logits(reals, order[:110]).argmax(axis=1), minlength=2)
    for logits_of_scored, scored in (
        (logits(reals, order[-110:]), found["real"]),
        (logits(samples_of(run, 10, 110)), found["epochs"]["10"]),
    ):
        covered, divergence = modes(logits_of_scored.argmax(axis=1), 2, counts)
        # JSON has no infinity.
        expected = None if np.isinf(divergence) else pytest.approx(divergence, abs=1e-9)
        assert scored == {"covered": covered, "divergence": expected}
    assert capsys.readouterr().out.split()[:3] == ["epoch", "modes", "KL"]


def test_too_few_images_for_features(run, features, capsys):
    np.save("few.npy", ramps(199, 8, 8, 3))
    assert evaluate(run, "--features", features, "--data", "few.npy", "--metrics", "fid", "kid") == 2
    assert capsys.readouterr().err == (
        "error: --data few.npy: fid needs at least 200 real images, half of them for its floor, not 199: "
        "give more, or leave fid out of --metrics\n"
    )
