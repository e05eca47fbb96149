"""The commands that are tried, on tiny nets and images. Each is run in a folder of its own, in which all paths are."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

IMAGES, IMAGE_SHAPE = 48, (16, 16, 3)
# Three steps an epoch; every epoch is drawn, measured and saved, and old ones are deleted.
_TRAIN = (
    "train --data images --run-dir run --generator tiny_Gmodel.h5 --discriminator tiny_Dmodel.h5 --batch-size 16 "
    "--precision float32 --recipe tutorial --ema 0.9 --save-every 1 --sample-every 1 --evaluate-every 1 --keep-last 2 "
    "--keep-every 0"
)
_TWO_EPOCHS = f"{_TRAIN} --epochs 2"
_COLLAPSE = f"{_TRAIN} --learning-rate 0.5 --on-collapse rollback"  # The pictures are lost after an epoch or two.
_PREPARE = "prepare images --out set --shards 3"
_EXPORT = "export run --out served --formats savedmodel onnx litert"
_EVALUATE = "evaluate run --images 32 --out eval"
_GENERATE = "--out out --count 4"


@dataclass(frozen=True)
class Program:
    """A command, and where it begins.

    words          of the command line, after dcgan-tf
    first          commands that make what it begins with
    makes          the folder that it fills
    flushes        whether what it makes is on the disk when it ends, so that a power cut loses nothing
    refuses_again  whether it refuses to do again what is done
    """

    name: str
    words: str
    first: tuple[str, ...] = ()
    makes: str = "run"
    flushes: bool = True
    refuses_again: bool = False


PROGRAMS = {
    program.name: program
    for program in (
        Program("train", f"{_TRAIN} --epochs 4"),
        Program("rollback", f"{_COLLAPSE} --epochs 5"),
        Program("resume", f"{_TRAIN} --epochs 4", (_TWO_EPOCHS,)),
        Program("export", _EXPORT, (_TWO_EPOCHS,), makes="served"),
        Program("prepare", _PREPARE, makes="set", refuses_again=True),
        Program("evaluate", f"{_EVALUATE} --epoch all", (_TWO_EPOCHS,), makes="eval"),
        Program("generate", f"generate run --grid {_GENERATE}", (_TWO_EPOCHS,), makes="out", flushes=False),
    )
}

# Make a folder with every kind of file: a run that has gone back and can go on, a prepared set, exports.
EVERY_KIND = (f"{_COLLAPSE} --epochs 5", _PREPARE, _EXPORT)
# Who reads those files: patterns of their paths.
READERS = {
    Program("resume", f"{_COLLAPSE} --epochs 6"): r"run/(?!tensorboard)|tiny_\wmodel\.h5",
    Program("generate", f"generate run {_GENERATE}", makes="out"): r"run/(config|best|epoch\d+_G)",
    Program("generate newest", f"generate run --epoch newest {_GENERATE}", makes="out"): r"run/epoch5_G",
    Program("evaluate", _EVALUATE, makes="eval"): r"run/(config|best|epoch\d+_G)|cache/",
    Program("evaluate by set", f"{_EVALUATE} --data set", makes="eval"): r"set/",
    Program("export", "export run --out again", makes="again"): r"run/(config|best|epoch\d+_)",
    Program("generate run's savedmodel", f"generate run/saved_model {_GENERATE}", makes="out"): r"run/saved_model/5/",
    Program("generate savedmodel", f"generate served {_GENERATE}", makes="out"): r"served/\d+/",
    Program("generate onnx", f"generate served/served-1.onnx {_GENERATE}", makes="out"): r"served/.*onnx",
    Program("generate litert", f"generate served/served-1.tflite {_GENERATE}", makes="out"): r"served/.*tflite",
}


def furnish(folder: Path) -> int:
    """Images and nets to begin with, into a new folder; uses TensorFlow. Returns 0."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    height, width, channels = IMAGE_SHAPE
    down, right = random.uniform(-90, 90, [2, IMAGES, 1, 1, channels])
    levels = 128 + down * np.linspace(-1, 1, height)[:, None, None] + right * np.linspace(-1, 1, width)[:, None]
    pixels = np.clip(levels + random.normal(0, 12, levels.shape), 0, 255).astype(np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "images" / f"{number:02}.png")
    _tiny_nets(folder)
    return 0


def _tiny_nets(folder: Path) -> None:
    """A generator and a discriminator of some hundred weights."""
    from dcgan_tf.common.backend import keras

    layers, glorot = keras.layers, keras.initializers.GlorotUniform
    generator = keras.Sequential([
        keras.Input([6]), layers.Dense(4 * 4 * 4, use_bias=False, kernel_initializer=glorot(1)), layers.BatchNormalization(),
        layers.LeakyReLU(0.3), layers.Reshape([4, 4, 4]),
        layers.Conv2DTranspose(4, 4, 2, "same", kernel_initializer=glorot(2)), layers.BatchNormalization(), layers.ReLU(),
        layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh", kernel_initializer=glorot(3)),
    ])  # fmt: skip
    discriminator = keras.Sequential([
        keras.Input(IMAGE_SHAPE), layers.Conv2D(4, 4, 2, "same", kernel_initializer=glorot(4)), layers.LeakyReLU(0.2),
        layers.Dropout(0.3, seed=5), layers.Flatten(), layers.Dense(1, kernel_initializer=glorot(6)),
    ])  # fmt: skip
    generator.save(folder / "tiny_Gmodel.h5", include_optimizer=False)
    discriminator.save(folder / "tiny_Dmodel.h5", include_optimizer=False)


def enter(folder: Path) -> None:
    """This process works in `folder` from now on, where its cache and its temporary files go, too."""
    os.chdir(folder)
    for name, place in (("DCGAN_TF_CACHE", "cache"), ("TMPDIR", "tmp")):
        (folder / place).mkdir(exist_ok=True)
        os.environ[name] = str(folder / place)


def copy(before: Path, folder: Path) -> None:
    """`folder` becomes a copy of `before`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(before, folder)
