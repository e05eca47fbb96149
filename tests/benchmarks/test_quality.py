"""The programs that compare recipes, on a few small images."""

import dataclasses
import json
import math

import numpy as np
import pytest
from PIL import Image
from support.image_sets import ramps, source_of

from benchmarks.quality import page as quality_page
from benchmarks.quality import run as quality
from benchmarks.quality import stacked, studies, targets
from dcgan_tf import cli
from dcgan_tf.config.checks import check
from dcgan_tf.config.parser import parse
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.sources import open_source

SMALL = ("--preset", "mnist-mlp", "--image-size", "8")


def labelled_folder(folder):
    """Two classes of 8x8 images, dark ones and light ones."""
    for number in range(16):
        for name, level in (("dark", 20), ("light", 200)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            image = np.full([8, 8, 3], level + number, np.uint8)
            Image.fromarray(image).save(folder / name / f"{number}.png")


@pytest.fixture
def commands():
    """The commands that a study ran, as lists of words."""
    return []


@pytest.fixture
def here(tmp_path, monkeypatch, commands, quick_runs):
    """A study of 8x8 images in a temporary folder, whose commands run in this process."""
    np.save(tmp_path / "ramps.npy", ramps(256, 8, 8, 3))
    labelled_folder(tmp_path / "labelled")
    features = ("labelled", "--epochs", "2")
    flags = ("--batch-size", "64", *SMALL)
    study = studies.Study("ramps.npy", 8, flags, ("tutorial", "best"), features, images=100)
    monkeypatch.setattr(quality, "STUDIES", {"ramps8": study})
    monkeypatch.setattr(quality_page, "STUDIES", {"ramps8": study})
    monkeypatch.setattr(quality, "ROOT", tmp_path)
    monkeypatch.setattr(quality, "SWD_IMAGES", 200)
    for name in ("RESULTS", "RUNS"):
        monkeypatch.setattr(quality, name, tmp_path / name.lower())
    monkeypatch.setattr(quality_page, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(quality_page, "DOCS", tmp_path)

    def run(arguments):
        commands.append(arguments)
        if arguments[0] == "-c":
            return "2.0\n"  # a step of it takes twice as long
        code = cli.train_main(arguments[1:]) if arguments[0] == "train.py" else cli.main(arguments[2:])
        assert code == 0

    monkeypatch.setattr(quality, "run", run)
    return tmp_path


@pytest.fixture
def without_features(here):
    """No feature net, nor what is measured in its features."""
    quality.STUDIES["ramps8"] = dataclasses.replace(quality.STUDIES["ramps8"], features=())


def results_in(folder):
    return {path.stem: json.loads(path.read_text()) for path in (folder / "results" / "ramps8").glob("*.json")}


def lines_of(page):
    """{first cell: {head: cell}} of the tables of a page in Markdown."""
    found, head = {}, None
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if not cells:
            head = None
        elif head is None:
            head = cells
        elif set(cells[0]) != {"-"}:
            found[cells[0]] = dict(zip(head, cells))
    return found


def test_equal_time_and_one_page_of_it(here, commands, capsys):
    config = quality.Config("ramps8", data_root=str(here), precision="float32")
    quality.main(config)
    results = results_in(here)
    assert set(results) == {"tutorial-seed0", "best-seed0"}
    tutorial, best = results["tutorial-seed0"], results["best-seed0"]
    assert (tutorial["cost"], tutorial["steps"]) == (1.0, 8) and (best["cost"], best["steps"]) == (2.0, 4)
    assert [point["step"] for point in tutorial["curve"]] == [4, 8]
    assert [point["step"] for point in best["curve"]] == [4]
    for result in results.values():
        found = result["scores"]["newest"]["measures"]
        assert list(found["swd"]["epochs"]) == [str(result["steps"] // 4)]
        in_features = {"fid", "kid", "precision-recall", "modes"}
        assert set(found) == {"swd", "tones", "msssim", "copies", "diversity"} | in_features
        assert result["kid_curve"][-1]["step"] == result["steps"] and result["times"] == 1
        draws = found["swd"]["draws"]
        assert len(draws) == 2 and len({draw["mean"] for draw in draws}) == 2  # of 100 images each
        (averaged,) = found["swd"]["epochs"].values()
        assert averaged == pytest.approx({"8": np.mean([draw["8"] for draw in draws]), "mean": averaged["8"]})
    assert tutorial["features"] == best["features"]
    # The one epoch of the second run is its best and its last: it is measured once.
    evaluated = [command[command.index("--epoch") + 1] for command in commands if "evaluate" in command]
    assert evaluated[-2:] == ["all", "1"] and best["scores"]["best"] == best["scores"]["newest"]
    assert str(here) not in json.dumps(results)
    before = {path: path.stat().st_mtime_ns for path in (here / "results").rglob("*.json")}
    quality.main(config)
    assert {path: path.stat().st_mtime_ns for path in (here / "results").rglob("*.json")} == before

    quality_page.main()
    page = (here / "quality.md").read_text()
    rows = lines_of(page)
    swd, swd_best = (result["scores"]["best"]["measures"]["swd"] for result in (tutorial, best))
    real = swd["real"]["mean"]
    (of_tutorial,), (of_best,) = ([one["mean"] for one in found["epochs"].values()] for found in (swd, swd_best))
    assert rows["tutorial"]["SWD, best"] == f"{of_tutorial:.1f}" and rows["best"]["cost"] == "2.00"
    assert rows["tutorial"]["above real"] == "100%"
    assert rows["best"]["above real"] == f"{(of_best - real) / (of_tutorial - real):.0%}"
    assert rows["(real images)"]["SWD, best"] == f"{real:.1f}" and rows["(real images)"]["SWD, last"] == ""
    assert "256 images of 8x8x1, the time of 8 steps of the tutorial recipe, in batches of 64" in page
    assert (here / "quality-ramps8.png").exists()
    assert "net" not in rows["tutorial"]

    # Of another machine, where another net was made.
    elsewhere = here / "results" / "ramps8" / "tutorial-seed1.json"
    elsewhere.write_text(json.dumps(tutorial | {"seed": 1, "features": "of another"}))
    quality_page.main()
    rows = lines_of((here / "quality.md").read_text())
    assert [rows[name]["net"] for name in ("tutorial", "best", "(real images)")] == ["A, B", "A", "B"]


@pytest.mark.usefixtures("without_features")
def test_a_run_that_goes_on_is_the_one_that_was_there(here, capsys, monkeypatch):
    config = quality.Config("ramps8", ("best",), data_root=str(here), precision="float32")
    quality.main(config)
    assert not list((here / "results").rglob("*.png"))
    (reals,) = (here / "runs" / "ramps8").glob("real-*.json")  # worked out once for all runs
    known = json.loads(reals.read_text())
    known["measures"]["tones"]["real"]["distance"] = 123.0
    reals.write_text(json.dumps(known))
    monkeypatch.chdir(here)
    monkeypatch.setattr(quality, "DIGITS", "ramps.npy")  # Pictures are shown of the digits alone.
    quality.main(dataclasses.replace(config, times=3))
    results = results_in(here)
    assert all(
        one["measures"]["tones"]["real"]["distance"] == 123.0 for one in results["best-x3-seed0"]["scores"].values()
    )
    once, longer = results["best-seed0"], results["best-x3-seed0"]
    assert (once["steps"], longer["steps"]) == (4, 12)
    assert longer["curve"][: len(once["curve"])] == once["curve"] and len(longer["curve"]) == 3
    assert [path.name for path in (here / "runs" / "ramps8").iterdir() if path.is_dir()] == ["best-seed0"]
    quality_page.main()
    rows = lines_of((here / "quality.md").read_text())
    page = (here / "quality.md").read_text()
    assert page.count("![") == 2 and "![best-x3-seed0](results/ramps8/best-x3-seed0.png)" in page  # and the curves
    shown = here / "results" / "ramps8" / "best-x3-seed0.png"
    assert shown.read_bytes() == (here / "runs/ramps8/best-seed0/picture/image_at_epoch_0003.png").read_bytes()
    ratio = targets.end_over_best(longer)
    last, best = (
        [draw["mean"] for draw in longer["scores"][name]["measures"]["swd"]["draws"]] for name in ("newest", "best")
    )
    assert ratio == pytest.approx(np.mean(last) / np.mean(best)) and rows["best, x3"]["seeds"] == "1"
    assert rows["ramps8"]["reached"] == f"{ratio:.2f}" and rows["ramps8"][""] == ("yes" if ratio <= 1.05 else "**no**")


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


def test_a_distance_is_halved_above_that_of_real_images():
    def row(swd, recall, net="a"):
        tutorial, best = scored(swd=22.0), scored(swd=swd) | {"features": net}
        for result, value in ((tutorial, 0.3), (best, recall)):
            result["scores"]["best"]["measures"]["precision-recall"] = {"epochs": {"1": {"recall": value}}}
        (row,) = targets.rows({"faces64": {("tutorial", 1): [tutorial], ("best", 1): [best]}})
        return row

    assert row(12.0, 0.4)[""] == "yes" and row(12.1, 0.4)[""] == row(12.0, 0.3)[""] == "**no**"
    assert row(12.0, 0.4)["reached"] == "20.0 above real images, now 10.0: 50%; recall 0.30, now 0.40"
    assert row(12.0, 0.4, "b")["reached"].endswith("now 0.40 (in the features of two nets)")


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
    rows = quality_page.one_switch(results)
    assert [(row["recipe"], row["SWD, of best's"]) for row in rows] == [
        ("best, hinge", "0.95"),  # (5/10 + 28/20) / 2
        ("best", "1.00"),
        ("best, R1", "1.15"),
    ]
    assert rows[1]["faces32: SWD, best"] == "10.0 (8.0..12.0)" and rows[2]["paintings32: SWD, best"] == "24.0"
    assert quality_page.one_switch({"faces32": results["faces32"]}) == []
    assert not any("net" in head for head in rows[0])
    results["paintings32"]["best, R1", 1][0]["features"] = "b"
    rows = quality_page.one_switch(results)  # FID and recall of both in the features of two nets
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


def test_modes_of_stacks(tmp_path, monkeypatch):
    """Of a classifier that says 0 of dark images and 1 of light ones, 2^3 modes."""
    labelled_folder(tmp_path / "labelled")
    path = tmp_path / "two.keras"
    wide = ["--image-size", "8", "8", "--epochs", "20"]
    assert cli.main(["train-features", str(tmp_path / "labelled"), "--out", str(path), *wide]) == 0
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
    assert quality.time_steps(flags, "R1", rounds=1, seconds=0.01) > 0


def test_every_variant_is_a_command_that_parses():
    of_variants = map(studies.flags_of, studies.VARIANTS)
    for flags in (*of_variants, *(study.flags for study in studies.STUDIES.values())):
        check(parse(TrainConfig, list(flags)))
    assert studies.flags_of("tutorial") == ["--recipe", "tutorial"]
    assert studies.flags_of("best, R1") == ["--recipe", "best", "--r1", "1", "--penalty-every", "8"]
    elsewhere = {"even kernels", "best, uneven kernels"}
    for study, same in (("mri32", "best, gain"), ("faces32", "best, no gain")):
        assert set(studies.NOW) - set(studies.STUDIES[study].variants) == elsewhere | {"best, augment", same}
