"""Whole runs on small images: what is on disk, what is printed, and that stopping changes nothing."""

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import helpers
from support.bare_runs import bare_runs
from support.helpers import ROOT
from support.programs import Program

from dcgan_tf import cli
from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.files import disk_errors_in_one_line
from dcgan_tf.common.program import program
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.gan.step import GAN
from dcgan_tf.generators import runtimes
from dcgan_tf.nets.saved import load_model
from dcgan_tf.pictures.images import to_uint8
from dcgan_tf.runs.folder import NETS, RunFolder
from dcgan_tf.runs.log import read_log
from dcgan_tf.runs.state import save_state
from dcgan_tf.training.command import StopRequest, train

# 44 images in batches of 16: steps 1 to 3 are epoch 1, the last of them on 12 images.
# The preset is the one that is built soonest, as published; nets with convolutions are trained in
# `test_so_do_other_nets_and_precisions` and test_golden.py, the best recipe in tests/training/test_judge.py.
SMALL = dict(
    batch_size=16, epochs=3, precision="float32", recipe="tutorial", save_every=1, sample_every=1, evaluate_every=0,
    preset="mnist-mlp", image_size=(8, 8),
)  # fmt: skip


def config(squares, run_dir, **changes):
    return TrainConfig(**{"data": str(squares), "run_dir": str(run_dir), **SMALL, **changes})


def weights(run_dir, epoch):
    return {
        net: keras.models.load_model(run_dir / f"epoch{epoch}_{net}model.h5", compile=False).get_weights()
        for net in "GD"
    }


def same_weights(a, b):
    return all(np.array_equal(x, y) for net in "GD" for x, y in zip(a[net], b[net], strict=True))


def log(run_dir):
    """The lines of log.jsonl, without what depends on the clock."""
    lines = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "images_per_sec"} for line in lines]


def error_of(config):
    return helpers.error_of(train, config)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def bare():
    """For tests that look at weights, logs and states alone, see `support.bare_runs`."""
    with bare_runs():
        yield


@pytest.fixture(scope="module")
def finished(squares, tmp_path_factory):
    """A run of three epochs, never stopped."""
    run_dir = tmp_path_factory.mktemp("runs") / "finished"
    assert train(config(squares, run_dir)) == 0
    return run_dir


def test_a_run_s_own_saved_models_can_be_served(finished):
    served = runtimes.SavedModelSession(str(finished / "saved_model" / "2"))
    assert {"serving_default", "generate", "generate_png", "interpolate"} <= set(served.signatures)
    made = served.run("generate", {"seeds": [1, 2, 3]})
    generator = load_model(finished / "epoch2_Gmodel.h5")
    wanted = to_uint8(generator(made["latents"], training=False))
    assert np.abs(made["images"].astype(int) - wanted).max() <= 1
    card = json.loads((finished / "saved_model" / "2" / "assets.extra" / "model_card.json").read_text())
    assert (card["name"], card["epoch"], card["preset"]) == ("finished", 2, "mnist-mlp@8x8x1")
    assert card["data"] == {"name": "squares", "images": 44, "image_shape": [8, 8, 1]}
    assert card["latents"] == {"size": 100, "distribution": "normal"}


def test_files_of_a_run(finished):
    found = [name for name in files(finished) if not name.startswith("tensorboard/")]
    epochs = range(1, 4)
    assert found == sorted(
        [".lock", "config.json", "log.jsonl", "losses.png", "training.gif", "picture/reals.png"]
        + [f"epoch{epoch}_{net}model.h5" for epoch in epochs for net in "GD"]
        + [f"picture/image_at_epoch_000{epoch}.png" for epoch in epochs]
        + [
            f"saved_model/{epoch}/{name}"
            for epoch in epochs
            for name in (
                "assets.extra/model_card.json", "saved_model.pb", "variables/variables.data-00000-of-00001", "variables/variables.index",
            )
        ]
        + [
            f"state/{step}/{name}"
            for step in (6, 9)
            for name in (
                "checksums.json", "discriminator.json", "generator.json", "variables.data-00000-of-00001", "variables.index",
            )
        ]
    )  # fmt: skip
    assert len(list((finished / "tensorboard").iterdir())) == 1


def test_the_log_has_the_first_step_and_each_epochs_last(finished):
    lines = [json.loads(line) for line in (finished / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["epoch"]) for line in lines] == [(1, 1), (3, 1), (6, 2), (9, 3)]
    assert all(list(line)[2:] == ["d_loss", "g_loss", "d_real", "d_fake", "images_per_sec"] for line in lines)
    assert all(0 < line["d_real"] < 1 and 0 < line["d_fake"] < 1 and line["images_per_sec"] > 0 for line in lines)


def test_config_json_holds_every_flag_settled(finished, squares):
    held = json.loads((finished / "config.json").read_text())
    assert held["config"] == {
        "data": str(squares), "preset": "mnist-mlp", "image_size": [8, 8], "value_range": None, "run_dir": str(finished),
        "epochs": 3, "batch_size": 16, "learning_rate": 2e-4, "balance": "off", "max_steps": None, "seed": 0, "resume": "auto",
        "generator": None, "discriminator": None, "generator_range": None, "latents": "auto", "save_every": 1, "keep_last": 10, "keep_every": 50,
        "sample_every": 1, "evaluate_every": 0, "on_collapse": "warn", "precision": "float32", "dry_run": False, "recipe": "tutorial",
        "switches": dict.fromkeys(switch.name for switch in dataclasses.fields(Switches)),
        "reading": {
            "crop": "center", "border_colour": None, "trim": "off", "channels": None, "classes": [], "frames": "first",
            "drop_duplicates": False,
        },
    }  # fmt: skip


def test_tensorboard_shows_scalars_and_grids(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"d_loss", "g_loss", "d_real", "d_fake", "images_per_sec"}
    assert events.Tags()["tensors"] == ["samples"]
    logged = [(line["step"], line["d_loss"]) for line in read_log(finished / "log.jsonl")]
    assert [(event.step, pytest.approx(event.value, rel=1e-4)) for event in events.Scalars("d_loss")] == logged
    assert [step for step, _ in logged] == [1, 3, 6, 9]
    assert [event.step for event in events.Tensors("samples")] == [3, 6, 9]


def test_a_run_goes_on_where_nobody_reads_what_it_prints(squares, tmp_path, monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        assert train(config(squares, tmp_path, epochs=1)) == 0
    assert RunFolder(tmp_path).saved_steps() == [3] and (tmp_path / "training.gif").exists()


def test_the_same_command_again_has_nothing_to_do(finished, squares, capsys):
    before = {name: (finished / name).stat().st_mtime_ns for name in files(finished) if name != ".lock"}
    assert train(config(squares, finished)) == 0
    assert capsys.readouterr().out == (
        "done     3 epochs, 9 steps\n"
        f"look at  {finished}/picture/image_at_epoch_0003.png, {finished}/training.gif, {finished}/losses.png\n"
        f"next     {program()} generate {finished} --out finished-pictures  or  {program()} export {finished}  or  "
        f"{program()} resume {finished} --epochs 6\n"
    )
    assert {name: (finished / name).stat().st_mtime_ns for name in before} == before


def assert_ends_alike(whole, parts):
    assert same_weights(weights(whole, 3), weights(parts, 3))
    assert [line for line in log(parts) if line["step"] in (1, 3, 6, 9)] == log(whole)
    for name in ("picture/image_at_epoch_0003.png", "picture/reals.png"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()


def test_a_stopped_run_ends_as_one_that_was_never_stopped(bare, finished, squares, tmp_path):
    for steps in (2, 4, None):  # within epochs 1 and 2
        train(config(squares, tmp_path, max_steps=steps))
    assert_ends_alike(finished, tmp_path)


def test_a_run_that_is_resumed_by_its_folder_alone_ends_the_same(bare, finished, squares, tmp_path, monkeypatch):
    """What began from saved nets, too, although these are gone."""
    nets = {net: tmp_path / f"epoch1_{net[0].upper()}model.h5" for net in NETS}
    for path in nets.values():
        shutil.copy(finished / path.name, path)
    start = {net: str(path) for net, path in nets.items()}
    train(config(squares, tmp_path / "whole", **start))
    train(config(squares, tmp_path / "checkpoints" / "parts", max_steps=5, **start))
    for path in nets.values():
        path.unlink()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["resume", "parts", "--epochs", "3"]) == 0
    assert same_weights(weights(tmp_path / "whole", 3), weights(tmp_path / "checkpoints" / "parts", 3))


@pytest.mark.parametrize(
    "changes",
    [
        {"preset": "paints200", "precision": "bfloat16"},  # joint update, dropout
        {"preset": "mnist-mlp", "precision": "float16"},  # fresh latents; loss scaling has a state, too
    ],
    ids=["dropout-bfloat16", "fresh-latents-float16"],
)
def test_so_do_other_nets_and_precisions(bare, squares, tmp_path, changes, monkeypatch):
    # float16 is refused without a GPU.
    monkeypatch.setattr("dcgan_tf.training.machine.devices.local_devices", lambda: ["GPU:0"])
    whole, parts, seldom = tmp_path / "whole", tmp_path / "parts", dict(save_every=3, sample_every=3)
    train(config(squares, whole, **seldom, **changes))
    for steps in (4, None):
        train(config(squares, parts, max_steps=steps, **seldom, **changes))
    assert_ends_alike(whole, parts)


def flags(squares, run_dir, *more):
    return [
        "--data", squares, "--run-dir", run_dir, "--batch-size", 16, "--precision", "float32", "--recipe", "tutorial",
        "--save-every", 1, "--sample-every", 1, "--evaluate-every", 0, "--preset", "mnist-mlp", "--image-size", 8, 8,
        *more,
    ]  # fmt: skip


def train_py(*arguments):
    """The program as a user starts it."""
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def fork(*arguments):
    return Program("train_main", *arguments)


def wait_for(path, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def test_killed_at_bad_moments_it_ends_the_same(finished, squares, tmp_path):
    """Killed with -9 as soon as certain files appear, in the middle of whatever it does then."""
    run_dir = tmp_path / "run"
    for moment in (run_dir / "epoch1_Gmodel.h5", run_dir / "saved_model" / "2"):
        process = fork(*flags(squares, run_dir, "--epochs", 3))
        wait_for(moment, process)
        process.kill()
        process.communicate()
    with (run_dir / "log.jsonl").open("a") as file:
        file.write('{"step": 7, "ep')  # a torn line
    train(config(squares, run_dir))
    assert same_weights(weights(finished, 3), weights(run_dir, 3))
    assert log(run_dir) == log(finished)
    names = [[name for name in files(folder) if not name.startswith("tensorboard/")] for folder in (finished, run_dir)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    "start, number, code, samples, gif, curves",
    [
        (train_py, signal.SIGINT, 130, 1, True, True),
        (fork, signal.SIGINT, 130, 1000, False, True),  # before the first sample
        (fork, signal.SIGTERM, 143, 1, False, False),
        (fork, signal.SIGHUP, 129, 1, False, False),
    ],
)
def test_a_signal_stops_after_a_whole_checkpoint(squares, tmp_path, start, number, code, samples, gif, curves):
    run_dir = tmp_path / "run"
    process = start(*flags(squares, run_dir, "--epochs", 400, "--sample-every", samples))
    wait_for(run_dir / "state" / "6", process)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.poll(), err) == (code, "")
    step = RunFolder(run_dir).saved_steps()[-1]
    assert step >= 6 and step < 1200
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    closing = out.splitlines()[-3:]
    assert closing[0].startswith(f"stopped  by {name} at step {step:,} of 1,200, in epoch ")
    assert closing[0].endswith(" of 400: all is saved")
    assert closing[2].startswith(f"next     {program()} resume {run_dir}  or  ")
    assert ((run_dir / "training.gif").exists(), (run_dir / "losses.png").exists()) == (gif, curves)
    assert not [name for name in files(run_dir) if ".part" in name]
    with bare_runs():
        assert train(config(squares, run_dir, epochs=400, max_steps=step + 1)) == 0
    assert RunFolder(run_dir).saved_steps()[-1] == step + 1


def test_a_stop_at_the_end_of_an_epoch_writes_its_state_once(bare, squares, tmp_path, monkeypatch):
    save, steps = save_state, []
    monkeypatch.setattr(
        "dcgan_tf.training.recorder.save_state",
        lambda folder, step, *rest: (steps.append(step), save(folder, step, *rest)),
    )
    monkeypatch.setattr(StopRequest, "signal", signal.SIGTERM)
    assert train(config(squares, tmp_path, batch_size=44)) == signal.SIGTERM
    assert steps == [1] == RunFolder(tmp_path).saved_steps()


def test_other_settings_are_refused_with_the_list_of_them(finished, squares):
    before = files(finished)
    assert error_of(config(squares, finished, batch_size=8, seed=5)) == (
        f"{finished}: the run there was begun with other settings (--batch-size 16, now 8; --seed 0, now 5): "
        f"carry on with: {program()} resume {finished}, or give another --run-dir"
    )
    assert files(finished) == before


def test_resume_never_and_must(finished, squares, tmp_path):
    assert error_of(config(squares, finished, resume="never")) == (
        f"--resume never: {finished} holds a run already: give another --run-dir"
    )
    assert error_of(config(squares, tmp_path / "new", resume="must")) == (
        f"--resume must: {tmp_path}/new holds no run: check --run-dir, or leave out --resume"
    )
    assert not (tmp_path / "new").exists()


def test_models_of_another_program_are_not_overwritten(finished, squares, tmp_path):
    (tmp_path / "epoch1_Gmodel.h5").write_bytes((finished / "epoch1_Gmodel.h5").read_bytes())
    assert error_of(config(squares, tmp_path)) == (
        f"--run-dir {tmp_path}: holds saved models, but no config.json to resume them with: start from them with "
        "--generator and --discriminator and another --run-dir"
    )
    assert files(tmp_path) == ["epoch1_Gmodel.h5"]


def test_a_damaged_newest_state_falls_back_to_the_one_before(bare, finished, squares, tmp_path, capsys):
    train(config(squares, tmp_path, max_steps=6))
    net = tmp_path / "state" / "6" / "generator.json"
    net.write_text(net.read_text().replace("tanh", "relu"))
    assert train(config(squares, tmp_path)) == 0
    said = "warning: the state of step 6 cannot be read: its generator.json is damaged: the checksum is wrong\n"
    assert said in capsys.readouterr().out
    assert same_weights(weights(finished, 3), weights(tmp_path, 3))
    for step in RunFolder(tmp_path).saved_steps():
        (tmp_path / "state" / str(step) / "variables.data-00000-of-00001").write_bytes(b"rubbish")
    assert error_of(config(squares, tmp_path, epochs=4)) == (
        f"{tmp_path}/state: none of its states can be read: start from a saved epoch with --generator and "
        "--discriminator and another --run-dir"
    )


def test_losses_that_are_not_numbers_stop_the_run_and_keep_the_last_state(bare, squares, tmp_path, monkeypatch, capsys):
    step = GAN._train_step

    def broken(self, images, number):
        metrics = step(self, images, number)
        return metrics | {"g_loss": tf.where(number == 4, float("nan"), metrics["g_loss"])}

    monkeypatch.setattr(GAN, "_train_step", broken)
    # Step 5 is within epoch 2 and not logged: make it the last.
    assert error_of(config(squares, tmp_path, max_steps=5)) == (
        "the losses became NaN between steps 3 and 5: give a lower --learning-rate (it is 0.0002) or "
        "--precision float32, and another --run-dir; the last sound state, of step 3, is kept"
    )
    closing = capsys.readouterr().out.splitlines()[-3:]
    assert closing[0] == "failed   all up to step 3 of 5, in epoch 1 of 3 is saved"
    assert "generate" in closing[2] and "resume" not in closing[2]  # The same steps would end the same.
    assert RunFolder(tmp_path).saved_steps() == [3]
    assert RunFolder(tmp_path).saved_epochs() == [1]


def test_starting_from_saved_nets_goes_on_counting(bare, finished, squares, tmp_path):
    for net in "GD":
        (tmp_path / f"epoch7_{net}model.h5").write_bytes((finished / f"epoch3_{net}model.h5").read_bytes())
    start = config(
        squares, tmp_path / "run", epochs=9, learning_rate=1e-12,
        generator=str(tmp_path / "epoch7_Gmodel.h5"), discriminator=str(tmp_path / "epoch7_Dmodel.h5"),
    )  # fmt: skip
    assert train(start) == 0
    assert RunFolder(tmp_path / "run").saved_epochs() == [8, 9]
    assert [line["step"] for line in log(tmp_path / "run")] == [24, 27]  # 7 epochs of 3 steps were done before
    before, after = weights(finished, 3), weights(tmp_path / "run", 9)
    for net in "GD":  # trained by next to nothing: the same kernels
        assert np.allclose(before[net][0], after[net][0], rtol=0, atol=1e-7)
    assert train(start) == 0  # and the same command carries on


def test_nets_of_two_epochs_are_refused(finished, squares, tmp_path):
    pair = dict(generator=str(finished / "epoch2_Gmodel.h5"), discriminator=str(finished / "epoch3_Dmodel.h5"))
    assert error_of(config(squares, tmp_path / "run", **pair)) == (
        f"--generator {pair['generator']} and --discriminator {pair['discriminator']} are of different epochs: "
        "give two files of one epoch"
    )


def test_a_discriminator_given_as_generator_is_refused(finished, squares, tmp_path):
    message = error_of(config(squares, tmp_path / "run", generator=str(finished / "epoch2_Dmodel.h5")))
    assert (
        message
        == f"{finished}/epoch2_Dmodel.h5: is a discriminator: takes 8x8x1 and gives one number; give the file of a generator"
    )
    assert not (tmp_path / "run").exists()


def test_a_dry_run_measures_and_writes_nothing(squares, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert (
        train(TrainConfig(**{"data": str(squares), "dry_run": True, **SMALL, "preset": "auto", "image_size": None}))
        == 0
    )
    assert list(tmp_path.iterdir()) == [] and not os.listdir(os.environ["DCGAN_TF_CACHE"])
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "compiling the training step ..."
    rows = {line[:8].strip(): line[9:] for line in lines}
    assert list(rows) == ["images", "preset", "nets", "device", "steps", "time", "memory", "disk"]
    assert rows["images"] == "44 of 8x8x1 from squares, uint8 0..255"
    assert rows["nets"] == "generator 629,504 parameters, discriminator 527,872"
    assert rows["device"].endswith("float32")
    assert rows["steps"] == "3 an epoch of 16 images each, 3 epochs, 9 in all"


def test_measuring_the_speed_leaves_no_trace(bare, finished, squares, tmp_path):
    """`finished` was begun by it, and this run without it."""
    train(config(squares, tmp_path / "run", save_every=3, sample_every=3))
    assert same_weights(weights(finished, 3), weights(tmp_path / "run", 3))


def test_a_failure_says_what_is_saved_and_how_to_go_on(bare, squares, tmp_path, monkeypatch, capsys):
    """The disk fails at the third state. The error is one line; what is saved is said beside it, and can be resumed."""
    save, saved = save_state, []

    def fails(folder, step, *rest):
        saved.append(step)
        with disk_errors_in_one_line(folder.path):
            if len(saved) == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
            save(folder, step, *rest)

    monkeypatch.setattr("dcgan_tf.training.recorder.save_state", fails)
    arguments = list(map(str, flags(squares, tmp_path / "run", "--epochs", 3)))
    assert cli.train_main(arguments) == 2
    out, err = capsys.readouterr()
    assert (
        err == f"error: no space left on the disk for {tmp_path}/run: free some space and run the same command again\n"
    )
    assert out.splitlines()[-3] == "failed   all up to step 6 of 9, in epoch 2 of 3 is saved"
    assert out.splitlines()[-1].startswith(f"next     {program()} resume {tmp_path}/run  or  ")
    assert cli.main(["resume", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.splitlines()[-3] == "done     3 epochs, 9 steps"


def test_too_little_memory_is_one_line(squares, tmp_path, monkeypatch):
    def exhausted(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[16,8,8,64]")

    monkeypatch.setattr("dcgan_tf.training.command.settle_xla", exhausted)  # the first to make a step
    monkeypatch.setattr("dcgan_tf.training.trial.describe_device", lambda: "GPU NVIDIA T4")
    assert error_of(config(squares, tmp_path / "run")) == (
        "not enough memory on GPU NVIDIA T4 for batches of 16: give a lower --batch-size, or end what else uses it"
    )
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_real_digits_are_learned(bare, real_data, tmp_path):
    """900 steps of the smallest net: noisy still, but dark borders and bright middles, as real digits have."""
    run_dir = tmp_path / "mnist"
    settings = TrainConfig(
        data=str(real_data / "mnist"), preset="mnist-mlp", max_steps=900, run_dir=str(run_dir), evaluate_every=0,
        sample_every=1,
    )  # fmt: skip
    assert train(settings) == 0
    last = [line for line in log(run_dir) if line["step"] > 700]
    d_loss, g_loss = (sum(line[name] for line in last) / len(last) for name in ("d_loss", "g_loss"))
    # Rounding differs from processor to processor, and so do the losses after 900 steps: 2.9 to 4.2 for the generator's.
    assert last[-1]["step"] == 900 and 0.1 < d_loss < 0.68 and 0.7 < g_loss < 6
    real, fake = (tiles(run_dir / "picture" / name) for name in ("reals.png", "image_at_step_000900.png"))
    for images in (real, fake):
        assert images[:, :3].mean() < 60 and 75 < images[:, 10:18, 10:18].mean() < 140


def tiles(path):
    """The 25 images [25, 28, 28] of a 5x5 grid with 2 pixels between, which is enlarged four times."""
    with Image.open(path) as picture:
        assert picture.size == (608, 608)
        sheet = np.asarray(picture)[::4, ::4]
    return np.stack([sheet[2 + 30 * row :, 2 + 30 * column :][:28, :28] for row in range(5) for column in range(5)])


def test_nets_of_tensorflow_2_0_train_on_real_images(bare, real_data, tmp_path):
    nets = {name: str(real_data.parent / "h5" / f"tf20_{name[0].upper()}model.h5") for name in NETS}
    if not Path(nets["generator"]).exists():
        pytest.skip("no folder h5 beside DCGAN_TF_DATA: no nets of TensorFlow 2.0")
    (tmp_path / "images").mkdir()
    for path in [path for kind in ("no", "yes") for path in sorted((real_data / "mri-native" / kind).iterdir())[:10]]:
        shutil.copy(path, tmp_path / "images" / f"{path.parent.name}-{path.name}")
    settings = TrainConfig(
        data=str(tmp_path / "images"), preset="paints200", image_size=(40, 40), max_steps=1,
        run_dir=str(tmp_path / "run"), evaluate_every=0, precision="float32", **nets,
    )  # fmt: skip
    assert train(settings) == 0
    assert RunFolder(tmp_path / "run").saved_epochs() == [1]
