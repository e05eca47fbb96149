"""Times one training step of each preset: ours, plain Keras, PyTorch, in turn in one run.

Every variant has a process of its own, warmed up once. Then they take turns, A B C A B C: each does a few steps while
all others wait, so that whatever else the machine does hits all of them alike. A ratio is that of two turns of one
round; the median over the rounds is printed, with the smallest and the largest. The peak is that of a product of two
large matrices, measured in the same rounds.
"""

import contextlib
import importlib.util
import math
import statistics
import sys
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.common import asked, finish, spread, spread_text
from benchmarks.speed import flops
from benchmarks.speed.variants import VARIANTS, fastest_precision, matmul, train
from benchmarks.speed.workers import Failed, Worker
from dcgan_tf.config.presets import PRESETS, get_preset

PEAKS = ("float32", "bfloat16")
TURN_SECONDS = 1
USUAL = (
    "ours",
    "ours float32",
    "keras float32",
    "keras bfloat16",
    "torch float32 channels-last",
    "torch bfloat16 channels-last",
)
MORE = {"paints200": ("torch float32", "torch bfloat16 compiled")}  # for the others, not worth their minutes


@dataclass(frozen=True)
class Config:
    presets: tuple[Literal[*PRESETS], ...] = ("paints200", "mri96", "faces64", "mnist", "mnist56", "mnist-mlp")
    variants: tuple[Literal[*VARIANTS], ...] | None = None
    """The first is what the others are compared with. Those of PyTorch are left out where it is not installed. Default:
    ours, plain Keras and PyTorch with channels last, in float32 and, where the hardware has it, in bfloat16; more of
    PyTorch for paints200."""
    rounds: int = 3
    steps: int | None = None
    """Of a turn. Default: so many that they take about a second."""
    batch_size: int | None = None
    """Default: the preset's."""
    peak_side: int = 4096
    """Rows and columns of the matrices."""
    json: str | None = None
    """The file for the results."""


def main(config: Config) -> None:
    rows, results, precision = [], {}, precision_of_auto()
    for name in config.presets:
        preset = get_preset(name)
        if config.batch_size:
            preset = replace(preset, batch_size=config.batch_size)
        results[name] = measure(preset, config.variants or usual(name, precision), precision, config)
        rows += table_rows(name, results[name])
    finish({"benchmark": "step", "presets": results}, config.json, rows)


def usual(preset: str, precision: str) -> tuple[str, ...]:
    """What is measured of a preset by default; precision: as of `precision_of_auto`. Emulated, a step in bfloat16 takes
    minutes."""
    variants = USUAL + MORE.get(preset, ())
    if precision == "bfloat16":
        return variants
    # Without it "ours" is "ours float32".
    return tuple(name for name in variants if name != "ours" and "bfloat16" not in name)


def precision_of_auto() -> str:
    """What --precision auto takes on this machine: measured before anything else runs on it, once for all variants."""
    worker = Worker(fastest_precision)
    try:
        return worker.ready()
    finally:
        worker.close()


def measure(preset, variants: tuple[str, ...], precision: str, config: Config) -> dict:
    """Everything about one preset: seconds per step of every variant and round, the peaks, what failed and why.

    precision: of "ours".
    """
    # "ours" is in either.
    wanted = [p for p in PEAKS if "ours" in variants or any(p in name for name in variants)]
    peaks = {f"peak {p}": p for p in wanted}
    asked = {label: (matmul, p, config.peak_side) for label, p in peaks.items()}
    asked |= {name: (train, f"ours {precision}" if name == "ours" else name, preset) for name in variants}
    with contextlib.ExitStack() as running:
        print(f"{preset.name}: setting up", file=sys.stderr, flush=True)
        workers, facts, left_out = set_up(asked, running)
        names = [name for name in variants if name in workers]
        counts = {name: config.steps or math.ceil(TURN_SECONDS / worker.time(1)) for name, worker in workers.items()}
        seconds, busy = take_turns(workers, counts, config.rounds)
    return {
        "batch_size": preset.batch_size,
        "operations": flops.step(preset),
        "steps_per_turn": counts,
        "seconds": {name: seconds[name] for name in names},
        "precision": {name: facts[name] for name in names},
        "peak": {p: [facts[label] / turn for turn in seconds[label]] for label, p in peaks.items()},
        "busy_while_waiting": busy,
        "left_out": left_out,
    }


def set_up(asked: dict[str, tuple], running: contextlib.ExitStack):
    """Starts a worker for each of `asked`: (workers, their facts, why others are left out), all by name."""
    workers, facts, left_out = {}, {}, {}
    for name, arguments in asked.items():
        if name.startswith("torch") and not importlib.util.find_spec("torch"):
            left_out[name] = "PyTorch is not installed"
            continue
        workers[name] = Worker(*arguments)
        running.callback(workers[name].close)
    for name in list(workers):
        try:
            facts[name] = workers[name].ready()
        except Failed as error:
            left_out[name] = str(error)
            del workers[name]
    for name, reason in left_out.items():
        print(f"{name} is left out: {reason.strip().splitlines()[-1]}", file=sys.stderr)
    return workers, facts, left_out


def take_turns(workers: dict[str, Worker], counts: dict[str, int], rounds: int):
    """Seconds of a step for each worker and round; and the processor's time each used while others had their turn."""
    seconds, busy = {name: [] for name in workers}, dict.fromkeys(workers, 0.0)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for name, worker in workers.items():
            before = {other: workers[other].busy_seconds() for other in workers if other != name}
            seconds[name].append(worker.time(counts[name]))
            for other, then in before.items():
                busy[other] += workers[other].busy_seconds() - then
    return seconds, busy


def table_rows(preset: str, result: dict):
    """A line for every variant."""
    seconds, (first, *_) = result["seconds"], result["seconds"]
    for name, turns in seconds.items():
        precision = result["precision"][name]
        peak = statistics.median(result["peak"][precision])
        rate = result["operations"] / statistics.median(turns)
        same = [other for other in seconds if other.startswith(first) and result["precision"][other] == precision]
        yield {
            "preset": preset,
            "variant": f"{name} = {precision}" if name == "ours" else name,
            "ms a step": spread_text(spread(turns), 1000, 1),
            "images/s": f"{result['batch_size'] / statistics.median(turns):,.0f}",
            f"{first} is x times as fast": ratio_text(turns, seconds[first]),
            "in the same precision": ratio_text(turns, seconds[same[0]]) if same else "",
            "GFLOP/s": f"{rate / 1e9:,.0f}",
            "of the peak": f"{rate / peak:.0%} of {peak / 1e9:,.0f}",
        }


def ratio_text(turns, by) -> str:
    return spread_text(spread([a / b for a, b in zip(turns, by)]))


if __name__ == "__main__":
    main(asked(Config, __doc__))
