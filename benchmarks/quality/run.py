"""Trains the same net with different recipes for equal time, and measures the pictures; results accumulate.

    python -m benchmarks.quality.run faces32 --variants tutorial best --seeds 0 1

Equal time is a number of epochs: so many of the tutorial recipe, and of another one as many whole ones as take no longer,
by the ratio of their steps' times, measured in turn in one process. So a result does not depend on what else the machine
does meanwhile, nor does a run that is stopped and started again. Each result is a JSON file in benchmarks/quality/results/;
what is there is not made again, and `python -m benchmarks.quality.page` makes docs/quality.md and docs/quality-switches.md
from all of them. With --times 3 a run goes on until it is three times as long, with a result of its own.

FID, KID, precision and recall are taken in the features of a net that has learned ImageNet, as `dcgan-tf evaluate` takes them;
those of tiny grey images in the features of a small net that `dcgan-tf train-features` makes of labelled ones first, once for
all variants. Trained on another machine it is a little different, and so are the numbers.

The SWD of a few hundred pictures depends on which they are: by a tenth, for the same net. So it is the mean of several sets of
them, none of which is the one by which the best epoch was chosen.

The images are folders or files of --data-root, real ones that are no part of this repository. Where their licence lets
pictures be shown, the sheet of the best epoch is kept beside the result.
"""

import contextlib
import hashlib
import json
import math
import os
import statistics
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from benchmarks.common import ROOT, asked, machine
from benchmarks.quality import process, scoring, stacked
from benchmarks.quality.studies import DIGITS, IMAGENET, STUDIES, VARIANTS, Study, flags_of, slug
from dcgan_tf.common.errors import UserError
from dcgan_tf.config.flags import Positional
from dcgan_tf.config.parser import parse
from dcgan_tf.runs.best import criterion
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.log import read_log
from dcgan_tf.runs.settings import read_settings

RESULTS, RUNS = ROOT / "benchmarks" / "quality" / "results", ROOT / "benchmarks" / "runs"
MEASUREMENTS_PER_RUN = 20  # while it trains
COST_SCATTER_SHARE = 0.03  # A cost that is measured again differs by about so much.
EARLY_STEPS = 10_000  # Some of these cost more than later ones.


@dataclass(frozen=True)
class Config:
    study: Annotated[Literal[*STUDIES], Positional("STUDY")]
    variants: tuple[Literal[*VARIANTS], ...] | None = None
    """Default: all of the study's."""
    seeds: tuple[int, ...] = (0,)
    times: int = 1
    """Train so many times as long as the study says; on from what is there."""
    data_root: str = field(default_factory=lambda: os.environ.get("DCGAN_TF_DATA", "data"))
    """The folder that holds the studies' images. Default: DCGAN_TF_DATA in the environment."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


def main(config: Config) -> None:
    study = STUDIES[config.study]
    for seed in config.seeds:
        for variant in config.variants or study.variants:
            path = result_path(config.study, variant, seed, config.times)
            if path.exists():
                print(f"{path.relative_to(ROOT)} is there", flush=True)
                continue
            print(f"{config.study}, {variant}, seed {seed}", flush=True)
            run_dir = RUNS / config.study / result_path(config.study, variant, seed).stem
            result = measure(config, study, variant, seed, run_dir)
            path.parent.mkdir(parents=True, exist_ok=True)
            if study.credit:
                scoring.keep_sheet(run_dir, result["data"]["image_shape"], path.with_suffix(".png"))
            path.write_text(json.dumps(result, indent=1) + "\n")


def result_path(study: str, variant: str, seed: int, times: int = 1) -> Path:
    longer = f"-x{times}" if times > 1 else ""
    return RESULTS / study / f"{slug(variant)}{longer}-seed{seed}.json"


def measure(config: Config, study: Study, variant: str, seed: int, run_dir: Path) -> dict:
    """Trains one variant, or goes on training it, and scores its best and its last epoch."""
    features = features_of(config, study)  # Whether it is there is known before an hour of training.
    flags = ["--data", images_of(config, study), "--seed", str(seed), "--precision", config.precision]
    flags += study.flags
    cost = cost_of(run_dir.with_name(f"{slug(variant)}.cost"), flags, variant)
    of_variant = [*flags, *flags_of(variant)]
    plan = plan_of(of_variant)
    per_epoch = plan.steps_per_epoch
    of_tutorial = plan_of([*flags, *flags_of("tutorial")]).steps_per_epoch
    once = epochs_of_equal_time(study.steps, of_tutorial, per_epoch, cost)
    epochs, every = config.times * once, max(1, once // MEASUREMENTS_PER_RUN)
    cadences = [f"--{what}-every={every}" for what in ("evaluate", "sample", "save")]
    cadences += ["--keep-last", "1", "--keep-every", str(every if study.keeps_epochs else 0)]
    process.run(["train.py", *of_variant, "--run-dir", str(run_dir), "--epochs", str(epochs), *cadences])
    folder = RunFolder(run_dir)
    lines, settings = read_log(folder.log), read_settings(folder).to_json()
    kid_curve, real = scoring.curve_of_kept(run_dir, features, per_epoch) if study.keeps_epochs else ([], None)
    return {
        "study": config.study,
        "variant": variant,
        "seed": seed,
        "times": config.times,
        "cost": cost,
        "steps": epochs * per_epoch,
        "batch_size": settings["config"]["batch_size"],
        "precision": settings["config"]["precision"],
        "data": settings["data"],
        "recipe": settings["recipe"],
        "own_statistics": True,  # of an average's batch normalizations; older results say nothing of it
        "curve": [{k: line[k] for k in ("step", "swd", "diversity")} for line in lines if "swd" in line],
        "chosen_by": criterion(folder.read_best()),  # the best epoch
        "kid_curve": kid_curve,
        "kid_curve_real": real,
        "scores": scoring.scores(run_dir, study, features, plan.source),
        "features": name_of(features),
        "machine": machine(),
    }


def images_of(config: Config, study: Study) -> str:
    """The images to train on, made first where they are to be stacked."""
    data = located(config, study.data)
    if not study.is_stacked:
        return data
    path = RUNS / "stacked-mnist.npy"
    if not path.exists():
        stacked.make(data, path)
    return str(path)


def located(config: Config, data: str) -> str:
    return data if data == DIGITS else str(Path(config.data_root, data))


def features_of(config: Config, study: Study) -> str:
    """What `dcgan-tf evaluate --features` takes: IMAGENET, or the study's own classifier, trained first where it is not there.

    Raises:
        UserError: the weights for ImageNet are not installed.
    """
    if not study.classifier:
        from dcgan_tf.metrics.imagenet import weights_path

        weights_path()
        return IMAGENET
    data, *flags = study.classifier
    path = RUNS / "features" / f"{data.replace('/', '-')}.keras"
    if not path.exists():
        process.run(["-m", "dcgan_tf.cli", "train-features", located(config, data), "--out", str(path), *flags])
    return str(path)


def name_of(features: str) -> str:
    """What tells one feature net from another."""
    return features if features == IMAGENET else hashlib.sha256(Path(features).read_bytes()).hexdigest()[:8]


def epochs_of_equal_time(steps: int, of_tutorial: int, per_epoch: int, cost: float) -> int:
    """How many epochs of a variant take no longer than the tutorial recipe's, as far as that is known; at least one.

    steps        of the tutorial recipe, which makes the whole epochs that are nearest to them
    of_tutorial  its steps an epoch; per_epoch: the variant's
    cost         of the variant's step, as a multiple of the tutorial's
    """
    taken = max(1, round(steps / of_tutorial)) * of_tutorial
    return max(1, math.floor((1 + COST_SCATTER_SHARE) * taken / (cost * per_epoch)))


def cost_of(path: Path, flags: list[str], variant: str) -> float:
    """What a step takes, as a multiple of the tutorial's: the median of turns of both. Measured once for all seeds."""
    with contextlib.suppress(OSError, ValueError):
        return float(path.read_text())
    code = f"from benchmarks.quality.run import time_steps; print(time_steps({flags!r}, {variant!r}))"
    cost = 1.0 if variant == "tutorial" else float(process.run(["-c", code]).strip().splitlines()[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(cost))
    return cost


def time_steps(flags: list[str], variant: str, rounds: int = 5, seconds: float = 2.0) -> float:
    """Seconds of a step of the variant, as a multiple of the tutorial's."""
    from benchmarks.speed.variants import settled
    from dcgan_tf.data.pipeline import batches
    from dcgan_tf.training.start import build_gan

    turns = []
    for name in ("tutorial", variant):
        plan = plan_of([*flags, *flags_of(name)])
        gan = build_gan(plan, settled(plan.config.precision))
        whole_batches = replace(plan.order, drop_remainder=True)
        turns.append(_turn(gan, iter(batches(plan.source, whole_batches, EARLY_STEPS, 10**6))))
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


def plan_of(flags: list[str]):
    from dcgan_tf.config.train import TrainConfig
    from dcgan_tf.training.plan import make_plan

    return make_plan(parse(TrainConfig, flags))


if __name__ == "__main__":
    config = asked(Config, __doc__)
    try:
        main(config)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
