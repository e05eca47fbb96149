"""Runs that measure their pictures, and keep the best."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support import small_nets
from support.helpers import error_of

from dcgan_tf import cli
from dcgan_tf.common.backend import keras
from dcgan_tf.common.program import program
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.generators.find import find
from dcgan_tf.generators.quality import FULL_EFFORT, Effort, Quality
from dcgan_tf.nets.build import build_generator
from dcgan_tf.nets.saved import load_model
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.training import schedule
from dcgan_tf.training.command import train
from dcgan_tf.training.effort import affordable, given_effort
from dcgan_tf.training.judge import Judge, Moment
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.start import load_nets

# 44 images of 8x8 in batches of 16: epochs of three steps.
SMALL = dict(batch_size=16, epochs=4, precision="float32", save_every=1, sample_every=4, evaluate_every=1, keep_last=1)
# The dense preset is built soonest; what is measured is the same for all.
ALL = dict(
    preset="mnist-mlp",
    image_size=(8, 8),
    recipe="best",
    switches=Switches(
        loss="relativistic",
        flips="on",
        r1=1.0,
        penalty_every=2,
        spectral_norm="on",
        tanh_gain=1.2,
    ),
)
pytestmark = pytest.mark.usefixtures("one_trace")


def config(squares, run_dir, **changes):
    return TrainConfig(**{"data": str(squares), "run_dir": str(run_dir), **SMALL, **ALL, **changes})


def log(run_dir):
    return [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]


def measured(run_dir):
    return [{k: v for k, v in line.items() if k != "step"} for line in log(run_dir) if "swd" in line]


@pytest.fixture(scope="module")
def finished(squares, tmp_path_factory, one_trace):
    run_dir = tmp_path_factory.mktemp("runs") / "finished"
    assert train(config(squares, run_dir)) == 0
    return run_dir


def test_every_epoch_is_measured_and_the_best_is_named_and_kept(finished):
    lines = measured(finished)
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    best = min(lines, key=lambda line: line["swd"])
    held = json.loads((finished / "best.json").read_text())
    assert held["epoch"] == best["epoch"] and held["step"] == 3 * best["epoch"]
    assert held["swd"] == pytest.approx(best["swd"], rel=1e-5) and held["swd_of_real_images"] < held["swd"]
    assert RunFolder(finished).saved_epochs() == sorted({best["epoch"], 4})


def test_the_best_before_goes_also_where_the_last_epoch_is_the_best(squares, tmp_path, monkeypatch):
    falling = iter([500.0, 400.0])
    monkeypatch.setattr(Quality, "scores", lambda quality: {"swd": next(falling)})
    assert train(config(squares, tmp_path, epochs=2, recipe="tutorial", switches=Switches())) == 0
    assert RunFolder(tmp_path).read_best().get("epoch") == 2 and RunFolder(tmp_path).saved_epochs() == [2]


def test_the_best_is_what_is_taken(finished, squares):
    best = RunFolder(finished).read_best().get("epoch")
    for epoch, expected in ((None, best), ("best", best), ("newest", 4), (4, 4)):
        assert find(str(finished), epoch).epoch == expected
    (finished.parent / "unmeasured").mkdir(exist_ok=True)
    for name in ("epoch1_Gmodel.h5", "config.json"):
        source = finished / ("epoch4_Gmodel.h5" if name.startswith("epoch") else name)
        (finished.parent / "unmeasured" / name).write_bytes(source.read_bytes())
    assert find(str(finished.parent / "unmeasured")).epoch == 1
    assert error_of(find, str(finished.parent / "unmeasured"), "best") == (
        f"--epoch best: {finished.parent / 'unmeasured'} has measured none: give a number, or --epoch newest"
    )


def test_a_run_from_a_saved_generator_trains_it_without_its_gain(finished, squares, tmp_path):
    path = finished / "epoch4_Gmodel.h5"
    saved = load_model(path)
    assert saved.layers[-2].scale == 1.2 and saved.layers[-1].activation is keras.activations.hard_tanh
    generator, _ = load_nets(config(squares, tmp_path, generator=str(path)))
    assert len(generator.layers) == len(saved.layers) - 2
    z = np.random.default_rng(0).normal(size=[50, *saved.input_shape[1:]])
    np.testing.assert_allclose(saved(z), np.clip(1.2 * generator(z).numpy(), -1, 1), rtol=0, atol=1e-6)


def test_the_score_is_what_evaluate_says_of_the_saved_generator(finished, tmp_path):
    line = measured(finished)[-1]
    command = ["evaluate", str(finished), "--epoch", "4", "--metrics", "swd", "--images", str(FULL_EFFORT.images)]
    assert cli.main([*command, "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "evaluation.json").read_text())["measures"]["swd"]
    assert line["swd"] == pytest.approx(found["epochs"]["4"]["mean"], rel=1e-3)
    held = json.loads((finished / "best.json").read_text())
    assert held["swd_of_real_images"] == pytest.approx(found["real"]["mean"], rel=1e-6)
    assert 0 < line["diversity"] < 3


def test_stopped_and_resumed_is_never_stopped(finished, squares, tmp_path):
    for steps in (7, None):  # Within an epoch, and between two of the steps that have a penalty.
        train(config(squares, tmp_path / "run", max_steps=steps))
    assert measured(tmp_path / "run")[-1] == measured(finished)[-1]
    for net in "GD":
        a, b = (
            keras.models.load_model(folder / f"epoch4_{net}model.h5", compile=False).get_weights()
            for folder in (finished, tmp_path / "run")
        )
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_the_saved_generator_is_the_moving_average(squares, tmp_path):
    normed, nets = dict(preset="auto", image_size=None, recipe="tutorial"), {}  # It has batch normalization.
    for ema in (0.0, 0.5):
        run = config(squares, tmp_path / str(ema), switches=Switches(ema=ema), epochs=1, max_steps=1, **normed)
        train(run)
        nets[ema] = keras.models.load_model(tmp_path / str(ema) / "epoch1_Gmodel.h5", compile=False)
    preset = make_plan(config(squares, tmp_path / "x", switches=Switches(), **normed)).preset
    weights = [net.trainable_weights for net in (nets[0.5], nets[0.0], build_generator(preset))]
    # The first update's decay is 0.1: a tenth of the way from the new weights back to the first ones.
    for a, b, c in zip(*weights, strict=True):
        np.testing.assert_allclose(a, 0.9 * b.numpy() + 0.1 * c.numpy(), rtol=0, atol=1e-6)
    statistics = small_nets.own_statistics(nets[0.5], preset, run.seed)
    for a, b in zip(nets[0.5].non_trainable_weights, statistics, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_other_switches_are_another_run(finished, squares):
    other = config(squares, finished, switches=Switches(loss="hinge"))
    assert error_of(train, other).startswith(
        f"{finished}: the run there was begun with other settings (--loss relativistic, now hinge; "
    )
    other = config(squares, finished, switches=ALL["switches"].__class__(**{**vars(ALL["switches"]), "r1": 2.0}))
    assert error_of(train, other) == (
        f"{finished}: the run there was begun with other settings (--r1 1.0, now 2.0): carry on with: "
        f"{program()} resume {finished}, or give another --run-dir"
    )


def test_too_few_images_to_measure(tmp_path):
    np.save(tmp_path / "few.npy", np.random.default_rng(0).integers(0, 256, [20, 8, 8], np.uint8))
    few = TrainConfig(data=str(tmp_path / "few.npy"), run_dir=str(tmp_path / "run"), batch_size=4, evaluate_every=2)
    assert error_of(train, few) == (
        "--evaluate-every 2: measuring takes at least 32 images of 7x7 or larger, and these are 20 of 8x8: give 0"
    )


@pytest.mark.parametrize(
    "switches, message",
    [
        (dict(packing=3), "--packing 3: does not divide --batch-size 16: give a batch size that is a multiple of 3"),
        (dict(packing=0), "--packing 0: must be at least 1"),
        (dict(penalty_every=0), "--penalty-every 0: must be at least 1"),
        (dict(ema=1.0), "--ema 1: must be at least 0 and below 1, such as 0.995"),
        (dict(r1=-1.0), "--r1 -1: must be 0 or more"),
        (dict(tanh_gain=0.9), "--tanh-gain 0.9: must be at least 1 and at most 2, such as 1.05"),
        (dict(tanh_gain=2.1), "--tanh-gain 2.1: must be at least 1 and at most 2, such as 1.05"),
        (dict(d_learning_rate=2.0), "--d-learning-rate 2.0: must be above 0 and below 1, such as 0.0002"),
        (dict(instance_noise=float("nan")), "--instance-noise nan: must be 0 or more"),
    ],
)
def test_switches_out_of_range(switches, message, squares, tmp_path):
    assert error_of(cli.train, config(squares, tmp_path, switches=Switches(**switches))) == message


# 352 images of 8x8 in batches of 16: epochs of 22 steps. Without a flag, such a run is measured where `INNER` says.
INNER = [10, 22, 30, 44, 50, 60]


@pytest.fixture
def ramps(tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "MIN_MEASURED_STEPS_APART", 10)
    monkeypatch.setattr(Quality, "seconds_an_image", lambda self: 1e-9)
    np.save(tmp_path / "ramps.npy", np.random.default_rng(0).integers(0, 256, [352, 8, 8], np.uint8))
    return TrainConfig(
        data=str(tmp_path / "ramps.npy"), run_dir=str(tmp_path / "run"), batch_size=16, epochs=3, max_steps=60,
        precision="float32", preset="mnist-mlp", image_size=(8, 8), recipe="tutorial", save_every=1,
    )  # fmt: skip


def scored(run_dir):
    return [(line["step"], line["swd"]) for line in log(run_dir) if "swd" in line]


def test_a_run_is_measured_within_its_epochs_and_the_best_keeps_its_models(
    ramps, tmp_path, scores, capsys, monkeypatch
):
    found = [400.0, 60.0, 30.0, 50.0, 35.0, 40.0]
    scores(*found)
    monkeypatch.setattr(Quality, "of_reals", {"swd_of_real_images": 39.0})
    train(ramps)
    run = tmp_path / "run"
    assert scored(run) == list(zip(INNER, found, strict=True))
    best = RunFolder(run).read_best()
    assert (best["epoch"], best["step"], best["swd"], best["images"], best["directions"]) == (2, 30, 30.0, 176, 512)
    said = [line for line in capsys.readouterr().out.splitlines() if "SWD" in line]
    like, near = (f"colours and textures {word} those of real images" for word in ("like", "near"))
    assert said[:4] == [
        "step 10 of epoch 1: SWD 400.0 (real images 39.0): nothing like real images yet, diversity 90%",
        "epoch 1: SWD 60.0 (real images 39.0): some way from real images, diversity 90%; the best so far",
        f"step 30 of epoch 2: SWD 30.0 (real images 39.0): {like}, diversity 90%; the best so far",
        f"epoch 2: SWD 50.0 (real images 39.0): {near}, diversity 90%; the best is step 30 of the same epoch, 30.0",
    ]
    within = keras.models.load_model(run / "epoch2_Gmodel.h5", compile=False).get_weights()
    train(replace(ramps, run_dir=str(tmp_path / "short"), max_steps=30, evaluate_every=0))
    after_30 = keras.models.load_model(tmp_path / "short" / "epoch2_Gmodel.h5", compile=False).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(within, after_30, strict=True))


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(4096 * 12, (1024, 512)), (4095 * 12, (1024, 64)), (1023 * 12, (512, 64)), (0, (512, 64))],
)
def test_a_run_is_measured_with_the_effort_that_it_has_time_for(budget, effort):
    assert affordable(1.0, 5000, float(budget)) == Effort(*effort)
    assert affordable(1.0, 100, 400.0 * 12) == Effort(1024, 512)  # There are only a hundred to measure.


@pytest.mark.parametrize(
    ("best", "every", "effort"),
    [
        ({}, None, None),
        ({"epoch": 1}, None, None),
        ({}, 3, (1024, 512)),
        ({"epoch": 1, "swd": 50.0}, None, (1024, 512)),  # of an earlier version, which always made the full effort
        ({"epoch": 1, "swd": 50.0, "images": 256, "directions": 64}, 3, (256, 64)),
        ({"epoch": 1, "swd": 50.0, "images": 3, "directions": 64}, None, None),  # made by hand
    ],
)
def test_a_run_is_measured_with_one_effort_from_first_to_last(ramps, best, every, effort):
    plan = make_plan(replace(ramps, evaluate_every=every))
    assert given_effort(plan, best) == (effort and Effort(*effort))


def test_what_is_too_dear_is_measured_less_often_but_at_the_end(ramps, scores, monkeypatch):
    scores(90.0, 80.0)
    monkeypatch.setattr(Quality, "seconds_an_image", lambda self: 1.0)
    judge = Judge(make_plan(ramps), lambda latents: np.zeros([len(latents), 8, 8, 1], np.uint8), 0)
    assert judge.judge(Moment(10, 1, 0.01), lambda: None).scores["swd"] == 90.0
    judge._cost = 176.0
    assert judge.judge(Moment(30, 2, 0.01), lambda: None) is None
    assert judge.judge(Moment(60, 3, 0.01), lambda: None).scores["swd"] == 80.0


def test_a_run_that_is_stopped_is_measured_where_that_is_quick(ramps, scores, tmp_path):
    scores(400.0, 300.0)
    judge = Judge(make_plan(ramps), lambda latents: np.zeros([len(latents), 8, 8, 1], np.uint8), 0)
    assert judge.judge_stopped(Moment(7, 1, 10.0), lambda: None, 10.0) is None  # Ten seconds a step: a large net.
    assert judge.judge_stopped(Moment(7, 1, 0.01), lambda: None, 10.0).is_best
    assert judge.judge_stopped(Moment(7, 1, 0.01), lambda: None, 10.0) is None  # It just has been.
    assert RunFolder(tmp_path / "run").read_best()["step"] == 7
    judge._cost = 11.0
    assert judge.judge_stopped(Moment(9, 1, 0.01), lambda: None, 10.0) is None
