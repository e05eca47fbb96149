"""`dcgan-tf evaluate --set-best`: a run's best epoch as best.json names it, measured as training measures."""

from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import locked_folder
from dcgan_tf.data.source import ImageSource
from dcgan_tf.generators.find import Found
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import diversity, swd
from dcgan_tf.runs.folder import RunFolder


def check_can_set(source: str, is_run: bool, found: Found, reals: ImageSource) -> None:
    """To be called before anything is measured.

    Raises:
        UserError: there is no run, or it trains now; its images are not there, or too few for SWD.
    """
    shown = printable(source)
    if not is_run or found.settings is None:
        raise UserError(f"--set-best: {shown} is not a run's folder: leave --set-best out")
    if found.settings.data.fingerprint != reals.fingerprint:
        raise UserError(
            "--set-best: the best is told by the images that the run was trained on, and these are others: give those as "
            "--data, or leave --set-best out"
        )
    if not swd.fits(reals):
        raise UserError(
            f"--set-best: the best is told by SWD, which needs {2 * swd.MIN_IMAGES} images of at least {swd.PATCH_SIDE} "
            "pixels: take an epoch with --epoch instead"
        )
    with _locked(RunFolder(Path(source))):
        pass  # Whether it can be locked is known before hours of measuring.


def set_best(source: str, found: Found, reals: ImageSource) -> tuple[dict, dict]:
    """Writes best.json; returns what it said before ({} where there was none) and what it says now.

    The numbers are those that training compares with: SWD of at most 1,024 pictures, with the run's seed.

    Raises:
        UserError: the run trains now; best.json cannot be written.
    """
    folder, settings = RunFolder(Path(source)), found.settings
    seed, before = settings.config.seed, folder.read_best()
    # The models of an epoch may be those of a step within it, which only best.json knows.
    step = before.get("step") if before.get("epoch") == found.epoch else None
    measure = swd.SWD(reals, swd.TRAINING_IMAGES, seed)
    generator = open_generator(str(found.path))
    samples = Samples(generator, max(measure.images, diversity.TRAINING_IMAGES), seed)
    real_distance = diversity.mean_pairwise_distance(reals, diversity.TRAINING_REALS, seed)
    best = {
        "epoch": found.epoch,
        "step": _last_step(folder, found.epoch, settings.steps_per_epoch) if step is None else step,
        "diversity": diversity.mean_pairwise_distance(samples, diversity.TRAINING_IMAGES) / max(real_distance, 1.0),
        "swd": swd.mean(measure.score(samples)),
        "images": measure.images,
        "swd_of_real_images": swd.mean(measure.floor()),
    }
    with _locked(folder):
        folder.write_best(best)
    return before, best


def _last_step(folder: RunFolder, epoch: int, steps_per_epoch: int) -> int:
    """The last step of an epoch, or that at which the run has stopped within it."""
    last, made = epoch * steps_per_epoch, folder.saved_steps()
    return min(last, made[-1]) if made else last


def _locked(folder: RunFolder):
    return locked_folder(folder.path, "--set-best", "training", instead="leave --set-best out")
