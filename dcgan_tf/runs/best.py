"""The best epoch of a run: as best.json says, else as log.jsonl shows. It only reports, so no command fails without it."""

import numpy as np

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import printable
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.lines import EFFORT, Numbers, log_lines


def find_best(folder: RunFolder) -> dict:
    """What best.json says where it is whole and its epoch has models; else what log.jsonl shows, with a note.

    Nothing is written. {} where nothing was measured, or neither file tells.
    """
    best = folder.read_best()
    if _is_whole(folder, best, ("epoch", "swd")):
        return best
    numbers = Numbers("swd", "diversity", *EFFORT)
    try:
        for _, line in log_lines(folder.log, holding=b'"swd"'):
            if line is not None:
                numbers.append(line)
    except OSError as error:
        note(f"{printable(folder.log)}: cannot be read ({error.strerror}): the best epoch is not known from it")
    return _best_of(folder, best, numbers)


def mend_best(folder: RunFolder, numbers: Numbers) -> None:
    """Writes best.json again where it is lost or damaged, and log.jsonl shows the best; says so.

    To be called by who holds the lock. numbers: of all lines, up to the step from which the run goes on; swd,
    diversity and those in `EFFORT`.
    """
    best = folder.read_best()
    # A rollback asks for the step, too.
    if not _is_whole(folder, best, ("epoch", "step", "swd")) and (found := _best_of(folder, best, numbers)) != best:
        folder.write_best(found)


def best_from_log(folder: RunFolder, numbers: Numbers) -> dict:
    """The epoch of the least SWD, of those that have models, as best.json would name it; {} where there is none.

    An epoch may have been measured twice, where a run was stopped within it: the better models have stayed.
    """
    steps, epochs, swd, diversity = numbers.steps, numbers.epochs, numbers.column("swd"), numbers.column("diversity")
    saved = set(folder.saved_epochs())
    places = [place for place in np.flatnonzero(swd >= 0) if int(epochs[place]) in saved]
    if not places:
        return {}
    place = min(places, key=lambda place: swd[place])
    best = {"epoch": int(epochs[place]), "step": int(steps[place])}
    if np.isfinite(diversity[place]):
        best["diversity"] = float(diversity[place])
    best["swd"] = float(swd[place])
    for name, of_all in ((name, numbers.column(name)) for name in EFFORT):
        if of_all[place] >= 0:
            best[name.removeprefix("swd_")] = int(of_all[place])
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
