"""Trains the same net with different recipes for equal time, and measures the pictures; results accumulate.

    python -m benchmarks.quality faces32 --variants tutorial best --seeds 0 1

Equal time is a number of steps: so many of the tutorial recipe, and of another one fewer in the ratio of what their steps
take, measured in turn in one process. So a result does not depend on what else the machine does meanwhile, nor does a run
that is stopped and started again. Each result is a JSON file in benchmarks/quality/; what is there is not made again, and
`python -m benchmarks.quality_page` makes docs/quality.md from all of them.

The images are folders or files of --data-root, real ones that are no part of this repository.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from benchmarks.common import ROOT, environment, machine

RESULTS, RUNS = ROOT / "benchmarks" / "quality", ROOT / "benchmarks" / "runs"
MEASUREMENTS = 20  # of a run, while it trains


@dataclass(frozen=True)
class Study:
    """steps: of the tutorial recipe. flags: of `train.py`, for every variant. images: of each set, for the measures; None:
    as published, or half of the real ones."""

    data: str
    steps: int
    flags: tuple[str, ...]
    variants: tuple[str, ...]
    images: int | None = None


# On top of the tutorial recipe, or of --recipe best where it is named.
VARIANTS = {
    "tutorial": (),
    "best": ("--recipe", "best"),
    "ema": ("--ema", "0.995"),
    "augment": ("--augment", "colour", "translation", "cutout"),
    "augment without colour": ("--augment", "translation", "cutout"),
    "flips": ("--flips", "on"),
    "hinge": ("--loss", "hinge"),
    "least squares": ("--loss", "least-squares"),
    "relativistic, R1, R2": ("--loss", "relativistic", "--r1", "1", "--r2", "1", "--penalty-every", "8"),
    "Wasserstein, penalty": ("--loss", "wasserstein", "--gradient-penalty", "10"),
    "R1": ("--r1", "1", "--penalty-every", "8"),
    "minibatch std": ("--minibatch-std", "on"),
    "packing": ("--packing", "2"),
    "spectral norm": ("--spectral-norm", "on"),
    "D learns twice as fast": ("--d-learning-rate", "0.0004"),
    "instance noise": ("--instance-noise", "0.1"),
    "even kernels": ("--upsampling", "even"),
    "resizing": ("--upsampling", "resize"),
    "best, flips": ("--recipe", "best", "--flips", "on"),
    "best, R1": ("--recipe", "best", "--r1", "1", "--penalty-every", "8"),
    "best, relativistic, R1, R2": (
        "--recipe", "best", "--loss", "relativistic", "--r1", "1", "--r2", "1", "--penalty-every", "8",
    ),
    "best, hinge": ("--recipe", "best", "--loss", "hinge"),
    "best, minibatch std": ("--recipe", "best", "--minibatch-std", "on"),
    "best, packing": ("--recipe", "best", "--packing", "2"),
    "best, even kernels": ("--recipe", "best", "--upsampling", "even"),
    "best, resizing": ("--recipe", "best", "--upsampling", "resize"),
    "best, D learns twice as fast": ("--recipe", "best", "--d-learning-rate", "0.0004"),
}  # fmt: skip

ABLATION = tuple(VARIANTS)
CONFIRMATION = ("tutorial", "best")
STUDIES = {
    "faces32": Study("faces", 2000, ("--image-size", "32", "32"), ABLATION),
    "paintings32": Study("paintings", 2000, ("--image-size", "32", "32"), ABLATION),
    "mnist28": Study("mnist", 9000, ("--preset", "mnist"), CONFIRMATION),
    "fashion28": Study("fashion-mnist", 9000, ("--preset", "mnist"), CONFIRMATION),
    "faces64": Study("faces", 4000, ("--preset", "faces64"), CONFIRMATION),
    "mri96": Study("mri/Training", 5000, ("--image-size", "96", "96"), CONFIRMATION),
    "paintings64": Study("paintings", 4000, ("--preset", "faces64"), CONFIRMATION),
    "paintings200": Study("paintings", 8000, ("--preset", "paints200"), CONFIRMATION),
    # mmgeneration's anchor: 640,000 images of 64x64, scored on 10,000.
    "mnist64": Study("mnist", 5000, ("--image-size", "64", "64", "--batch-size", "128"), CONFIRMATION, 10_000),
}


@dataclass(frozen=True)
class Config:
    study: Annotated[Literal[*STUDIES], tyro.conf.Positional]
    variants: tuple[Literal[*VARIANTS], ...] | None = None
    """Default: all of the study's."""
    seeds: tuple[int, ...] = (0,)
    data_root: str = field(default_factory=lambda: os.environ.get("DCGAN_TF_DATA", "data"))
    """The folder that holds the studies' images. Default: DCGAN_TF_DATA in the environment."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


def main(config: Config) -> None:
    study = STUDIES[config.study]
    for seed in config.seeds:
        for variant in config.variants or study.variants:
            path = result_path(config.study, variant, seed)
            if path.exists():
                print(f"{path.relative_to(ROOT)} is there", flush=True)
                continue
            print(f"{config.study}, {variant}, seed {seed}", flush=True)
            result = measure(config, study, variant, seed)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(result, indent=1) + "\n")


def result_path(study: str, variant: str, seed: int) -> Path:
    name = "".join(letter if letter.isalnum() else "-" for letter in variant.lower())
    return RESULTS / study / f"{name}-seed{seed}.json"


def measure(config: Config, study: Study, variant: str, seed: int) -> dict:
    """Trains one variant, or goes on training it, and scores its best and its last epoch."""
    run_dir = RUNS / config.study / result_path(config.study, variant, seed).stem
    flags = ["--data", str(Path(config.data_root, study.data)), "--seed", str(seed), "--precision", config.precision]
    flags += study.flags
    cost = cost_of(run_dir.with_suffix(".cost"), flags, VARIANTS[variant])
    steps = round(study.steps / cost)
    per_epoch = steps_per_epoch(flags)
    epochs = max(1, round(steps / per_epoch))
    every = str(max(1, epochs // MEASUREMENTS))
    cadences = ["--evaluate-every", every, "--sample-every", every, "--save-every", every, "--keep-last", "1"]
    run([
        "train.py", *flags, *VARIANTS[variant], "--run-dir", str(run_dir), "--epochs", str(epochs), "--keep-every", "0",
        *cadences,
    ])  # fmt: skip
    lines = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    settings = json.loads((run_dir / "config.json").read_text())
    return {
        "study": config.study,
        "variant": variant,
        "seed": seed,
        "cost": cost,
        "steps": epochs * per_epoch,
        "batch_size": settings["config"]["batch_size"],
        "precision": settings["config"]["precision"],
        "data": settings["data"],
        "recipe": settings["recipe"],
        "curve": [{k: line[k] for k in ("step", "swd", "diversity")} for line in lines if "swd" in line],
        "scores": scores(run_dir, study),
        "machine": machine(),
    }


def cost_of(path: Path, flags: list[str], variant: tuple[str, ...]) -> float:
    """What a step takes, as a multiple of the tutorial's: the median of turns of both. Kept beside the run."""
    with contextlib.suppress(OSError, ValueError):
        return float(path.read_text())
    code = f"from benchmarks.quality import time_steps; print(time_steps({flags!r}, {list(variant)!r}))"
    cost = float(run(["-c", code]).strip().splitlines()[-1]) if variant else 1.0
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(cost))
    return cost


def time_steps(flags: list[str], variant: list[str], rounds: int = 5, seconds: float = 2.0) -> float:
    """Seconds of a step of the variant, as a multiple of the tutorial's."""
    from dcgan_tf.backend import tf
    from dcgan_tf.config import TrainConfig
    from dcgan_tf.data.pipeline import batches
    from dcgan_tf.plan import make_plan
    from dcgan_tf.starting import build_gan
    from dcgan_tf.tuning import fastest_precision

    turns = []
    for more in ([], variant):
        plan = make_plan(tyro.cli(TrainConfig, args=[*flags, *more]))
        asked = plan.config.precision
        precision = fastest_precision(tf.distribute.get_strategy()).name if asked == "auto" else asked
        gan, feed = build_gan(plan, precision), batches(plan.source, plan.batch_size, True, 0, 0, 10**6)
        turns.append(_turn(gan, iter(feed)))
    for turn in turns:
        turn(2)
    # Whole periods of lazy penalties, all turns alike.
    steps = 8 * max(1, round(seconds / turns[0](8) / 8))
    pairs = [[turn(steps) for turn in turns] for _ in range(rounds)]
    return statistics.median(b / a for a, b in pairs)


def _turn(gan, feed):
    def turn(steps: int) -> float:
        """Seconds of a step."""
        start = time.perf_counter()
        for _ in range(steps):
            step, images = next(feed)
            metrics = gan.train_step(images, step)
        float(metrics["d_loss"])
        return (time.perf_counter() - start) / steps

    return turn


def steps_per_epoch(flags: list[str]) -> int:
    from dcgan_tf.config import TrainConfig
    from dcgan_tf.plan import make_plan

    return make_plan(tyro.cli(TrainConfig, args=flags)).steps_per_epoch


def scores(run_dir: Path, study: Study) -> dict:
    """What `dcgan-tf evaluate` says of the best and of the last epoch; "real" is the floor."""
    found = {}
    for epoch in ("best", "newest"):
        out = run_dir / f"evaluation-{epoch}"
        shutil.rmtree(out, ignore_errors=True)
        images = ["--images", str(study.images)] if study.images else []
        run(["-m", "dcgan_tf.cli", "evaluate", str(run_dir), "--epoch", epoch, "--out", str(out), *images])
        found[epoch] = json.loads((out / "evaluation.json").read_text())
        del found[epoch]["source"]  # a path of the machine that measured
    return found


def run(arguments: list[str]) -> str:
    """A Python process from the root of the repository; its errors go to standard error."""
    process = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return process.stdout


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
