"""The programs that compare recipes, on a few small images."""

import json

import numpy as np
import pytest
from image_sets import ramps

from benchmarks import quality, quality_page
from dcgan_tf import cli


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A study of 8x8 images in a temporary folder, whose commands run in this process."""
    np.save(tmp_path / "ramps.npy", ramps(64, 8, 8, 3))
    study = quality.Study("ramps.npy", 8, ("--batch-size", "16"), ("tutorial", "best"), images=32)
    monkeypatch.setattr(quality, "STUDIES", {"ramps8": study})
    monkeypatch.setattr(quality_page, "STUDIES", {"ramps8": study})
    monkeypatch.setattr(quality, "ROOT", tmp_path)
    for name in ("RESULTS", "RUNS"):
        monkeypatch.setattr(quality, name, tmp_path / name.lower())
    monkeypatch.setattr(quality_page, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(quality_page, "DOCS", tmp_path)

    def run(arguments):
        if arguments[0] == "-c":
            return "2.0\n"  # a step of it takes twice as long
        code = cli.train_main(arguments[1:]) if arguments[0] == "train.py" else cli.main(arguments[2:])
        assert code == 0

    monkeypatch.setattr(quality, "run", run)
    return tmp_path


def test_equal_time_and_one_page_of_it(here, capsys):
    config = quality.Config("ramps8", data_root=str(here), precision="float32")
    quality.main(config)
    results = {path.stem: json.loads(path.read_text()) for path in (here / "results" / "ramps8").iterdir()}
    assert set(results) == {"tutorial-seed0", "best-seed0"}
    tutorial, best = results["tutorial-seed0"], results["best-seed0"]
    assert (tutorial["cost"], tutorial["steps"]) == (1.0, 8) and (best["cost"], best["steps"]) == (2.0, 4)
    assert [point["step"] for point in tutorial["curve"]] == [4, 8] and [point["step"] for point in best["curve"]] == [
        4
    ]
    for result in results.values():
        measures = result["scores"]["newest"]["measures"]
        assert list(measures["swd"]["epochs"]) == [str(result["steps"] // 4)]
        assert set(result["scores"]["best"]["measures"]) == {"swd", "msssim", "diversity", "copies"}
    before = {path: path.stat().st_mtime_ns for path in (here / "results").rglob("*.json")}
    quality.main(config)
    assert {path: path.stat().st_mtime_ns for path in (here / "results").rglob("*.json")} == before

    quality_page.main()
    page = (here / "quality.md").read_text()
    rows = {line.split("|")[1].strip(): line.split("|") for line in page.splitlines() if line.startswith("|")}
    swd = tutorial["scores"]["newest"]["measures"]["swd"]
    assert rows["tutorial"][5].strip() == f"{swd['epochs']['2']['mean']:.1f}" and rows["best"][3].strip() == "2.00"
    assert rows["(real images)"][4].strip() == f"{swd['real']['mean']:.1f}"
    assert "64 images of 8x8x3, batches of 16, the time of 8 steps" in page
    assert (here / "quality-ramps8.png").exists()


def test_steps_are_timed_in_turn(here):
    flags = ["--data", str(here / "ramps.npy"), "--batch-size", "16", "--precision", "float32"]
    assert quality.time_steps(flags, ["--r1", "1"], rounds=1, seconds=0.01) > 0


def test_every_variant_is_a_command_that_parses():
    import tyro

    from dcgan_tf.checks import check_train
    from dcgan_tf.config import TrainConfig

    for flags in (*quality.VARIANTS.values(), *(study.flags for study in quality.STUDIES.values())):
        check_train(tyro.cli(TrainConfig, args=list(flags)))
    assert set(quality.STUDIES["faces32"].variants) == set(quality.VARIANTS)
