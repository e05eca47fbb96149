"""Measures what large sets and many workers cost.

Memory: runs of `train.py` in random order over .npy files of 1 and 16 GB (sparse: they take no space on the disk). A
memory-mapped file's pages count as resident while the system has no better use for them; what the program itself holds
is its anonymous memory, which Linux tells apart.

Workers: the time of a step at several batch sizes, and of a collective sum of the gradients between two processes of
this machine. The rest is a model, not a measurement: n workers in a ring send and receive 2 (n - 1) / n of the bytes
each, in 2 (n - 1) turns, once for each net and step, while nobody computes.
"""

import contextlib
import math
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from benchmarks.common import ROOT, asked, environment, finish, spread, spread_text
from benchmarks.speed import allreduce, flops
from benchmarks.speed.variants import train
from benchmarks.speed.workers import Worker
from dcgan_tf.config.presets import PRESETS, get_preset

IMAGE_SHAPE = 28, 28, 1  # of the smallest net
CLUSTERS = 8, 64, 512
GIGA = 10**9


@dataclass(frozen=True)
class Config:
    gigabytes: tuple[float, ...] = (1, 16)
    """Sizes of the .npy files."""
    prepared_gigabytes: tuple[float, ...] = (0.25, 1)
    """Sizes of the prepared sets, which do take space on the disk."""
    steps: int = 300
    """Of each of these runs, of 256 images each."""
    presets: tuple[Literal[*PRESETS], ...] = ("paints200", "faces64")
    batch_sizes: tuple[int, ...] = (4, 64)
    """Of one worker, beside the preset's own."""
    rounds: int = 3
    gigabits: tuple[float, ...] = (1, 10, 100)
    """Bandwidths for the model, in Gbit/s each way."""
    latency: float = 50e-6
    """For the model: seconds for the smallest message to the next worker."""
    json: str | None = None
    """The file for the results."""


def main(config: Config) -> None:
    memory = measure_memory(config)
    workers = {name: measure_workers(name, config) for name in config.presets}
    finish(
        {"benchmark": "scaling", "latency": config.latency, "memory": memory, "workers": workers},
        config.json,
        [memory_row(run) for run in memory],
        [row for name, measured in workers.items() for row in worker_rows(name, measured, config)],
    )


def measure_memory(config: Config) -> list[dict]:
    """A run for each set: its peak of resident and of anonymous memory, in bytes."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        sizes = {".npy": config.gigabytes, "prepared set": config.prepared_gigabytes}
        for form, gigabytes in ((form, size) for form, sizes in sizes.items() for size in sizes):
            print(f"training from a {form} of {gigabytes:g} GB", file=sys.stderr, flush=True)
            with contextlib.ExitStack() as cleanup:
                data = Path(folder, "images.npy")
                write_sparse(data, round(gigabytes * GIGA) // math.prod(IMAGE_SHAPE))
                if form != ".npy":
                    data = prepared(data, Path(cleanup.enter_context(tempfile.TemporaryDirectory()), "set"))
                run_dir = cleanup.enter_context(tempfile.TemporaryDirectory())
                peak, anonymous = peaks_of_training(data, run_dir, config.steps)
            runs.append({"form": form, "gigabytes": gigabytes, "peak": peak, "anonymous": anonymous})
    return runs


def write_sparse(path: Path, count: int) -> None:
    """A .npy of that many black images."""
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, *IMAGE_SHAPE)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + count * math.prod(IMAGE_SHAPE))


def prepared(data: Path, out: Path) -> Path:
    command = ["prepare", str(data), "--out", str(out), "--shards", "8", "--value-range", "0", "255"]
    subprocess.run([sys.executable, "-m", "dcgan_tf.cli", *command], env=environment(), check=True, stdout=sys.stderr)
    return out


def peaks_of_training(data: Path, run_dir: str, steps: int) -> tuple[int, int | None]:
    """The most resident and anonymous memory of a run, looked at every few milliseconds; None where nobody tells."""
    command = [sys.executable, str(ROOT / "train.py"), "--data", str(data), "--run-dir", run_dir]
    command += ["--preset", "mnist-mlp", "--batch-size", "256", "--max-steps", str(steps)]
    command += ["--value-range", "0", "255"] if data.suffix == ".npy" else []  # black images do not tell
    process = subprocess.Popen(command, env=environment(), stdout=sys.stderr)
    peak, anonymous = 0, None
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            peak = max(peak, psutil.Process(process.pid).memory_info().rss)
            status = Path(f"/proc/{process.pid}/status").read_text()
            for line in status.splitlines():  # a process that ends has no such line any more
                if line.startswith("RssAnon:"):
                    anonymous = max(anonymous or 0, 1024 * int(line.split()[1]))
        time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return peak, anonymous


def memory_row(run: dict) -> dict[str, str]:
    return {
        "trained from": f"{run['form']} of {run['gigabytes']:g} GB",
        "peak, with pages of the file": f"{run['peak'] / GIGA:.2f} GB",
        "peak of anonymous memory": "" if run["anonymous"] is None else f"{run['anonymous'] / GIGA:.2f} GB",
    }


def measure_workers(name: str, config: Config) -> dict:
    """Seconds of a step by batch size, bytes of both nets' gradients, seconds of their sums between two processes."""
    preset = get_preset(name)
    steps = {}
    for batch_size in sorted({*config.batch_sizes, preset.batch_size}):
        print(f"{name}: batches of {batch_size}", file=sys.stderr, flush=True)
        worker = Worker(train, "ours", replace(preset, batch_size=batch_size))
        worker.ready()
        count = max(2, math.ceil(1 / worker.time(1)))
        steps[batch_size] = [worker.time(count) for _ in range(config.rounds)]
        worker.close()
    print(f"{name}: sums of gradients", file=sys.stderr, flush=True)
    values = [
        flops.weights(preset.generator, (preset.latent_dim,)),
        flops.weights(preset.discriminator, preset.image_shape),
    ]
    smallest, *sums = allreduce.seconds([1, *values], config.rounds)
    return {"steps": steps, "bytes": [4 * count for count in values], "sums": sums, "smallest_sum": smallest}


def worker_rows(name: str, measured: dict, config: Config):
    """A line for every batch size."""
    together = [sum(pair) for pair in zip(*measured["sums"])]
    for batch_size, seconds in measured["steps"].items():
        step = statistics.median(seconds)
        yield {
            "preset": name,
            "batch": str(batch_size),
            "ms a step": spread_text(spread(seconds), 1000, 1),
            "images/s": f"{batch_size / step:,.0f}",
            "gradients": f"{sum(measured['bytes']) / 1e6:.1f} MB",
            "summed by two here, ms": spread_text(spread(together), 1000, 1),
        } | {
            f"{', '.join(map(str, CLUSTERS))} workers at {gigabit:g} Gbit/s": ", ".join(
                f"{efficiency(step, measured['bytes'], n, gigabit, config.latency):.0%}" for n in CLUSTERS
            )
            for gigabit in config.gigabits
        }


def efficiency(step: float, net_bytes: list[int], workers: int, gigabit: float, latency: float) -> float:
    """Expected images per second of a cluster, as a share of so many workers that need not agree."""
    bytes_per_second = gigabit * GIGA / 8
    turns = 2 * (workers - 1)
    talk = sum(turns / workers * size / bytes_per_second + turns * latency for size in net_bytes)
    return step / (step + talk)


if __name__ == "__main__":
    main(asked(Config, __doc__))
