import re
import shutil
from datetime import datetime

import numpy as np
import pytest
from PIL import Image
from support import small_nets
from support.evaluations import REALS, evaluate, files, read, samples_of
from support.helpers import error_of
from support.image_sets import ImageSet, ramps
from support.settings import settings

from dcgan_tf import cli
from dcgan_tf.common.reading import checksum
from dcgan_tf.config.checks import check
from dcgan_tf.config.commands import EvaluateConfig
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate import measures
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators.find import KINDS
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import msssim, tones
from dcgan_tf.metrics.copies import find_copies
from dcgan_tf.metrics.diversity import mean_pairwise_distance
from dcgan_tf.metrics.swd import SWD
from dcgan_tf.nets.saved import load_model, save_model
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import write_settings


def tones_of(samples, reals):
    """The numbers of 120 samples, and those of one half of the real images, against the other half."""
    order = np.random.default_rng([0, *b"tones"]).permutation(REALS)
    half, other = (tones.histograms(reals, chosen) for chosen in (order[:120], order[120:]))
    drawn = tones.histograms(samples, np.arange(120))
    return [{"distance": tones.distance(half, shares), "clipped": tones.clipped(shares)} for shares in (drawn, other)]


# ---------------------------------------------------------------------------------------------- what it measures


def test_the_newest_epoch_against_the_images_of_the_run(run, data, capsys, monkeypatch):
    monkeypatch.setattr(measures.Similarity, "default_images", 400)  # not 20,000
    assert evaluate(run, "--all") == 0
    out, err = capsys.readouterr()
    assert files(run / "evaluation") == ["copies.png", "evaluation.json"]
    reals, samples = open_source(str(data / "ramps.npy")), samples_of(run, 10, 1000)
    swd = SWD(reals)
    score, floor = swd.score(samples)[8], swd.floor()[8]
    similarity, similarity_of_reals = (msssim.ms_ssim_diversity(source, 200) for source in (samples, reals))
    toned, toned_of_reals = tones_of(samples, reals)
    found = find_copies(samples, reals)
    distance, distance_of_reals = (mean_pairwise_distance(source) for source in (samples, reals))
    written = read(run / "evaluation")
    protocol = {"images": 1000, "seed": 0, "data": reals.fingerprint}
    assert written["measures"] == {
        "swd": {
            "protocol": protocol | {"images": 120, "patches": 128, "directions": 512},
            "real": {"8": floor, "mean": floor},
            "epochs": {"10": {"8": score, "mean": score}},
        },
        "tones": {
            "protocol": protocol | {"images": 120},
            "real": toned_of_reals,
            "epochs": {"10": toned},
        },
        "msssim": {
            "protocol": protocol | {"images": 400},
            "real": {"mean": similarity_of_reals},
            "epochs": {"10": {"mean": similarity}},
        },
        "copies": {
            "protocol": protocol | {"held_out": None, "features": None},
            "real": {"share_nearer": 0.5, "share_copied": 0.01},
            "epochs": {"10": {"share_nearer": found.share_nearer, "share_copied": found.share_copied}},
        },
        "diversity": {
            "protocol": protocol,
            "real": {"distance": distance_of_reals},
            "epochs": {"10": {"distance": distance}},
        },
    }
    assert (written["source"], written["seed"], written["held_out"]) == (str(run), 0, None)
    assert written["data"] == {
        "name": "ramps", "images": REALS, "image_shape": [8, 8, 3], "fingerprint": reals.fingerprint, "left_out": 0
    }  # fmt: skip
    assert set(written["versions"]) == {"dcgan_tf", "python", "tensorflow", "keras", "numpy"}
    heads, row, real, *lines = out.splitlines()
    assert heads.split() == ["epoch", "SWD", "tones", "clipped", "MS-SSIM", "nearer", "copied", "diversity"]
    toned, toned_of_reals = (f"{of['distance']:.2f} {of['clipped']:.1%}" for of in (toned, toned_of_reals))
    shares = f"{found.share_nearer:.1%} {found.share_copied:.1%}"
    assert row.split() == f"10 {score:.2f} {toned} {similarity:.4f} {shares} {distance:.2f}".split()
    expected = f"real {floor:.2f} {toned_of_reals} {similarity_of_reals:.4f} 50.0% 1.0% {distance_of_reals:.2f}"
    assert real.split() == expected.split()
    words, used, where = lines
    assert words.startswith("epoch 10: ") and words.endswith(
        ". Look at the pictures: SWD sees colours and textures only."
    )
    assert used == (
        "generated images used: swd 120, tones 120, msssim 400, copies 1,000, diversity 1,000; 240 real images of ramps"
    )
    assert re.fullmatch(f"{run}/evaluation: evaluation.json, copies.png; in [0-9]+ s", where)
    assert err == ""
    file = run / "epoch10_Gmodel.h5"
    assert written["generators"] == {"10": {"file": file.name, "checksum": checksum(file)}}
    [call] = written["calls"]
    assert call["command"] == f"dcgan-tf evaluate {run} --all" and datetime.fromisoformat(call["date"]).tzinfo


def test_the_short_table_is_the_default(run, capsys):
    assert evaluate(run, "--images", 40) == 0
    heads, *_ = capsys.readouterr().out.splitlines()
    assert heads.split() == ["epoch", "SWD", "diversity", "copied"]
    assert list(read(run / "evaluation")["measures"]) == ["swd", "tones", "msssim", "copies", "diversity"]


def test_several_seeds_are_one_number_with_its_scatter(run, capsys):
    asked = ("--metrics", "diversity", "--images", 30)
    assert evaluate(run, *asked, "--seed", 4, "--seeds", 3, "--csv") == 0
    written = read(run / "evaluation")
    values = [mean_pairwise_distance(samples_of(run, 10, 30, seed), 30, 4) for seed in (4, 5, 6)]
    measured = written["measures"]["diversity"]
    assert measured["epochs"]["10"] == {"distance": pytest.approx(np.mean(values), rel=1e-6)}
    assert measured["standard_deviations"]["10"] == {"distance": pytest.approx(np.std(values, ddof=1), rel=1e-6)}
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split() == f"10 {np.mean(values):.2f} +/- {np.std(values, ddof=1):.2f}".split()
    assert files(run / "evaluation") == ["evaluation.csv", "evaluation.json"]
    assert len((run / "evaluation" / "evaluation.csv").read_text().splitlines()) == 2


def test_the_pairs_are_those_of_the_best_epoch(run, monkeypatch):
    drawn = []
    monkeypatch.setattr("dcgan_tf.evaluate.command.draw_pairs", lambda pairs, path: drawn.append(pairs))
    assert evaluate(run, "--epoch", "all", "--metrics", "swd", "copies", "--images", 30) == 0
    epochs = read(run / "evaluation")["measures"]["swd"]["epochs"]
    assert drawn[0].title == f"small, epoch {min(epochs, key=lambda epoch: epochs[epoch]['mean'])}"


def test_all_epochs_make_a_plot(run, capsys):
    assert evaluate(run, "--epoch", "all", "--metrics", "swd", "msssim", "--images", 40) == 0
    written = read(run / "evaluation")["measures"]
    assert list(written) == ["swd", "msssim"]
    assert list(written["swd"]["epochs"]) == list(written["msssim"]["epochs"]) == ["2", "4", "10"]
    assert written["swd"]["protocol"]["images"] == 40
    rows = capsys.readouterr().out.splitlines()[1:5]
    assert [row.replace("*", "").split()[0] for row in rows] == ["2", "4", "10", "real"]
    for epoch in (2, 4):
        expected = msssim.ms_ssim_diversity(samples_of(run, epoch, 40), pairs=20)
        assert written["msssim"]["epochs"][str(epoch)] == {"mean": expected}
    assert files(run / "evaluation") == ["evaluation.json", "evaluation.png"]
    with Image.open(run / "evaluation" / "evaluation.png") as plot:
        assert plot.size == (900, 500)


def test_numbers_of_more_epochs_are_added_and_the_real_ones_kept(run, monkeypatch):
    asked = ("--metrics", "diversity", "--images", 50)
    assert evaluate(run, "--epoch", 2, *asked) == 0
    before = read(run / "evaluation")["measures"]["diversity"]
    monkeypatch.setattr(measures.Diversity, "real", lambda self: pytest.fail("known already"))
    assert evaluate(run, "--epoch", 4, *asked) == 0
    after = read(run / "evaluation")["measures"]["diversity"]
    assert after["real"] == before["real"] and list(after["epochs"]) == ["2", "4"]
    assert after["epochs"]["2"] == before["epochs"]["2"]
    assert files(run / "evaluation") == ["evaluation.json", "evaluation.png"]
    monkeypatch.undo()


@pytest.mark.parametrize("other", [("--seed", 1), ("--images", 51), ("--data", "others.npy")])
def test_numbers_that_would_not_compare_are_kept_beside(run, data, other):
    assert evaluate(run, "--epoch", 2, "--metrics", "diversity", "msssim", "--images", 50) == 0
    arguments = {"--metrics": "diversity", "--images": 50} | dict([other])
    if "--data" in arguments:
        arguments["--data"] = data / arguments["--data"]
    assert evaluate(run, "--epoch", 4, *(word for pair in arguments.items() for word in pair)) == 0
    written = read(run / "evaluation")["measures"]
    assert list(written) == ["diversity"] and list(written["diversity"]["epochs"]) == ["4"]
    [earlier] = read(run / "evaluation")["earlier"]
    assert [list(measured["epochs"]) for measured in earlier["measures"].values()] == [["2"], ["2"]]


def test_a_measured_epoch_is_measured_again(run):
    asked = ("--epoch", 2, "--metrics", "diversity", "--images", 50)
    assert evaluate(run, *asked) == 0
    first = read(run / "evaluation")
    shutil.copy(run / "epoch4_Gmodel.h5", run / "epoch2_Gmodel.h5")
    assert evaluate(run, *asked) == 0
    second = read(run / "evaluation")
    assert first["measures"]["diversity"]["epochs"] != second["measures"]["diversity"]["epochs"]
    assert second["earlier"] == [first]  # It was another generator.


def test_what_was_measured_before_an_interrupt_is_there(run, monkeypatch):
    score = measures.Diversity.score

    def interrupted(self, samples):
        if isinstance(samples, Samples) and (run / "evaluation" / "evaluation.json").exists():
            raise KeyboardInterrupt
        return score(self, samples)

    monkeypatch.setattr(measures.Diversity, "score", interrupted)
    assert evaluate(run, "--epoch", "all", "--metrics", "diversity") == 130
    assert list(read(run / "evaluation")["measures"]["diversity"]["epochs"]) == ["2"]


def test_the_best_epoch(run):
    (run / "best.json").write_text('{"epoch": 4}')
    assert evaluate(run, "--epoch", "best", "--metrics", "diversity", "--out", "here/there") == 0
    [out] = run.parent.parent.glob("here/there")
    assert list(read(out)["measures"]["diversity"]["epochs"]) == ["4"]


def test_other_images_than_the_run_was_trained_on_are_noted(run, data, capsys):
    assert evaluate(run, "--data", data / "others.npy", "--metrics", "diversity") == 0
    assert "\nnote: these are not the images that the run was trained on\n" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------- sources


def test_a_file_of_a_generator(run, data, tmp_path, capsys):
    path = shutil.copy(run / "epoch4_Gmodel.h5", tmp_path / "mine.h5")
    assert evaluate(path, "--metrics", "diversity") == 2
    assert capsys.readouterr() == (
        "", f"error: --data: must be given: {path} does not say what it was trained on\n"
    )  # fmt: skip
    assert evaluate(path, "--data", data / "ramps.npy", "--metrics", "diversity", "--images", 60) == 0
    of_file = read(tmp_path / "evaluation" / "mine")["measures"]["diversity"]["epochs"]["mine"]
    assert evaluate(run / "epoch4_Gmodel.h5", "--metrics", "diversity", "--images", 60) == 0  # knows its run
    of_run = read(tmp_path / "evaluation" / "epoch4_Gmodel")["measures"]["diversity"]["epochs"]["4"]
    assert of_file == of_run


def test_a_saved_model(run, data, tmp_path):
    generator = load_model(run / "epoch4_Gmodel.h5")
    SavedModelWriter(generator, "normal").write(tmp_path / "served" / "3")
    arguments = ("--data", data / "ramps.npy", "--metrics", "diversity", "--images", 60, "--latents", "normal")
    assert evaluate(tmp_path / "served", *arguments) == 0
    found = read(tmp_path / "evaluation" / "served")["measures"]["diversity"]["epochs"]["3"]["distance"]
    expected = mean_pairwise_distance(samples_of(run, 4, 60))
    assert found == pytest.approx(expected, rel=1e-3)


def test_images_of_another_size_and_channels_are_made_to_fit(run, tmp_path):
    np.save(tmp_path / "grey.npy", ramps(50, 20, 16, 1))
    assert evaluate(run, "--data", "grey.npy", "--metrics", "diversity") == 0
    assert read(run / "evaluation")["data"]["image_shape"] == [8, 8, 3]


def test_the_values_of_the_run_s_images(run, tmp_path):
    np.save(tmp_path / "wide.npy", ramps(50, 8, 8, 3).astype(np.uint16) * 16)
    made = settings(str(tmp_path / "wide.npy"), latents="normal", value_range=(0, 4080))
    write_settings(RunFolder(run), made)
    assert evaluate(run, "--metrics", "diversity") == 0
    real = read(run / "evaluation")["measures"]["diversity"]["real"]["distance"]
    assert real == pytest.approx(mean_pairwise_distance(ImageSet(ramps(50, 8, 8, 3))), rel=1e-6)


# ---------------------------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    "flags, message",
    [
        ({"metrics": ()}, "--metrics: names none: give one or more of "
         "swd, tones, msssim, fid, kid, precision-recall, copies, diversity, modes, per-class, class-accuracy"),
        ({"metrics": ("swd", "kid", "fid"), "features": "none"},
         "--metrics kid fid --features none: give features, or leave these metrics out"),
        ({"metrics": ("class-accuracy",), "features": "none"},
         "--metrics class-accuracy --features none: give features, or leave these metrics out"),
        ({"metrics": ("kid",), "features": "x.keras", "epoch": "all", "set_best": True},
         "--set-best: the best of all is told by swd, or by kid in the features of imagenet: add one to --metrics, or "
         "give one --epoch"),
        ({"metrics": ("swd",), "held_out": "x"}, "--held-out: is for copies and class-accuracy: add one of them to --metrics"),
        ({"epoch": 0}, "--epoch 0: must be at least 1"),
        ({"seeds": 0}, "--seeds 0: must be from 1 to 1000"),
        ({"seed": 2**31 - 2, "seeds": 3}, "--seed 2147483646 --seeds 3: the last seed must be below 2147483648"),
        ({"images": 0}, "--images 0: must be at least 1"),
        ({"seed": -1}, "--seed -1: must be at least 0 and below 2147483648"),
        ({"seed": 2**31}, "--seed 2147483648: must be at least 0 and below 2147483648"),
        ({"out": ""}, "--out: is empty: give a name, or leave it out"),
        ({"value_range": (1.0, 0.0)}, "--value-range 1 0: the first number must be below the second, both finite"),
    ],
)  # fmt: skip
def test_flags_out_of_range(flags, message):
    assert error_of(check, EvaluateConfig("run", **flags)) == message
    assert error_of(cli.evaluate, EvaluateConfig("run", **flags)) == message


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nothing"], "nothing: there is no such file or folder: " + KINDS),
        (["RUN", "--epoch", "3"], "--epoch 3: RUN has no models of that epoch (any more); it has 2, 4, 10"),
        (["RUN", "--epoch", "best"],
         "--epoch best: RUN has measured none: give a number, or --epoch newest"),
        (["RUN/epoch2_Gmodel.h5", "--epoch", "all"],
         "--epoch all: RUN/epoch2_Gmodel.h5 is not a run's folder with saved models: leave --epoch out"),
        (["RUN/epoch2_Gmodel.h5", "--epoch", "2"],
         "--epoch 2: RUN/epoch2_Gmodel.h5 is not a run's folder with saved models: leave --epoch out"),
        (["RUN", "--images", "15"], "--images 15: swd needs at least 16"),
        (["RUN", "--images", "31"], "--images 31: msssim needs at least 32"),
        (["RUN", "--data", "few.npy"],
         "--data few.npy: swd needs at least 32 real images, half of them for its floor, not 31: "
         "give more, or leave swd out of --metrics"),
        (["RUN", "--data", "few.npy", "--metrics", "msssim"],
         "--data few.npy: msssim needs at least 32 real images, not 31: give more, or leave msssim out of --metrics"),
        (["RUN", "--held-out", "no.npy"],
         "--held-out 'no.npy': no such file or folder, not here and not in data/, "
         "nor one of the named sets digits, mnist, fashion_mnist, cifar10"),
        (["RUN", "--features", "no.keras"], None),
        (["RUN", "--metrics", "kid", "fid"],
         "--metrics kid fid: needs --features: imagenet, inception, or a Keras file such as "
         "\"dcgan-tf train-features\" makes"),
        (["RUN", "--metrics", "per-class"], "--metrics per-class: small draws no classes: leave per-class out"),
        (["RUN", "--metrics", "class-accuracy", "swd"],
         "--metrics class-accuracy: small draws no classes: leave class-accuracy out"),
        (["RUN", "--out", "few.npy"], "--out few.npy: few.npy is a file, must be a folder: give another"),
        (["small.h5", "--data", "few.npy", "--metrics", "swd"],
         "swd compares patches of 7x7 pixels: images of 4x4 are too small"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_nothing_is_written(run, arguments, message, capsys, monkeypatch):
    np.save("few.npy", ramps(31, 8, 8, 3))
    if "small.h5" in arguments:
        np.save("few.npy", ramps(50, 4, 4, 3))
        small = small_nets.keras.Sequential([*small_nets.generator().layers[:-1]][:4])
        layers = small_nets.layers
        last = layers.Conv2DTranspose(3, 5, 2, "same", activation="tanh")
        save_model(small_nets.keras.Sequential([small_nets.keras.Input([6]), *small.layers, last]), "small.h5")
    before = files(run)
    arguments = [word.replace("RUN", str(run)) for word in arguments]
    assert evaluate(*arguments) == 2
    out, err = capsys.readouterr()
    assert (
        all(line.startswith("note: ") for line in out.splitlines())
        and err.startswith("error: ")
        and err.count("\n") == 1
    )
    if message is not None:
        assert err == f"error: {message.replace('RUN', str(run))}\n"
    assert files(run) == before
