"""The best epoch of a run: as best.json says, else as log.jsonl shows. It only reports, so no command fails without it."""

import numpy as np

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import printable
from dcgan_tf.metrics.words import has_near_textures
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.lines import SCORES, Numbers, as_in_best, log_lines


def criterion(scores: dict, best: dict | None = None) -> str | None:
    """By which of its scores an epoch is compared with the best so far, or with any (None): "kid", "swd", or None where there
    is no such score. The lower one is better.

    While colours and textures are not near those of real images, SWD tells: KID takes blurred patches for better than the
    first outlines then. From there on SWD hardly changes, and KID tells (docs/findings.md).

    scores: by the names in best.json, with those of real images, and so is best.
    """
    compared = [scores] if best is None else [scores, best]
    if all("kid" in one and has_near_textures(one) for one in compared):
        return "kid"
    return "swd" if all("swd" in one for one in compared) else None


def is_better(scores: dict, best: dict) -> bool:
    """Whether an epoch is better than the best so far. best: what best.json says, {} where nothing was measured."""
    name = criterion(scores, best)
    return name is None or scores[name] < best[name]


def find_best(folder: RunFolder) -> dict:
    """What best.json says where it is whole and its epoch has models; else what log.jsonl shows, with a note.

    Nothing is written. {} where nothing was measured, or neither file tells.
    """
    best = folder.read_best()
    if _is_whole(folder, best, ("epoch", "swd")):
        return best
    numbers = Numbers(*SCORES)
    try:
        for _, line in log_lines(folder.log, holding=b'"swd"'):
            if line is not None:
                numbers.append(line)
    except OSError as error:
        note(f"{printable(folder.log)}: cannot be read ({error.strerror}): the best epoch is not known from it")
    return _best_of(folder, best, numbers)


def mend_best(folder: RunFolder, numbers: Numbers) -> None:
    """Writes best.json again where it is lost or damaged, and log.jsonl shows the best; says so.

    To be called by who holds the lock. numbers: of all lines, up to the step from which the run goes on; those
    in `SCORES`.
    """
    best = folder.read_best()
    # A rollback asks for the step, too.
    if not _is_whole(folder, best, ("epoch", "step", "swd")) and (found := _best_of(folder, best, numbers)) != best:
        folder.write_best(found)


def best_from_log(folder: RunFolder, numbers: Numbers) -> dict:
    """The best epoch of those that have models, as best.json would name it; {} where there is none.

    An epoch may have been measured twice, where a run was stopped within it: the better models have stayed.
    """
    columns = {name: numbers.column(name) for name in SCORES}
    steps, epochs, saved = numbers.steps, numbers.epochs, set(folder.saved_epochs())
    best = {}
    for place in np.flatnonzero(columns["swd"] >= 0):
        if int(epochs[place]) in saved:
            line = {name: float(column[place]) for name, column in columns.items() if np.isfinite(column[place])}
            found = {"epoch": int(epochs[place]), "step": int(steps[place])} | as_in_best(line)
            best = found if is_better(found, best) else best
    return best


def _is_whole(folder: RunFolder, best: dict, names: tuple[str, ...]) -> bool:
    return all(name in best for name in names) and folder.generator(best["epoch"]).exists()


def _best_of(folder: RunFolder, best: dict, numbers: Numbers) -> dict:
    """best: what best.json says, which is not whole. Notes that it is lost or damaged, where that is so."""
    found, shown = best_from_log(folder, numbers), printable(folder.best)
    if found:
        note(
            f"{shown}: is lost or damaged: by {folder.log.name}, the best of the epochs whose models are there is "
            f"{found['epoch']}, with an SWD of {found['swd']:.1f}"
        )
        return found
    if folder.best.exists() or np.isfinite(numbers.column("swd")).any():
        note(f"{shown}: is lost or damaged, and {folder.log.name} names no measured epoch whose models are there")
    return best if best and folder.generator(best["epoch"]).exists() else {}
