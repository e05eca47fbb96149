"""The programs that compare recipes, on a few small images."""

import dataclasses
import json
import math
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.image_sets import ramps, source_of

from benchmarks.quality import page as quality_page
from benchmarks.quality import process, scoring, stacked, studies, switches, targets
from benchmarks.quality import run as quality
from dcgan_tf import cli
from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError
from dcgan_tf.config.checks import check
from dcgan_tf.config.commands import EvaluateConfig
from dcgan_tf.config.parser import parse
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate.classifier import CLASSES_FILE
from dcgan_tf.generators.find import Found
from dcgan_tf.metrics import imagenet
from dcgan_tf.pictures import images
from dcgan_tf.runs.folder import RunFolder

SMALL = ("--preset", "mnist-mlp", "--image-size", "8")


def classifier_by_hand(path):
    """In place of what `dcgan-tf train-features` makes: it tells dark 8x8 grey images, 0, from light ones, 1."""
    to_classes = keras.layers.Dense(2)
    net = keras.Sequential([keras.Input([8, 8, 1]), keras.layers.Flatten(), to_classes])
    to_classes.set_weights([np.full([64, 2], [-1 / 64, 1 / 64]), np.array([100.0, -100.0])])
    path.parent.mkdir(parents=True, exist_ok=True)
    net.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CLASSES_FILE, json.dumps({"classes": ["dark", "light"]}))


@pytest.fixture
def commands():
    """The commands that a study ran, as lists of words."""
    return []


@pytest.fixture
def here(tmp_path, monkeypatch, commands, quick_runs):
    """A study of 8x8 images in a temporary folder, whose commands run in this process."""
    np.save(tmp_path / "ramps.npy", ramps(256, 8, 8, 3))
    classifier = ("labelled", "--epochs", "1")
    flags = ("--batch-size", "64", *SMALL)
    study = studies.Study("ramps.npy", 4, flags, ("tutorial", "best"), classifier, images=100)
    monkeypatch.setattr(quality, "STUDIES", {"ramps8": study})
    monkeypatch.setattr(quality, "ROOT", tmp_path)
    monkeypatch.setattr(scoring, "SWD_IMAGES", 200)
    for name in ("RESULTS", "RUNS"):
        monkeypatch.setattr(quality, name, tmp_path / name.lower())

    def run(arguments):
        commands.append(arguments)
        if arguments[0] == "-c":
            return "2.0\n"  # a step of it takes twice as long
        if "train-features" in arguments:
            return classifier_by_hand(Path(arguments[arguments.index("--out") + 1]))
        assert (cli.train_main(arguments[1:]) if arguments[0] == "train.py" else cli.main(arguments[2:])) == 0

    monkeypatch.setattr(process, "run", run)
    return tmp_path


def results_in(folder):
    return {path.stem: json.loads(path.read_text()) for path in (folder / "results" / "ramps8").glob("*.json")}


def test_a_study_is_trained_and_every_kept_epoch_measured(here, commands, capsys):
    config = quality.Config("ramps8", ("tutorial",), data_root=str(here), precision="float32")
    quality.main(config)
    (result,) = results_in(here).values()
    assert (result["cost"], result["steps"], result["times"]) == (1.0, 4, 1)
    assert [point["step"] for point in result["curve"]] == [4]
    numbers = ["kid", "standard_error", "precision", "recall", "fid", "swd"]
    assert [list(row) for row in result["kid_curve"]] == [["step", *numbers]] and result["kid_curve"][0]["step"] == 4
    assert list(result["kid_curve_real"]) == numbers and result["chosen_by"] == "swd"
    found = result["scores"]["newest"]["measures"]
    assert list(found["swd"]["epochs"]) == ["1"]
    in_features = {"fid", "kid", "precision-recall", "modes"}
    assert set(found) == {"swd", "tones", "msssim", "copies", "diversity"} | in_features
    draws = found["swd"]["draws"]
    assert len(draws) == 2 and len({draw["mean"] for draw in draws}) == 2  # of 100 images each
    (averaged,) = found["swd"]["epochs"].values()
    assert averaged == pytest.approx({"8": np.mean([draw["8"] for draw in draws]), "mean": averaged["8"]})
    assert len(result["features"]) == 8 and str(here) not in json.dumps(result)
    assert not list((here / "results").rglob("*.png"))  # Nothing says that these pictures may be shown.

    # The one epoch is the best and the last: it is measured once.
    evaluated = [command[command.index("--epoch") + 1] for command in commands if "evaluate" in command]
    assert evaluated == ["all", "1"] and result["scores"]["best"] == result["scores"]["newest"]
    before = len(commands)
    quality.main(config)
    assert len(commands) == before  # What is there is not made again.


def test_what_is_trained_for_equal_time_in_the_features_of_imagenet(here, commands, monkeypatch, capsys):
    """Two variants, and one of them three times as long; only what is asked for is looked at."""
    study = quality.STUDIES["ramps8"]
    quality.STUDIES["ramps8"] = dataclasses.replace(study, classifier=(), steps=160, credit="nobody")
    settings = {"config": {"batch_size": 64, "precision": "float32"}, "data": {"image_shape": [8, 8, 3]}, "recipe": {}}
    monkeypatch.setattr(imagenet, "weights_path", lambda: None)
    monkeypatch.setattr(quality, "read_settings", lambda folder: types.SimpleNamespace(to_json=lambda: settings))
    monkeypatch.setattr(quality, "read_log", lambda path: [])
    monkeypatch.setattr(scoring, "scores", lambda *of: {})
    monkeypatch.setattr(scoring, "curve_of_kept", lambda run_dir, features, per_epoch: ([], features))
    monkeypatch.setattr(scoring, "keep_sheet", lambda run_dir, shape, path: path.touch())
    monkeypatch.setattr(process, "run", lambda words: commands.append(words) or "2.0")
    config = quality.Config("ramps8", ("tutorial", "best"), data_root=str(here), precision="float32")
    quality.main(config)
    quality.main(dataclasses.replace(config, variants=("best",), times=3))
    results = results_in(here)
    steps = {name: (result["cost"], result["steps"]) for name, result in results.items()}
    assert steps == {"tutorial-seed0": (1.0, 164), "best-seed0": (2.0, 80), "best-x3-seed0": (2.0, 240)}
    assert all(result["features"] == result["kid_curve_real"] == "imagenet" for result in results.values())
    assert all((here / "results" / "ramps8" / f"{name}.png").exists() for name in results)

    def training(variant, epochs, every):
        words = ["train.py", "--data", str(here / "ramps.npy"), "--seed", "0", "--precision", "float32", *study.flags]
        words += ["--recipe", variant, "--run-dir", str(here / "runs" / "ramps8" / f"{variant}-seed0")]
        words += ["--epochs", str(epochs), *(f"--{what}-every={every}" for what in ("evaluate", "sample", "save"))]
        return [*words, "--keep-last", "1", "--keep-every", str(every)]

    trained = [words for words in commands if words[0] == "train.py"]
    assert trained == [training("tutorial", 41, 2), training("best", 20, 1), training("best", 60, 1)]


def test_real_images_are_measured_once_for_all_runs_of_a_study(tmp_path, monkeypatch):
    found = []

    def run(words):
        path = Path(words[words.index("--out") + 1], "evaluation.json")
        found.append(json.loads(path.read_text()) if path.exists() else None)
        swd = {"protocol": {"images": 9}, "real": {"mean": 5.0}, "epochs": {"1": {"mean": 6.0}}}
        path.write_text(json.dumps({"source": str(tmp_path), "calls": [], "earlier": [], "measures": {"swd": swd}}))

    monkeypatch.setattr(process, "run", run)
    for name in ("tutorial-seed0", "best-seed0"):
        (tmp_path / name).mkdir()
        scored = scoring.evaluation(tmp_path / name, "1", "imagenet", [])
    assert list(scored) == ["measures"] and scored["measures"]["swd"]["epochs"] == {"1": {"mean": 6.0}}
    assert found == [None, {"measures": {"swd": {"protocol": {"images": 9}, "real": {"mean": 5.0}, "epochs": {}}}}]


def test_a_missing_feature_net_is_known_before_the_training(here, commands, monkeypatch):
    quality.STUDIES["ramps8"] = dataclasses.replace(quality.STUDIES["ramps8"], classifier=())
    monkeypatch.setattr(imagenet, "MODULE", "no_such_module")
    with pytest.raises(UserError, match="--features imagenet: needs a package: .*install"):
        quality.main(quality.Config("ramps8", ("tutorial",), data_root=str(here)))
    assert not commands


def test_the_curve_of_kept_epochs(tmp_path, monkeypatch):
    wanted = []
    values = {"9": 1.0, "10": 2.0}
    names = {"swd": ("8", "mean"), "fid": ("fid",), "kid": ("kid",), "precision-recall": ("precision", "recall")}
    measures = {
        name: {
            "real": dict.fromkeys(keys, 0.5),
            "epochs": {epoch: dict.fromkeys(keys, values[epoch]) for epoch in ("10", "9")},
        }
        for name, keys in names.items()
    }

    def evaluation(*of):
        wanted.append(of)
        return {"measures": measures}

    monkeypatch.setattr(scoring, "evaluation", evaluation)
    rows, real = scoring.curve_of_kept(tmp_path, "imagenet", 5)
    keys = ("kid", "precision", "recall", "fid", "swd")
    assert rows == [{"step": 45} | dict.fromkeys(keys, 1.0), {"step": 50} | dict.fromkeys(keys, 2.0)]
    assert real == dict.fromkeys(keys, 0.5)
    flags = ["--metrics", "swd", "fid", "kid", "precision-recall", "--images", "500"]
    assert wanted == [(tmp_path, "all", "imagenet", flags)]
    check(parse(EvaluateConfig, [str(tmp_path), *flags, "--epoch", "all", "--features", "a.keras"]))


def test_a_large_sheet_keeps_the_tiles_that_fit(tmp_path, monkeypatch):
    tiles = np.random.default_rng(0).integers(0, 256, [64, 30, 70, 3], np.uint8)
    whole = images.grid(tiles, 8, 8)
    folder = RunFolder(tmp_path)
    folder.pictures.mkdir()
    images.write_png(folder.picture(3), whole)
    monkeypatch.setattr(scoring, "find", lambda source, epoch: Found("keras", tmp_path, "a", 3))
    scoring.keep_sheet(tmp_path, [30, 70, 3], tmp_path / "small.png")
    kept = np.asarray(Image.open(tmp_path / "small.png"))
    assert (tmp_path / "small.png").stat().st_size <= scoring.MAX_SHEET_BYTES
    assert kept.shape == (6 * 32 + 2, 6 * 72 + 2, 3)  # 36 tiles of 6,300 bytes that nothing compresses; 49 are too many
    assert np.array_equal(kept, whole[: kept.shape[0], : kept.shape[1]])


def measured(variant, swd, kid, seed=0, cost=1.0, steps=(4, 8), study="faces64", features="imagenet"):
    """A result as `benchmarks.quality.run` writes it. swd, kid: of each epoch that was kept; the best has the lowest SWD."""
    rows = [
        {"step": step, "kid": k, "standard_error": 0.01, "precision": 0.5, "recall": 0.25, "fid": 9.0, "swd": s}
        for step, s, k in zip(steps, swd, kid)
    ]
    real = {"kid": -0.001, "standard_error": 0.002, "precision": 0.75, "recall": 0.75, "fid": 3.0, "swd": 5.0}

    def score(row, epoch):
        parts = {
            "swd": {"mean": "swd"},
            "fid": {"fid": "fid"},
            "kid": {"kid": "kid", "standard_error": "standard_error"},
        }
        parts["precision-recall"] = {"precision": "precision", "recall": "recall"}
        found = {
            name: {
                "epochs": {str(epoch): {to: row[key] for to, key in keys.items()}},
                "real": {to: real[key] for to, key in keys.items()},
                "protocol": {"images": 2600},
            }
            for name, keys in parts.items()
        }
        return {"measures": found}

    best = int(np.argmin(swd))
    return {
        "study": study, "variant": variant, "seed": seed, "times": 1, "cost": cost, "steps": steps[-1],
        "batch_size": 64, "precision": "bfloat16", "recipe": {"ema": 0.995}, "own_statistics": True,
        "data": {"name": "faces", "images": 5200, "image_shape": [64, 64, 3]},
        "curve": [{"step": row["step"], "swd": row["swd"], "diversity": 1.0} for row in rows],
        "chosen_by": "swd", "kid_curve": rows, "kid_curve_real": real,
        "scores": {"best": score(rows[best], best + 1), "newest": score(rows[-1], len(rows))},
        "features": features, "machine": {"processor": "a processor"},
    }  # fmt: skip


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """Writes results and makes the pages: (results) -> (quality.md, quality-switches.md)."""
    monkeypatch.setattr(quality, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(quality_page, "DOCS", tmp_path)

    def make(*results):
        for result in results:
            path = quality.result_path(result["study"], result["variant"], result["seed"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(result))
        quality_page.main()
        return tuple((tmp_path / name).read_text() for name in ("quality.md", "quality-switches.md"))

    return make


def tables_of(page):
    """The tables of a page in Markdown, each a list of {head: cell}."""
    found, head = [], None
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if not cells:
            head = None
        elif head is None:
            head = cells
            found.append([])
        elif set("".join(cells)) != {"-"}:
            found[-1].append(dict(zip(head, cells)))
    return found


def test_the_page_says_where_the_recipes_stand(pages, tmp_path):
    page, switches = pages(
        measured("tutorial", [50.0, 40.0], [0.4, 0.3]),
        measured("best", [20.0, 30.0, 25.0], [0.2, 0.1, 0.25], cost=0.5, steps=(4, 8, 12)),
        measured("best", [24.0, 22.0, 26.0], [0.22, 0.21, 0.3], cost=0.5, steps=(4, 8, 12), seed=1),
    )
    _, stands, best_epochs = tables_of(page)  # The first one says what the columns are.
    assert [(row["set"], row["recipe"]) for row in stands] == [
        ("faces64", "(real images)"), ("faces64", "tutorial"), ("faces64", "best"),
    ]  # fmt: skip
    assert [row["KID x1000"] for row in stands] == ["-1.0 ± 2.0", "300.0 ± 10.0", "205.0 (200.0..210.0) ± 10.0"]
    assert [row["SWD"] for row in stands] == ["5.0", "40.0", "21.0 (20.0..22.0)"]
    assert [row["recall"] for row in stands] == ["0.75", "0.25", "0.25 (0.25..0.25)"]
    assert [(row["cost"], row["seeds"]) for row in stands] == [("", ""), ("1.00", "1"), ("0.50", "2")]
    assert best_epochs[1] == {
        "set": "faces64", "recipe": "best, seed 0", "lowest SWD": "200.0 ± 10.0 (step 4)",
        "lowest KID": "100.0 ± 10.0 (step 8)", "last": "250.0 ± 10.0 (step 12)", "epochs": "3", "rank correlation": "-0.50",
    }  # fmt: skip
    assert best_epochs[0]["recipe"] == "tutorial" and best_epochs[0]["rank correlation"] == ""  # of two epochs
    assert best_epochs[2]["rank correlation"] == "1.00"
    page = " ".join(page.split())
    assert "In 2 of 3 runs the epoch of the lowest SWD" in page and "was told by KID in 0 of 3 runs" in page
    assert "5,200 images of 64x64x3, the time of 1,300 steps of the tutorial recipe, in batches of 64" in page
    assert "2,600 pictures with as many real images" in page and "(quality-faces64.png)" in page
    with Image.open(tmp_path / "quality-faces64.png") as figure:
        assert figure.width == 900  # for 600 points
    assert "faces64" not in switches and "blind to what a picture shows" in switches


def test_studies_without_results_are_left_out_and_sheets_shown_beside_one_another(pages, tmp_path):
    page, _ = pages()
    assert "Where we stand" not in page and "Tiny" not in page
    results = [measured(name, [20.0, 30.0], [0.2, 0.1], study="emoji64") for name in ("tutorial", "best")]
    assert "![best](" not in pages(*results)[0]
    for name in ("tutorial", "best"):
        (tmp_path / "results" / "emoji64" / f"{name}-seed0.png").touch()
    page, _ = pages()
    assert "| ![tutorial](results/emoji64/tutorial-seed0.png) | ![best](results/emoji64/best-seed0.png) |" in page
    assert "Noto Emoji, Apache License 2.0, Google" in page


def test_tiny_images_have_a_table_and_a_net_of_their_own(pages):
    older = measured("best", [30.0, 35.0], [3.0, 2.0], study="mnist28", features="b")
    del older["own_statistics"], older["kid_curve_real"]
    of_net = dict(study="mnist28", features="a")
    page, switches = pages(measured("tutorial", [40.0, 35.0], [4.0, 3.0], **of_net), older)
    _, rows = tables_of(page)
    assert [(row["recipe"], row["net"], row["SWD"]) for row in rows] == [
        ("(real images)", "A", "5.0"), ("tutorial", "A", "35.0"), ("best °", "B", "30.0"),
    ]  # fmt: skip
    assert "own statistics" not in page and "A ° marks" in page
    _, reached, of_study = tables_of(switches)
    assert reached == [{
        "on": "mnist28 °", "anchor": "the tutorial recipe for the same time", "target": "SWD no worse",
        "reached": "SWD 35.0, now 30.0", "": "yes",
    }]  # fmt: skip
    assert [row["above real"] for row in of_study] == ["", "100%", "83%"]  # 25 of 30
    assert [row["SWD, last"] for row in of_study] == ["", "35.0", "35.0"]
    assert "![SWD over time](quality-mnist28.png)" in switches


def scored(**measures):
    """A result as `quality` writes it, of given numbers at the best epoch."""
    found = {
        name: {"epochs": {"1": dict(zip(("mean", "recall"), [value, value]))}, "real": {"mean": 2.0}}
        for name, value in measures.items()
        if name != "stacked_modes"
    }
    scores = {"best": {"measures": found, "stacked_modes": measures.get("stacked_modes")}}
    return {"scores": scores, "features": "a", "recipe": {"ema": 0.995}, "own_statistics": True}


@pytest.mark.parametrize(
    ("swd", "msssim", "reached"), [(7.9, 0.1395, "yes"), (8.0, 0.13, "**no**"), (7.9, 0.14, "**no**")]
)
def test_the_published_target_wants_both(swd, msssim, reached):
    (row,) = targets.rows({"mnist64": {("best", 1): [scored(swd=swd, msssim=msssim)]}})
    assert row["reached"] == f"mean SWD {swd:.2f}, MS-SSIM {msssim:.4f} (real images 2.0000)" and row[""] == reached


@pytest.mark.parametrize(("ema", "name"), [(0.995, "mnist28 °"), (0.0, "mnist28")])
def test_an_average_without_statistics_of_its_own_is_marked(ema, name):
    tutorial, best = scored(swd=22.0), scored(swd=11.0) | {"recipe": {"ema": ema}}
    del best["own_statistics"]  # as in older results
    (row,) = targets.rows({"mnist28": {("tutorial", 1): [tutorial], ("best", 1): [best]}})
    assert row["on"] == name and row["reached"] == "SWD 22.0, now 11.0"


def test_one_switch_at_a_time_beside_the_recipe():
    def result(swd):
        found = scored(swd=swd) | {"cost": 0.5}
        return found | {"scores": found["scores"] | {"newest": found["scores"]["best"]}}

    results = {
        "faces32": {
            ("tutorial", 1): [result(22.0)],
            ("best", 1): [result(8.0), result(12.0)],
            ("best, R1", 1): [result(11.0)],
            ("best, hinge", 1): [result(5.0)],
            ("best, flips", 1): [result(1.0)],  # not of both
        },
        "paintings32": {
            ("best", 1): [result(20.0)],
            ("best, R1", 1): [result(24.0)],
            ("best, hinge", 1): [result(28.0)],
            ("best, flips", 3): [result(1.0)],
        },
    }
    rows = switches.one_switch(results)
    assert [(row["recipe"], row["SWD, of best's"]) for row in rows] == [
        ("best, hinge", "0.95"),  # (5/10 + 28/20) / 2
        ("best", "1.00"),
        ("best, R1", "1.15"),
    ]
    assert rows[1]["faces32: SWD, best"] == "10.0 (8.0..12.0)" and rows[2]["paintings32: SWD, best"] == "24.0"
    assert switches.one_switch({"faces32": results["faces32"]}) == []
    assert not any("net" in head for head in rows[0])
    results["paintings32"]["best, R1", 1][0]["features"] = "b"
    rows = switches.one_switch(results)  # FID and recall of both in the features of two nets
    assert [row["paintings32: net"] for row in rows] == ["A", "A", "B"] and "faces32: net" not in rows[0]


def test_all_modes_of_every_seed():
    def row(*covered):
        best = [scored(stacked_modes={"covered": number, "divergence": 0.05}) for number in covered]
        (row,) = targets.rows({"stacked": {("best", 1): best}})
        return row["reached"], row[""]

    assert row(1000, 1000) == ("1,000 modes, KL 0.050", "yes") and row(1000, 999) == ("999 modes, KL 0.050", "**no**")


def test_stacked_digits_are_three_digits_each(tmp_path):
    path = tmp_path / "new" / "stacked.npy"
    stacked.make("digits", path, images=50)
    digits = open_source("digits").read(np.arange(1797))[..., 0]
    made = np.load(path)
    assert made.shape == (50, 8, 8, 3) and made.dtype == np.uint8
    known = {digit.tobytes() for digit in digits}
    assert all(image[..., channel].tobytes() in known for image in made for channel in range(3))
    assert any((image[..., 0] != image[..., 1]).any() for image in made)
    again = tmp_path / "again.npy"
    stacked.make("digits", again, images=50)
    assert again.read_bytes() == path.read_bytes()


def test_modes_of_stacks(tmp_path):
    """Of a classifier that says 0 of dark images and 1 of light ones, 2^3 modes."""
    path = tmp_path / "two.keras"
    classifier_by_hand(path)
    image = np.zeros([4, 8, 8, 3], np.uint8) + 25
    image[1, ..., 0] = image[2, ..., 2] = image[3] = 205
    found = stacked.modes(source_of(image), path)
    assert (found["covered"], found["of"], found["samples"]) == (4, 8, 4)
    assert found["divergence"] == pytest.approx(math.log(2))  # 4 of 8 modes, alike


@pytest.mark.parametrize(
    ("cost", "per_epoch", "epochs"),
    [
        (1.0, 469, 6),  # 3,000 steps are 6.4 epochs, so 6 are trained, the time of 2,814 steps
        (0.5, 938, 6),
        (1.029, 469, 6),  # a cost is not known better
        (1.031, 469, 5),
        (0.2274, 3750, 3),  # 3.3; 4 would take longer, though they are nearer to 3,000 steps
        (7.0, 469, 1),
    ],
)
def test_no_variant_trains_for_longer_than_the_tutorial_recipe(cost, per_epoch, epochs):
    assert quality.epochs_of_equal_time(3000, 469, per_epoch, cost) == epochs


def test_steps_are_timed_in_turn(here):
    flags = ["--data", str(here / "ramps.npy"), "--batch-size", "16", "--precision", "float32", *SMALL]
    assert quality.time_steps(flags, "ema", rounds=1, seconds=0.01) > 0


def test_every_variant_is_a_command_that_parses():
    of_variants = map(studies.flags_of, studies.VARIANTS)
    for flags in (*of_variants, *(study.flags for study in studies.STUDIES.values())):
        check(parse(TrainConfig, list(flags)))
    assert studies.flags_of("tutorial") == ["--recipe", "tutorial"]
    assert studies.flags_of("best, R1") == ["--recipe", "best", "--r1", "1", "--penalty-every", "8"]
    elsewhere = {"even kernels", "best, uneven kernels"}
    for study, same in (("mri32", "best, gain"), ("faces32", "best, no gain")):
        assert set(studies.NOW) - set(studies.STUDIES[study].variants) == elsewhere | {"best, augment", same}
