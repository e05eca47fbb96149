"""What is typed, and the value or the line that comes of it."""

import math

import pytest

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.commands import AnimateConfig, EvaluateConfig, ExportConfig, GenerateConfig, InterpolateConfig
from dcgan_tf.config.parser import parse
from dcgan_tf.config.train import Switches, TrainConfig

CHOICES = "auto, mnist, mnist-mlp, mnist56, faces64, mri96, paints200"


@pytest.mark.parametrize(
    "words, values",
    [
        ("", {}),
        ("photos", {"data": "photos"}),
        ("--data photos", {"data": "photos"}),
        ("--epochs 3 photos --dry-run", {"data": "photos", "epochs": 3, "dry_run": True}),
        ("--dry-run photos", {"data": "photos", "dry_run": True}),
        ("--dry-run --no-dry-run", {"dry_run": False}),
        ("--epochs=3 --batch_size 4 --batch-size 8", {"epochs": 3, "batch_size": 8}),
        ("--image-size 96 64 photos", {"image_size": (96, 64), "data": "photos"}),
        ("--value-range -1e3 inf", {"value_range": (-1000.0, math.inf)}),
        ("--image-size 64 photos", {"image_size": (64, 64), "data": "photos"}),
        ("photos --image-size=64 --epochs 3", {"image_size": (64, 64), "data": "photos", "epochs": 3}),
        ("--value-range -1 1", {"value_range": (-1.0, 1.0)}),
        ("--augment --ema 0.9", {"switches": Switches(augment=(), ema=0.9)}),
        ("--augment colour translation", {"switches": Switches(augment=("colour", "translation"))}),
        ("--flips on --d-bias off", {"switches": Switches(flips="on", d_bias="off")}),
        ("--epochs None --data=-x --run-dir a=b", {"epochs": None, "data": "-x", "run_dir": "a=b"}),
        ("-- --odd", {"data": "--odd"}),
    ],
)
def test_flags_of_train(words, values):
    assert parse(TrainConfig, words.split()) == TrainConfig(**values)


@pytest.mark.parametrize(
    "kind, words, config",
    [
        (InterpolateConfig, "run --seeds 1 2 3 --out a.gif", InterpolateConfig("run", (1, 2, 3), "a.gif")),
        (InterpolateConfig, "--out a.gif --seeds 1 2 run", InterpolateConfig("run", (1, 2), "a.gif")),
        (EvaluateConfig, "--metrics swd run --seed 3", EvaluateConfig("run", metrics=("swd",), seed=3)),
        (InterpolateConfig, "--out a.gif --seeds 1 -2 -- run", InterpolateConfig("run", (1, -2), "a.gif")),
        (EvaluateConfig, "run --epoch all", EvaluateConfig("run", epoch="all")),
        (EvaluateConfig, "run --epoch 7 --metrics swd fid", EvaluateConfig("run", epoch=7, metrics=("swd", "fid"))),
        (ExportConfig, "run --formats onnx litert --quantize", ExportConfig("run", formats=("onnx", "litert"))),
    ],
)
def test_flags_of_other_commands(kind, words, config):
    assert parse(kind, words.split()) == config


@pytest.mark.parametrize(
    "kind, words, line",
    [
        # unknown: the nearest, or what people mean who come from elsewhere
        (TrainConfig, "--learning_rat 1", "--learning_rat: is no flag of this command: did you mean --learning-rate?"),
        (TrainConfig, "--lr 1", "--lr: is no flag of this command: did you mean --learning-rate?"),
        (TrainConfig, "-lr 1", "-lr: is no flag of this command: did you mean --learning-rate?"),
        (TrainConfig, "--size 64", "--size: is no flag of this command: did you mean --image-size?"),
        (TrainConfig, "--batch=8", "--batch: is no flag of this command: did you mean --batch-size?"),
        (TrainConfig, "--epoch 3", "--epoch: is no flag of this command: did you mean --epochs?"),
        (TrainConfig, "--output x", "--output: is no flag of this command: did you mean --run-dir?"),
        (TrainConfig, "--no-flips", "--no-flips: is no flag of this command: did you mean --flips?"),
        (TrainConfig, "--discrim x", "--discrim: is no flag of this command: did you mean --discriminator?"),
        (GenerateConfig, "-o x", "-o: is no flag of this command: did you mean --out?"),
        (GenerateConfig, "-n 5", "-n: is no flag of this command: did you mean --count?"),
        (ExportConfig, "--format onnx", "--format: is no flag of this command: did you mean --formats?"),
        (TrainConfig, "--xyzzy", "--xyzzy: is no flag of this command: --help lists them"),
        (
            TrainConfig,
            "--gpu 0",
            "--gpu: is no flag of this command: a GPU is taken where TensorFlow finds one; to choose, set "
            "CUDA_VISIBLE_DEVICES (empty: none)",
        ),
        (
            TrainConfig,
            "--num_workers 4",
            "--num_workers: is no flag of this command: images are read with all processors; leave it out",
        ),
        # too few, too many
        (TrainConfig, "--epochs", "--epochs: needs a value: a whole number"),
        (TrainConfig, "--data --epochs 3", "--data: needs a value: a text"),
        (TrainConfig, "--value-range 1", "--value-range 1: needs 2 values, LOW HIGH, each a number"),
        (TrainConfig, "--image-size", "--image-size: needs one value or 2, HEIGHT [WIDTH], each a whole number"),
        (TrainConfig, "--image-size 64x64", "--image-size 64x64: must be a whole number"),
        (TrainConfig, "--dry-run=yes", "--dry-run=yes: takes no value: give --dry-run or --no-dry-run"),
        (TrainConfig, "--dry-run true", "--dry-run true: takes no value: leave true out, or give --no-dry-run"),
        (
            TrainConfig,
            "my photos",
            "photos: is one word more than DATA: leave it out, or put a name with spaces in quotes",
        ),
        (TrainConfig, "x --epochs 3 4", "4: --epochs takes one before it: leave 4 out"),
        (TrainConfig, "photos --data faces", "photos: --data faces is given as well: give one of them"),
        (GenerateConfig, "run", "--out is missing: give --out FOLDER (--help says more)"),
        (GenerateConfig, "", "RUN and --out are missing: give RUN --out FOLDER (--help says more)"),
        # of another type
        (TrainConfig, "--epochs ten", "--epochs ten: must be a whole number"),
        (TrainConfig, "--epochs=", '--epochs "": must be a whole number'),
        (TrainConfig, "--epochs 1000000000000", "--epochs 1000000000000: must be a number of at most 12 digits"),
        (TrainConfig, f"--epochs {'1' * 5000}", f"--epochs {'1' * 80}...: must be a whole number"),
        (
            EvaluateConfig,
            "--metrics fids",
            "--metrics fids: must be one of swd, tones, msssim, fid, kid, precision-recall, copies, diversity, modes, per-class, class-accuracy; did you mean fid?",
        ),
        (TrainConfig, "--epochs 1.5", "--epochs 1.5: must be a whole number"),
        (TrainConfig, "--ema much", "--ema much: must be a number"),
        (TrainConfig, "--flips yes", "--flips yes: must be on or off"),
        (TrainConfig, "--preset faces", f"--preset faces: must be one of {CHOICES}; did you mean faces64?"),
        (TrainConfig, "--preset x\x1b", f"--preset x\\x1b: must be one of {CHOICES}"),
        (AnimateConfig, "run --format avi", "--format avi: must be gif or mp4"),
        (
            EvaluateConfig,
            "run --epoch bst",
            "--epoch bst: must be a whole number, best, newest or all; did you mean best?",
        ),
        (InterpolateConfig, "run --seeds 1 x", "--seeds 1 x: x must be a whole number"),
    ],
)
def test_mistakes_are_one_line(kind, words, line):
    with pytest.raises(UserError) as error:
        parse(kind, words.split(" ") if words else [])
    assert str(error.value) == line
