"""Measures of classes, by flat tones: what is drawn, and what a classifier says of it, is known beforehand."""

import contextlib
import csv
import dataclasses
import io
import shutil

import numpy as np
import pytest
from support.evaluations import evaluate, read
from support.image_sets import ramps
from support.tones import TONES, tone_classifier, tone_images, tone_net, tone_run

from dcgan_tf.common.program import program
from dcgan_tf.data.selection import with_classes
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate import cas
from dcgan_tf.evaluate.of_classes import ClassAccuracy
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.quality import Effort, Quality
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import distances
from dcgan_tf.metrics.diversity import mean_pairwise_distance
from dcgan_tf.metrics.features import open_features
from dcgan_tf.metrics.halves import halves
from dcgan_tf.metrics.swd import SWD
from dcgan_tf.runs.folder import RunFolder

COUNTS = {"ant": 110, "bee": 50, "cow": 40, "dog": 20}  # KID needs 100 images of a class, SWD 32.
SHARES = tuple(count / 220 for count in COUNTS.values())
DOGS_TOO_DARK = TONES | {"dog": 10}  # A classifier of tones takes them for ants, the nearest.
NAMES = ("cow", "dog", "owl", "ant", "bee")  # of the classifier: in another order, and one class more
MEASURES = ("swd", "diversity", "per-class", "class-accuracy")


def nearest_mean(source, classes, indices, class_count, seed, epochs, what):
    """In place of a trained net: the mean of the images of each class."""
    means = source.read(indices).reshape(len(indices), -1).mean(axis=1)
    return np.array([means[classes[indices] == label].mean() for label in range(class_count)])


def told_by_mean(means, source, indices):
    of_images = source.read(indices).reshape(len(indices), -1).mean(axis=1)
    return abs(of_images[:, None] - means).argmin(axis=1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The current folder of these tests: images, a run whose epoch 2 draws dogs too dark, and a classifier."""
    folder = tmp_path_factory.mktemp("tones")
    tone_images(folder / "animals", COUNTS)
    tone_images(folder / "held", {"ant": 20, "dog": 5}, seed=1)
    tone_images(folder / "fewer", {"ant": 40, "bee": 40}, seed=2)
    tone_run(folder / "run", folder / "animals", {1: TONES, 2: DOGS_TOO_DARK})
    tone_classifier(folder / "tones.keras", NAMES)
    tone_classifier(folder / "some.keras", ("ant", "dog"))
    tone_net(("ant", "dog")).save(folder / "plain.keras")
    shutil.copy(folder / "run" / "epoch1_Gmodel.h5", folder / "alone.h5")
    np.save(folder / "ramps.npy", ramps(150, 8, 8, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(ClassAccuracy, "default_images", 400)
        patch.setattr(cas, "trained", nearest_mean)
        patch.setattr(cas, "told", told_by_mean)
        yield folder


@pytest.fixture(scope="module")
def measured(place):
    """(the measures in evaluation.json, the lines that the command said) of epoch 2."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        asked = ("--epoch", 2, "--metrics", *MEASURES, "--features", "tones.keras")
        assert evaluate("run", *asked, "--csv", "--out", "whole") == 0
    return read(place / "whole")["measures"], said.getvalue().splitlines()


def drawn(count, epoch=2, **changes):
    generator = open_generator("run", epoch, labels=("ant", "bee", "cow", "dog"))
    return Samples(dataclasses.replace(generator, **changes), count)


def test_classes_come_as_often_as_among_the_real_images(measured):
    numbers, said = measured
    reals, samples = open_source("animals"), drawn(400, shares=SHARES)
    np.testing.assert_allclose(np.bincount(samples.labels) / 400, SHARES, atol=0.005)
    assert numbers["swd"]["epochs"]["2"]["mean"] == pytest.approx(SWD(reals).score(samples)[8], rel=1e-4)
    assert numbers["swd"]["protocol"]["classes"] == "all, as often as among the real images"
    assert said[-2] == (
        "generated images used: swd 110, diversity 1,000, per-class 100, class-accuracy 400, each class as often as among the "
        "real images; 220 real images of animals"
    )


def test_diversity_is_that_of_two_images_of_one_class(measured):
    numbers, said = measured
    reals, samples = open_source("animals"), drawn(1000, shares=SHARES)
    within = mean_pairwise_distance(samples, 1000, 0, samples.labels)
    of_reals = mean_pairwise_distance(reals, 220, 0, reals.labels)
    assert numbers["diversity"]["epochs"]["2"]["distance"] == pytest.approx(within, rel=1e-4)
    assert numbers["diversity"]["real"]["distance"] == pytest.approx(of_reals, rel=1e-4)
    assert within < of_reals < 13 < mean_pairwise_distance(reals)  # 13 levels: the tones differ more than the noise
    assert numbers["diversity"]["protocol"]["within"] == "classes"
    assert any(f"{within / of_reals:.0%} of the diversity of real images within classes; " in line for line in said)


def test_each_class_against_real_images_of_its_own(measured):
    numbers, said = measured
    assert said[0] == "note: per-class leaves out class dog: fewer than 32 real images each"
    found, space = numbers["per-class"], open_features("tones.keras")
    for label, (name, images) in enumerate({"ant": 55, "bee": 25, "cow": 20}.items()):
        reals, samples = with_classes(open_source("animals"), (name,)), drawn(images, labels=(label,))
        swd = SWD(reals, images, 0, directions=64)
        assert found["epochs"]["2"][f"swd {name}"] == pytest.approx(swd.score(samples)[8], rel=1e-4)
        assert found["real"][f"swd {name}"] == pytest.approx(swd.floor()[8], rel=1e-4)
        assert found["protocol"][f"images {name}"] == images
        if name == "ant":
            a, b = (space.extract(reals, half) for half in halves(110, 55, 0, b"features"))
            kid, error = distances.kernel_distance(a, space.extract(samples))
            assert found["epochs"]["2"]["kid ant"] == pytest.approx(kid, rel=1e-4)
            assert found["epochs"]["2"]["standard_error ant"] == pytest.approx(error, rel=1e-4)
            assert found["real"]["kid ant"] == pytest.approx(distances.kernel_distance(a, b)[0], rel=1e-4)
    assert set(found["real"]) == {"swd ant", "kid ant", "standard_error ant", "swd bee", "swd cow"}


def test_the_class_that_is_drawn_and_the_one_that_was_asked_for(measured):
    """All pictures but those of dogs are right; real images are all told rightly."""
    numbers, said = measured
    found, labels = numbers["class-accuracy"], drawn(400, shares=SHARES).labels
    right = float(np.mean(labels != 3))
    of_each = {"accuracy ant": 1.0, "accuracy bee": 1.0, "accuracy cow": 1.0}
    assert found["epochs"]["2"] == {"accuracy": right, "cas": pytest.approx(200 / 220)} | of_each | {"accuracy dog": 0}
    assert found["real"] == {"accuracy": 1.0, "cas": 1.0} | of_each | {"accuracy dog": 1.0}
    assert found["protocol"]["trained_on"] == 198  # but for a tenth of each class
    words = f"{right:.1%} of the pictures are taken for the class that was asked for (of real images 100.0% for theirs)"
    assert any(words in line for line in said)
    assert said[1].split() == ["epoch", "SWD", "diversity", "accuracy", "CAS"]
    assert said[2].split()[-2:] == [f"{right:.1%}", "90.9%"] and said[3].split()[-2:] == ["100.0%", "100.0%"]


def test_the_table_and_the_sheet_of_classes(measured, place):
    numbers, said = measured
    at, of = said.index("epoch 2, by class:"), numbers["per-class"]
    assert said[at + 1].split() == ["class", "images", "SWD", "real", "KID", "real", "accuracy", "real"]
    found, real = of["epochs"]["2"], of["real"]
    swd = {name: f"{found[f'swd {name}']:.2f} {real[f'swd {name}']:.2f}" for name in ("ant", "bee", "cow")}
    kid = f"{found['kid ant']:.4f} {real['kid ant']:.4f}"
    assert [line.split() for line in said[at + 2 : at + 6]] == [
        f"ant 55 {swd['ant']} {kid} 100.0% 100.0%".split(),
        f"bee 25 {swd['bee']} - - 100.0% 100.0%".split(),
        f"cow 20 {swd['cow']} - - 100.0% 100.0%".split(),
        "dog - - - - - 0.0% 100.0%".split(),
    ]
    with open(place / "whole" / "evaluation.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    [row] = [row for row in rows if row["number"] == "swd" and row["class"] == "bee"]
    assert (row["measure"], row["name"], row["images"]) == ("per-class", "SWD bee", "25")
    assert float(row["value"]) == found["swd bee"] and float(row["real"]) == real["swd bee"]
    images = {(row["number"], row["class"]): row["images"] for row in rows}
    assert images["cas", ""] == "198" and images["accuracy", ""] == "400" and images["accuracy", "ant"] == ""


def test_held_out_images_are_tested_on(place):
    asked = ("--epoch", "all", "--metrics", "class-accuracy", "--features", "tones.keras", "--held-out", "held")
    assert evaluate("run", *asked, "--images", 200, "--out", "held-out") == 0
    found = read(place / "held-out")["measures"]["class-accuracy"]
    assert found["real"]["held_out"] == 1.0 and found["protocol"]["trained_on"] == 200
    assert [found["epochs"][epoch]["accuracy"] for epoch in "12"] == [1.0, pytest.approx(1 - SHARES[3], abs=0.01)]
    assert [found["epochs"][epoch]["cas"] for epoch in "12"] == [1.0, 20 / 25]  # 5 of the 25 are dogs.


def test_labels_choose_the_real_images_too(place, capsys):
    asked = ("--metrics", "swd", "copies", "class-accuracy", "--features", "tones.keras", "--labels", "dog", "ant")
    assert evaluate("run", "--epoch", 2, *asked, "--held-out", "held", "--images", 120, "--out", "whole") == 0
    said, written = capsys.readouterr().out.splitlines(), read(place / "whole")
    assert said[0] == "real images: 130 of 220 of animals, those of classes ant, dog"
    found = written["measures"]
    assert found["swd"]["protocol"]["classes"] == "ant, dog, as often as among the real images"
    assert found["class-accuracy"]["epochs"]["2"]["accuracy"] == pytest.approx(110 / 130, abs=0.01)
    assert found["class-accuracy"]["epochs"]["2"]["accuracy dog"] == 0.0
    assert written["data"]["images"] == 130 and written["held_out"]["images"] == 25
    assert not any("not the images that the run was trained on" in line for line in said)


def test_numbers_of_other_classes_are_kept_beside(place):
    asked = ("--metrics", "diversity", "--images", 40, "--out", "beside")
    for labels in ("all", "bee"):
        assert evaluate("run", *asked, "--labels", labels) == 0
    written = read(place / "beside")
    assert written["measures"]["diversity"]["protocol"]["classes"] == "bee, as often as among the real images"
    [earlier] = written["earlier"]
    assert earlier["measures"]["diversity"]["protocol"]["classes"] == "all, as often as among the real images"


def test_real_images_without_the_classes_are_all_compared_with(place, capsys):
    asked = ("--metrics", "diversity", "--images", 40, "--out", "other")
    assert evaluate("run", "--data", "ramps.npy", *asked) == 0
    assert capsys.readouterr().out.startswith(
        "note: the images of ramps have no classes: the pictures of classes ant, bee, cow, dog in turn are compared with all "
        "of them\n"
    )
    assert read(place / "other")["measures"]["diversity"]["protocol"]["classes"] == "all, in turn"
    assert evaluate("run", "--data", "fewer", "--labels", "cow", *asked) == 0
    assert capsys.readouterr().out.startswith(
        "note: the images of fewer have no class cow, but ant, bee: the pictures of class cow are compared with all of them\n"
    )
    found = read(place / "other")["measures"]["diversity"]["protocol"]
    assert found["classes"] == "cow, in turn" and "within" not in found


def test_the_default_measures_each_class_and_says_which_is_worst(place, capsys):
    assert evaluate("run", "--epoch", 2, "--images", 32, "--out", "default") == 0
    out, found = capsys.readouterr().out, read(place / "default")["measures"]
    assert list(found) == ["swd", "tones", "msssim", "copies", "diversity", "per-class"]
    ratios = {name: found["per-class"]["epochs"]["2"][f"swd {name}"] / found["per-class"]["real"][f"swd {name}"]
              for name in ("ant", "bee", "cow")}  # fmt: skip
    nearest, farthest = min(ratios, key=ratios.get), max(ratios, key=ratios.get)
    assert f"of the classes, {nearest} (SWD " in out and f"is the nearest to real images, {farthest} (SWD " in out
    assert "by class:" not in out and out.splitlines()[1].split() == ["epoch", "SWD", "diversity", "copied"]


def test_the_best_is_set_by_what_training_measures(place):
    """With the classes as often as they are among the images that it is trained on."""
    run = shutil.copytree(place / "run", place / "to-set")
    RunFolder(run).write_best({"epoch": 2, "swd": 900.0, "images": 64, "directions": 8})
    assert evaluate(run, "--epoch", 1, "--metrics", "diversity", "--images", 40, "--set-best") == 0
    reals, generator = open_source("animals"), open_generator("run", 1, labels=("ant", "bee", "cow", "dog"))
    quality = Quality(reals, dataclasses.replace(generator, shares=reals.classes.shares), 0, Effort(64, 8))
    found = RunFolder(run).read_best()
    assert (found["epoch"], found["images"], found["directions"]) == (1, 64, 8)
    assert found["swd"] == pytest.approx(quality.scores()["swd"], rel=1e-5)
    assert found["diversity"] == pytest.approx(quality.diversity(), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--metrics", "per-class", "class-accuracy", "--data", "ramps.npy"],
         "--metrics per-class class-accuracy: the images of ramps have no classes: give --data with those of the generator, "
         "or leave these metrics out"),
        (["run", "--metrics", "class-accuracy", "--data", "fewer"],
         "--metrics class-accuracy: the images of fewer have no classes cow, dog, but ant, bee: give --data with the classes "
         "of the generator, or leave class-accuracy out"),
        (["alone.h5", "--metrics", "per-class", "--data", "animals"],
         "--metrics per-class: alone does not name its classes, so that they are not found among the images of animals: give "
         "the folder of its run, or a file in it, or leave per-class out"),
        (["run", "--metrics", "per-class", "--data", "animals", "--labels", "dog"],
         "--data animals: per-class needs at least 32 real images, half of them for its floor, not 20 of class dog: give "
         "more, or leave per-class out of --metrics"),
        (["run", "--metrics", "class-accuracy", "--data", "animals"],
         "--metrics class-accuracy: needs a classifier: PROGRAM train-features animals --out animals.keras makes one, then "
         "give --features animals.keras"),
        (["run", "--metrics", "class-accuracy", "--data", "animals", "--features", "plain.keras"],
         "--features plain.keras: names no classes: PROGRAM train-features animals --out animals.keras makes one, then give "
         "--features animals.keras"),
        (["run", "--metrics", "class-accuracy", "--features", "some.keras"],
         "--features some.keras: tells no classes bee, cow, which the generator draws, but ant, dog: give a classifier of all "
         "its classes"),
        (["run", "--metrics", "class-accuracy", "--features", "tones.keras", "--held-out", "ramps.npy"],
         "--held-out: the images of ramps have no classes ant, bee, cow, dog, by which class-accuracy tests: give labelled "
         "ones, or leave --held-out out"),
        (["run", "--set-best", "--labels", "ant"],
         "--set-best: the best is told by all classes: leave --labels out, or --set-best"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(place, arguments, message, capsys):
    message = message.replace("PROGRAM", program())
    assert evaluate(*arguments, "--out", "mistake") == 2
    *progress, error = capsys.readouterr().err.splitlines()
    assert (
        error == f"error: {message}"
        and all(line.startswith("decoding ") for line in progress)
        and not (place / "mistake").exists()
    )
