"""Runs `dcgan-tf evaluate` and reads what it wrote; the runs that it measures are fixtures of tests/evaluate."""

import json

from dcgan_tf import cli
from dcgan_tf.evaluate.results import Measured, Result
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.samples import Samples

REALS = 240  # images that the run was trained on


def evaluate(*arguments) -> int:
    return cli.main(["evaluate", *map(str, arguments)])


def read(folder):
    return json.loads((folder / "evaluation.json").read_text())


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def samples_of(run, epoch, count, seed=0):
    return Samples(open_generator(str(run), epoch), count, seed)


def result_of(**measures) -> Result:
    """measures: by name, (numbers of real images, {epoch: numbers})."""
    return Result(
        measures={name: Measured({"images": 1024}, real, epochs) for name, (real, epochs) in measures.items()}
    )
