import json

import numpy as np
import pytest
from support.evaluations import evaluate, files, read, samples_of
from support.image_sets import ramps

from dcgan_tf.common.files import locked_folder
from dcgan_tf.data.sources import open_source
from dcgan_tf.metrics.diversity import mean_pairwise_distance
from dcgan_tf.metrics.swd import SWD
from dcgan_tf.runs.best import find_best
from dcgan_tf.runs.folder import RunFolder

FAST = ("--metrics", "swd", "--images", 20)


def test_the_best_of_all_is_marked_named_and_set(run, capsys):
    best_of_before = {"epoch": 4, "swd": 30.0, "images": 64, "directions": 8}  # Few, which is quick.
    (run / "best.json").write_text(json.dumps(best_of_before))
    assert evaluate(run, "--epoch", "all", *FAST) == 0
    scores = {
        epoch: numbers["mean"] for epoch, numbers in read(run / "evaluation")["measures"]["swd"]["epochs"].items()
    }
    best = min(scores, key=scores.get)
    assert best != "4"  # else the rest says nothing
    out = capsys.readouterr().out
    assert [line.split()[1] for line in out.splitlines() if line.startswith(" *")] == [best]
    assert f"* the best is epoch {best}: " in out and f" generate {run} --epoch {best} --out pictures\n" in out
    assert f" evaluate {run} --epoch {best} --set-best\n" in out
    assert json.loads((run / "best.json").read_text()) == best_of_before
    assert evaluate(run, "--epoch", "all", *FAST, "--set-best") == 0
    assert f"{run}/best.json: the best epoch is {best} (was 4), SWD " in capsys.readouterr().out
    found = find_best(RunFolder(run))
    assert found["epoch"] == int(best)


def test_one_epoch_is_set_with_the_numbers_of_training(run, data, capsys):
    assert evaluate(run, "--epoch", 2, "--metrics", "diversity", "--images", 20, "--seed", 5, "--set-best") == 0
    reals, samples = open_source(str(data / "ramps.npy")), samples_of(run, 2, 1024, seed=0)
    swd = SWD(reals, 1024, seed=0)  # the seed of the run
    share = mean_pairwise_distance(samples_of(run, 2, 120), 64) / mean_pairwise_distance(reals, 256, 0)
    found = RunFolder(run).read_best()
    assert {name: value for name, value in found.items() if name not in ("swd", "diversity")} == {
        "epoch": 2, "step": 6, "images": 120, "directions": 512, "swd_of_real_images": swd.floor()[8]
    }  # fmt: skip
    assert found["swd"] == pytest.approx(swd.score(samples)[8], rel=1e-6)
    assert found["diversity"] == pytest.approx(share, rel=0.2)
    assert "checksum" in json.loads((run / "best.json").read_text())
    assert "the best epoch is 2, SWD" in capsys.readouterr().out


def test_a_best_is_set_by_the_measure_of_the_run(run, capsys):
    RunFolder(run).write_best({"epoch": 4, "swd": 30.0, "images": 64, "directions": 8})
    assert evaluate(run, "--epoch", 2, "--metrics", "diversity", "--images", 20, "--set-best") == 0
    found = RunFolder(run).read_best()
    assert (found["epoch"], found["images"], found["directions"]) == (2, 64, 8)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["RUN/epoch2_Gmodel.h5"], "--set-best: RUN/epoch2_Gmodel.h5 is not a run's folder: leave --set-best out"),
        (["RUN", "--data", "others.npy"],
         "--set-best: the best is told by the images that the run was trained on, and these are others: give those as "
         "--data, or leave --set-best out"),
        (["RUN", "--epoch", "all", "--metrics", "diversity"],
         "--set-best: the best of all is told by swd, or by kid in the features of imagenet: add one to --metrics, or "
         "give one --epoch"),
    ],
)  # fmt: skip
def test_what_has_no_best(run, arguments, message, capsys):
    np.save("others.npy", ramps(50, 8, 8, 3, seed=9))
    before = files(run)
    assert evaluate(*(word.replace("RUN", str(run)) for word in arguments), "--set-best") == 2
    assert capsys.readouterr() == ("", f"error: {message.replace('RUN', str(run))}\n") and files(run) == before


def test_a_run_that_trains_is_told_before_anything_is_measured(run, capsys):
    before = files(run)
    with locked_folder(run, "--run-dir", "training"):
        assert evaluate(run, "--epoch", 2, "--set-best") == 2
    assert capsys.readouterr() == (
        "", f"error: --set-best {run}: another training is writing to it: wait for it, or leave --set-best out\n"
    )  # fmt: skip
    assert files(run) == before
