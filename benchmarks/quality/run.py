"""Trains the same net with different recipes for equal time, and measures the pictures; results accumulate.

    python -m benchmarks.quality.run faces32 --variants tutorial best --seeds 0 1

Equal time is a number of epochs: so many of the tutorial recipe, and of another one as many whole ones as take no longer,
by the ratio of their steps' times, measured in turn in one process. So a result does not depend on what else the machine
does meanwhile, nor does a run that is stopped and started again. Each result is a JSON file in benchmarks/quality/results/; what is
there is not made again, and `python -m benchmarks.quality.page` makes docs/quality.md from all of them. With --times 3 a run
goes on until it is three times as long, with a result of its own.

FID, KID, precision and recall are taken in the features of a small net that `dcgan-tf train-features` makes of labelled
images first, once for all variants. Trained on another machine it is a little different, and so are the numbers.

The SWD of a few hundred pictures depends on which they are: by a tenth, for the same net. So it is the mean of several sets of
them, none of which is the one by which the best epoch was chosen.

The images are folders or files of --data-root, real ones that are no part of this repository; only of the digits, which
come with scikit-learn, are pictures kept beside the results.
"""

import contextlib
import hashlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from benchmarks.common import ROOT, asked, environment, machine
from benchmarks.quality import stacked
from benchmarks.quality.studies import CONFIRMATION, DIGITS, STUDIES, VARIANTS, Study, flags_of, slug
from dcgan_tf.common.files import whole_file
from dcgan_tf.config.flags import Positional
from dcgan_tf.config.parser import parse
from dcgan_tf.generators.find import Found, find
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import swd
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.log import read_log
from dcgan_tf.runs.pictures import sample_pictures
from dcgan_tf.runs.settings import read_settings

RESULTS, RUNS = ROOT / "benchmarks" / "quality" / "results", ROOT / "benchmarks" / "runs"
MEASUREMENTS_PER_RUN = 20  # while it trains
KID_CURVE_IMAGES = 1000  # for KID over time
COST_SCATTER_SHARE = 0.03  # A cost that is measured again differs by about so much.
EARLY_STEPS = 10_000  # Some of these cost more than later ones.
SWD_IMAGES = 5000  # So many pictures are drawn for the SWD, in as many sets as that takes.
FIRST_SEED_OF_DRAWS = 1000  # A run measures itself by pictures of its own, lower seed.


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
            if study.data == DIGITS:
                shutil.copy(sample_pictures(RunFolder(run_dir))[-1].path, path.with_suffix(".png"))
            path.write_text(json.dumps(result, indent=1) + "\n")


def result_path(study: str, variant: str, seed: int, times: int = 1) -> Path:
    longer = f"-x{times}" if times > 1 else ""
    return RESULTS / study / f"{slug(variant)}{longer}-seed{seed}.json"


def measure(config: Config, study: Study, variant: str, seed: int, run_dir: Path) -> dict:
    """Trains one variant, or goes on training it, and scores its best and its last epoch."""
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
    has_curve = study.variants == CONFIRMATION
    cadences += ["--keep-last", "1", "--keep-every", str(2 * every if has_curve else 0)]
    run(["train.py", *of_variant, "--run-dir", str(run_dir), "--epochs", str(epochs), *cadences])
    folder = RunFolder(run_dir)
    lines, settings = read_log(folder.log), read_settings(folder).to_json()
    features = feature_net(config, study)
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
        "kid_curve": kid_curve(run_dir, features, per_epoch) if has_curve else [],
        "scores": scores(run_dir, study, features, plan.source),
        "features": digest(features),
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


def feature_net(config: Config, study: Study) -> Path | None:
    """The file of the study's feature net, trained first where it is not there."""
    if not study.features:
        return None
    data, *flags = study.features
    path = RUNS / "features" / f"{data.replace('/', '-')}.keras"
    if not path.exists():
        run(["-m", "dcgan_tf.cli", "train-features", located(config, data), "--out", str(path), *flags])
    return path


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
    cost = 1.0 if variant == "tutorial" else float(run(["-c", code]).strip().splitlines()[-1])
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


def scores(run_dir: Path, study: Study, features: Path | None, reals) -> dict:
    """What `dcgan-tf evaluate` says of the best and of the last epoch, its SWD by several sets of pictures; "real" is the
    floor."""
    best, newest = (find(str(run_dir), epoch) for epoch in ("best", "newest"))
    measure = swd.SWD(reals, study.images or swd.PUBLISHED_IMAGES)  # describes the real images once for both
    of_best = scores_of(best, run_dir, study, features, measure)
    same = newest.epoch == best.epoch
    return {"best": of_best, "newest": of_best if same else scores_of(newest, run_dir, study, features, measure)}


def scores_of(found: Found, run_dir: Path, study: Study, features: Path | None, measure: swd.SWD) -> dict:
    flags = ["--images", str(study.images)] if study.images else []
    scored = evaluation(run_dir, str(found.epoch), features, flags)
    of_swd = scored["measures"]["swd"]
    of_swd["draws"] = swd_of_draws(found, measure)
    of_swd["epochs"][str(found.epoch)] = {
        level: statistics.mean(draw[level] for draw in of_swd["draws"]) for level in of_swd["draws"][0]
    }
    if study.is_stacked:  # the net tells one digit, and no stack of three
        scored["measures"].pop("modes", None)
        scored["stacked_modes"] = stacked.modes(Samples(open_generator(str(found.path)), stacked.SAMPLES), features)
    return scored


def swd_of_draws(found: Found, measure: swd.SWD) -> list[dict[str, float]]:
    """The SWD of several sets of pictures from as many real images, by level, and its mean."""
    generator, draws = open_generator(str(found.path)), []
    for number in range(math.ceil(SWD_IMAGES / measure.images)):
        levels = measure.score(Samples(generator, measure.images, FIRST_SEED_OF_DRAWS + number))
        draws.append({str(height): value for height, value in levels.items()} | {"mean": swd.mean(levels)})
    return draws


def kid_curve(run_dir: Path, features: Path | None, steps_per_epoch: int) -> list[dict]:
    """KID and its standard error, precision and recall of all epochs that were kept."""
    if not features:
        return []
    wanted = ["--metrics", "kid", "precision-recall", "--images", str(KID_CURVE_IMAGES)]
    found = evaluation(run_dir, "all", features, wanted)["measures"]
    kid, shares = (found[name]["epochs"] for name in ("kid", "precision-recall"))
    return [{"step": int(epoch) * steps_per_epoch} | kid[epoch] | shares[epoch] for epoch in sorted(kid, key=int)]


def evaluation(run_dir: Path, epoch: str, features: Path | None, flags: list[str]) -> dict:
    """What is in evaluation.json of an epoch; what real images score is worked out once for all runs of a study."""
    out = run_dir / f"evaluation-{epoch}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    reals, path = run_dir.with_name(f"real{slug(' '.join(flags))}.json"), out / "evaluation.json"
    with contextlib.suppress(FileNotFoundError):
        shutil.copy(reals, path)
    of_features = ["--features", str(features)] if features else []
    run(["-m", "dcgan_tf.cli", "evaluate", str(run_dir), "--epoch", epoch, "--out", str(out), *of_features, *flags])
    found = json.loads(path.read_text())
    without = {name: measure | {"epochs": {}} for name, measure in found["measures"].items()}
    with whole_file(reals) as beside:
        beside.write_text(json.dumps({"measures": without}))
    for name in ("source", "calls", "earlier"):  # The first two hold paths of the machine that measured.
        found.pop(name, None)
    return found


def digest(features: Path | None) -> str | None:
    """What tells one feature net from another."""
    return hashlib.sha256(features.read_bytes()).hexdigest()[:8] if features else None


def run(arguments: list[str]) -> str:
    """A Python process from the root of the repository; its errors go to standard error."""
    process = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return process.stdout


if __name__ == "__main__":
    main(asked(Config, __doc__))
