"""Times how soon the program answers: --help, a usage error, the first training step of `python train.py`.

The runs take turns. The first step counts as done when its line is in log.jsonl. What importing TensorFlow and Keras
alone takes on this machine is measured beside them.
"""

import functools
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import ROOT, asked, environment, finish, spread, spread_text

PATIENCE_SECONDS = 120  # seconds

TRAIN = [sys.executable, str(ROOT / "train.py")]
# What is run, and the exit code that is right.
JOBS = {
    "train.py --help": ([*TRAIN, "--help"], 0),
    "train.py --epoch 3 (no such flag)": ([*TRAIN, "--epoch", "3"], 2),
    "train.py --epochs 0 (out of range)": ([*TRAIN, "--epochs", "0"], 2),
}
IMPORT = [sys.executable, "-c", "import tensorflow, keras"]


@dataclass(frozen=True)
class Config:
    rounds: int = 3
    training: bool = True
    """Also import TensorFlow, and train until the first step: the longest part."""
    json: str | None = None
    """The file for the results."""


def main(config: Config) -> None:
    jobs = {label: functools.partial(until_it_ends, *job) for label, job in JOBS.items()}
    if config.training:
        jobs["import tensorflow, keras"] = functools.partial(until_it_ends, IMPORT, 0)
        jobs["train.py, the first step on the digits"] = until_first_step
    for job in jobs.values():  # files read once, bytecode compiled
        job()
    seconds = {label: [] for label in jobs}
    for _ in range(config.rounds):
        for label, job in jobs.items():
            seconds[label].append(job())
    rows = [
        {"from the start of the process": label, "seconds": spread_text(spread(of))} for label, of in seconds.items()
    ]
    finish({"benchmark": "startup", "seconds": seconds}, config.json, rows)


def until_it_ends(command: list[str], code: int) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    seconds = time.perf_counter() - start
    if done.returncode != code:
        raise RuntimeError(f"{command} ended with {done.returncode}, not {code}: {done.stderr}")
    return seconds


def until_first_step() -> float:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "run", "log.jsonl")
        start = time.perf_counter()
        with Path(folder, "output").open("w+") as output:
            process = subprocess.Popen(
                [*TRAIN, "--run-dir", str(log.parent)], env=environment(), stdout=output, stderr=output
            )
            try:
                while not (log.exists() and log.stat().st_size):
                    seconds = time.perf_counter() - start
                    if process.poll() is not None or seconds > PATIENCE_SECONDS:
                        raise RuntimeError(f"no first step after {seconds:.0f} s: {os.pread(output.fileno(), 9999, 0)}")
                    time.sleep(0.01)
                return time.perf_counter() - start
            finally:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main(asked(Config, __doc__))
