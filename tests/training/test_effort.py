"""With how much effort a run is measured, and that its numbers in features are those of evaluate."""

import functools
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.image_sets import ramps

from dcgan_tf import cli
from dcgan_tf.common.install import install_command
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.generators.quality import Effort, effort_of
from dcgan_tf.metrics import imagenet
from dcgan_tf.nets.saved import load_model
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.training import effort
from dcgan_tf.training.command import train
from dcgan_tf.training.plan import make_plan

pytestmark = pytest.mark.usefixtures("one_trace")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """208 images of 32x32 in 13 steps an epoch."""
    folder = tmp_path_factory.mktemp("images")
    np.save(folder / "ramps.npy", ramps(208, 32, 32, 1))
    return TrainConfig(
        data=str(folder / "ramps.npy"),
        run_dir=str(folder / "run"),
        preset="mnist-mlp",
        image_size=(32, 32),
        batch_size=16,
        epochs=2,
        precision="float32",
        save_every=1,
        sample_every=2,
        evaluate_every=1,
    )


@pytest.mark.skipif(not imagenet.is_installed(), reason="needs the extra imagenet")
def test_a_run_is_told_by_what_evaluate_says_in_features(config, capsys, monkeypatch):
    # Images of 96x96 take a third of the time; their features are several times as far from each other.
    small = functools.cache(functools.partial(imagenet.feature_net, side=96))
    monkeypatch.setattr(imagenet, "feature_net", small)
    assert train(config) == 0
    out = capsys.readouterr().out.splitlines()
    said = [line for line in out if line.startswith("epoch ") and "KID" in line]
    run = RunFolder(Path(config.run_dir))
    lines = [line for line in map(json.loads, run.log.read_text().splitlines()) if "kid" in line]
    assert [line["epoch"] for line in lines] == [1, 2] and {line["feature_images"] for line in lines} == {104}
    best = run.read_best()
    assert 0.1 < best["kid_of_jumbled_images"] < 30
    # After two epochs SWD is four times that of real images: it tells the best until then.
    assert best["epoch"] == min(lines, key=lambda line: line["swd"])["epoch"] and best["feature_images"] == 104
    assert len(said) == 2 and "real images" in said[0]
    (done,) = [line for line in out if line.startswith("done ")]
    assert f"the best is epoch {best['epoch']}: " in done and f" (SWD {best['swd']:.1f}, KID {best['kid']:.3f})" in done
    command = ["evaluate", config.run_dir, "--epoch", "all", "--images", "104", "--metrics"]
    assert cli.main([*command, "fid", "kid", "precision-recall"]) == 0
    measures = json.loads((run.evaluation / "evaluation.json").read_text())["measures"]
    for line in lines:
        for name, measure in (
            ("kid", "kid"),
            ("fid", "fid"),
            ("precision", "precision-recall"),
            ("recall", "precision-recall"),
        ):
            assert line[name] == pytest.approx(
                measures[measure]["epochs"][str(line["epoch"])][name], rel=2e-2, abs=1e-4
            )
            assert best[f"{name}_of_real_images"] == pytest.approx(measures[measure]["real"][name], rel=1e-4, abs=1e-6)
    assert f"* {best['epoch']}" in capsys.readouterr().out
    # Measuring changes nothing of what is trained.
    monkeypatch.setattr(imagenet, "is_installed", lambda: False)
    without = RunFolder(Path(config.run_dir + "-by-swd"))
    assert train(replace(config, run_dir=str(without.path))) == 0
    assert "kid" not in without.read_best()
    a, b = (load_model(folder.generator(2)).get_weights() for folder in (run, without))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    ("budget", "half", "images"),
    [
        (512 * 15, 5000, 512),
        (511 * 15, 5000, 256),
        (255 * 15, 5000, 128),
        (64 * 15, 5000, 128),
        (63 * 15, 5000, 0),
        (100 * 15, 100, 512),
    ],
)
def test_features_are_taken_of_as_many_images_as_there_is_time_for(budget, half, images):
    assert effort.affordable_features(1.0, half, float(budget)) == images


def test_without_the_package_the_run_goes_on_by_swd_and_says_so(config, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    plan = make_plan(replace(config, run_dir=config.run_dir + "-without"))
    best = {"epoch": 1, "swd": 90.0, "kid": 0.5, "images": 104, "directions": 8, "feature_images": 104}
    capsys.readouterr()
    quality, _ = effort.settle(plan, lambda latents: np.zeros([len(latents), 32, 32, 1], np.uint8), best, 0.01)
    assert quality.effort == Effort(104, 8)
    assert capsys.readouterr().out == (
        "note: the best so far was told by KID too, in features that need a package: "
        f"{install_command([imagenet.PACKAGE])}; without it, SWD alone tells the best\n"
    )


def test_damaged_weights_do_not_end_a_run(config, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(imagenet, "is_installed", lambda: True)
    monkeypatch.setattr(imagenet, "_folder", lambda: tmp_path)
    plan = make_plan(replace(config, run_dir=config.run_dir + "-damaged"))
    capsys.readouterr()
    quality, _ = effort.settle(plan, lambda latents: np.zeros([len(latents), 32, 32, 1], np.uint8), {}, 0.01)
    assert quality.effort == Effort(104, 512)
    said = capsys.readouterr().out
    assert said.startswith(
        f"note: --features imagenet: {tmp_path / imagenet.WEIGHTS} is not the whole file of weights: "
    )
    assert said.endswith("; SWD alone tells the best\n") and said.count("\n") == 1


@pytest.mark.parametrize(
    ("best", "expected"),
    [
        ({}, None),
        ({"epoch": 1}, None),
        ({"swd": 50.0}, (1024, 512, 0)),  # of an earlier version, which always made the full effort
        ({"swd": 50.0, "images": 256, "directions": 64}, (256, 64, 0)),
        ({"swd": 50.0, "images": 256, "directions": 64, "feature_images": 128}, (256, 64, 128)),
        ({"swd": 50.0, "images": 3, "directions": 64}, None),  # made by hand
        ({"swd": 50.0, "images": 256, "directions": 64, "feature_images": 99}, None),
    ],
)
def test_the_effort_in_best_json(best, expected):
    assert effort_of(best) == (expected and Effort(*expected))
