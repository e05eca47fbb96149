"""`dcgan-tf evaluate --set-best`: a run's best epoch as best.json names it, measured as training measures."""

from dataclasses import replace
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import locked_folder
from dcgan_tf.config.commands import IMAGENET
from dcgan_tf.evaluate.against import RealImages
from dcgan_tf.generators.find import Found
from dcgan_tf.generators.generator import Generator
from dcgan_tf.generators.quality import FULL_EFFORT, FULL_FEATURE_IMAGES, Quality, effort_of
from dcgan_tf.metrics import swd
from dcgan_tf.metrics.feature_sets import imagenet_suits
from dcgan_tf.metrics.features import open_features
from dcgan_tf.runs.folder import RunFolder


def check_can_set(source: str, is_run: bool, found: Found, against: RealImages) -> None:
    """To be called before anything is measured.

    Raises:
        UserError: there is no run, or it trains now; its images are not there, or too few for SWD.
    """
    shown = printable(source)
    if not is_run or found.settings is None:
        raise UserError(f"--set-best: {shown} is not a run's folder: leave --set-best out")
    if not against.are_those_of_run:
        raise UserError(
            "--set-best: the best is told by the images that the run was trained on, and these are others: give those as "
            "--data, or leave --set-best out"
        )
    if against.drawn is not None and against.drawn.are_some:
        raise UserError("--set-best: the best is told by all classes: leave --labels out, or --set-best")
    if not swd.fits(against.reals):
        raise UserError(
            f"--set-best: the best is told by SWD, which needs {2 * swd.MIN_IMAGES} images of at least {swd.PATCH_SIDE} "
            "pixels: take an epoch with --epoch instead"
        )
    with _locked(RunFolder(Path(source))):
        pass  # Whether it can be locked is known before hours of measuring.


def set_best(source: str, found: Found, generator: Generator, against: RealImages) -> tuple[dict, dict]:
    """Writes best.json; returns what it said before ({} where there was none) and what it says now.

    generator: the one found, with its classes as often as they are to come.

    The numbers are those that training compares with: with the run's seed and the effort with which the best of before was
    measured, to which features are added where they can be; where there was none, with the greatest.

    Raises:
        UserError: the run trains now; best.json cannot be written.
    """
    folder, settings, reals = RunFolder(Path(source)), found.settings, against.reals
    before = folder.read_best()
    # The models of an epoch may be those of a step within it, which only best.json knows.
    step = before.get("step") if before.get("epoch") == found.epoch else None
    effort = effort_of(before) or FULL_EFFORT
    images = (effort.feature_images or FULL_FEATURE_IMAGES) if imagenet_suits(reals) else 0
    effort = replace(effort, feature_images=images)
    space = open_features(IMAGENET) if effort.feature_images else None
    quality = Quality(reals, generator, settings.config.seed, effort, space)
    best = {
        "epoch": found.epoch,
        "step": _last_step(folder, found.epoch, settings.steps_per_epoch) if step is None else step,
        "diversity": quality.diversity(),
    }
    best |= quality.scores() | quality.of_reals | quality.effort.facts()
    with _locked(folder):
        folder.write_best(best)
    return before, best


def _last_step(folder: RunFolder, epoch: int, steps_per_epoch: int) -> int:
    """The last step of an epoch, or that at which the run has stopped within it."""
    last, made = epoch * steps_per_epoch, folder.saved_steps()
    return min(last, made[-1]) if made else last


def _locked(folder: RunFolder):
    return locked_folder(folder.path, "--set-best", "training", instead="leave --set-best out")
