"""Measures what training costs beyond its steps: reading images, and checkpoints, pictures and logs.

First the same net is trained from several sources in turn, as the loop does it: a constant batch, a .npy file, a folder
(through its cache of decoded images), an IDX file, a prepared set. Then whole runs of `dcgan_tf.training.command.train` are
made, with nothing but the defaults, but for measuring the pictures, which is not what is asked here. Of their wall time, from the first step to the end of the program's work, all is
counted as cost that is not `steps x the median step`: so steps that work in the background slows down count, too.
The sets hold whole batches, so that all steps are alike. Images are random and smooth, of the size of the preset's.
"""

import contextlib
import functools
import itertools
import multiprocessing
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from benchmarks.common import asked, environment, finish, smooth_images, spread, spread_text
from dcgan_tf.config.order import Order
from dcgan_tf.config.presets import PRESETS, get_preset
from dcgan_tf.runs.log import read_log

BATCHES_AHEAD = 4  # The pipeline has so many batches ready when its turn begins: these steps are not timed.


@dataclass(frozen=True)
class Loop:
    """A run of `train`: the preset's name, or "auto" for the net fitted to the shape."""

    preset: str
    images: int
    shape: tuple[int, int, int]
    epochs: int


LOOPS = {
    "paints200": Loop("paints200", 2656, (200, 200, 3), 1),
    "faces64": Loop("faces64", 5248, (64, 64, 3), 1),
    "mnist": Loop("mnist", 59904, (28, 28, 1), 1),
    "mri96": Loop("mri96", 253, (96, 96, 3), 10),  # epochs of three steps
    "digits": Loop("auto", 1792, (8, 8, 1), 40),  # the program's default
}


@dataclass(frozen=True)
class Config:
    presets: tuple[Literal[*PRESETS], ...] = ("paints200", "mnist")
    """Trained from each source in turn."""
    rounds: int = 3
    turn_seconds: float = 2
    """How long each source is timed in a round, about."""
    batches: int = 40
    """Size of each set."""
    loops: tuple[Literal[*LOOPS], ...] = tuple(LOOPS)
    """Whole runs."""
    epochs: int | None = None
    """Of each whole run. Default: 20 seconds to a minute of them, about."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    json: str | None = None
    """The file for the results."""


def main(config: Config) -> None:
    rows, sources, loops = [], {}, {}
    for name in config.presets:
        print(f"{name} from each source", file=sys.stderr, flush=True)
        sources[name] = in_a_process(measure_sources, name, config)
        constant = sources[name]["constant batch"]
        rows += [
            {
                "measured": f"{name} from {source}",
                "ms a step": spread_text(spread(seconds), 1000, 1),
                "cost": _cost_text([a / b - 1 for a, b in zip(seconds, constant)]),
                "of which": "",
            }
            for source, seconds in sources[name].items()
        ]
    for name in config.loops:
        print(f"{name}: a whole run", file=sys.stderr, flush=True)
        loops[name] = run = in_a_process(measure_loop, name, config)
        rows.append(
            {
                "measured": f"{name}: whole run, {run['epochs']} epochs of {run['images']:,} images, {run['wall']:.0f} s",
                "ms a step": spread_text(spread(run["steps"]), 1000, 1),
                "cost": f"{run['cost']:.1%}",
                "of which": ", ".join(f"{part} {share:.1%}" for part, share in run["parts"].items()),
            }
        )
    finish({"benchmark": "pipeline", "sources": sources, "loops": loops}, config.json, rows)


def _cost_text(shares) -> str:
    return spread_text(spread(shares), 100, 1) + " %"


def in_a_process(function, *arguments):
    """The result of the function, called in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def measure_sources(name: str, config: Config) -> dict[str, list[float]]:
    """Seconds of a step for every source and round."""
    preset = get_preset(name)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DCGAN_TF_CACHE"] = str(Path(folder, "cache"))
        from benchmarks.speed.variants import build_gan, real_images
        from dcgan_tf.common.backend import tf
        from dcgan_tf.data.pipeline import batches

        gan, _ = build_gan(preset, config.precision)
        constant, numbers = tf.constant(real_images(preset)), itertools.count()
        feeds = {"constant batch": ((tf.constant(number, tf.int64), constant) for number in numbers)}
        for label, source in open_sources(preset, config.batches * preset.batch_size, Path(folder)).items():
            order = Order(len(source), preset.batch_size, preset.drop_remainder, seed=0)
            feeds[label] = batches(source, order, 0, 10**9)

        def turn(feed, steps):
            start = time.perf_counter()
            for step, images in itertools.islice(feed, steps):
                metrics = gan.train_step(images, step)
            float(metrics["d_loss"])
            return (time.perf_counter() - start) / steps

        turn(feeds["constant batch"], 2)
        steps = max(2, round(config.turn_seconds / turn(feeds["constant batch"], 2)))
        seconds = {label: [] for label in feeds}
        for _ in range(config.rounds):
            for label, feed in feeds.items():
                turn(feed, BATCHES_AHEAD)
                seconds[label].append(turn(feed, steps))
        return seconds


def open_sources(preset, count: int, folder: Path) -> dict:
    """The same images in every form that there is."""
    from dcgan_tf.data.sources import open_source

    images = smooth_images(count, preset.image_shape)
    *size, channels = preset.image_shape
    npy, pictures, idx, prepared = (folder / name for name in ("images.npy", "pictures", "images.idx", "prepared"))
    np.save(npy, images)
    sources = {".npy": open_source(str(npy))}
    pictures.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(pictures / f"{number:06d}.png", compress_level=1)
    sources["folder"] = open_source(str(pictures), size=tuple(size), channels=channels)
    if channels == 1:
        idx.write_bytes(struct.pack(">HBB3I", 0, 8, 3, count, *size) + images.tobytes())
        sources["IDX"] = open_source(str(idx))
    command = [sys.executable, "-m", "dcgan_tf.cli", "prepare", str(npy), "--out", str(prepared), "--shards", "4"]
    subprocess.run(command, env=environment(), check=True, stdout=sys.stderr)
    sources["prepared set"] = open_source(str(prepared))
    return sources


def measure_loop(name: str, config: Config) -> dict:
    """One run of `train` with default settings; seconds of every step, and shares of the wall time."""
    loop = LOOPS[name]
    epochs = config.epochs or loop.epochs
    from dcgan_tf.config.train import TrainConfig
    from dcgan_tf.training import start, trainer
    from dcgan_tf.training.command import train

    steps, waits = [], []  # (start, end) of each
    start.GAN = functools.partial(_timed_gan, start.GAN, steps)
    trainer.batches = functools.partial(_timed_batches, trainer.batches, waits)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        data = Path(folder, f"{name}.npy")
        np.save(data, smooth_images(loop.images, loop.shape))
        run_dir = str(Path(folder, "run"))
        settings = dict(preset=loop.preset, run_dir=run_dir, epochs=epochs, precision=config.precision)
        train(TrainConfig(str(data), **settings, evaluate_every=0))
        end = time.perf_counter()
        *_, last = read_log(Path(run_dir, "log.jsonl"))
    steps = steps[-last["step"] :]  # the first ones only measured how long a step takes
    begin = steps[0][0]
    wall = end - begin
    seconds = [stop - start for start, stop in steps]
    alone = len(steps) * statistics.median(seconds)
    waiting = sum(stop - start for start, stop in waits if start >= begin)
    return {
        "images": loop.images,
        "epochs": epochs,
        "wall": wall,
        "steps": seconds,
        "cost": 1 - alone / wall,
        "parts": {
            "slower steps": (sum(seconds) - alone) / wall,
            "waiting for images": waiting / wall,
            "checkpoints, pictures, logs": (wall - sum(seconds) - waiting) / wall,
        },
    }


def _timed_gan(make, steps, *arguments, **options):
    gan = make(*arguments, **options)
    train_step = gan.train_step

    def timed(images, step, *labels):
        start = time.perf_counter()
        metrics = train_step(images, step, *labels)
        float(metrics["d_loss"])
        steps.append((start, time.perf_counter()))
        return metrics

    gan.train_step = timed
    return gan


def _timed_batches(make, waits, *arguments, **options):
    batches = iter(make(*arguments, **options))
    while True:
        start = time.perf_counter()
        batch = next(batches, None)
        waits.append((start, time.perf_counter()))
        if batch is None:
            return
        yield batch


if __name__ == "__main__":
    main(asked(Config, __doc__))
