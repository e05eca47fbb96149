"""The folder of a run: every name in it.

config.json               every setting, with the versions that made it: see `dcgan_tf.runs.settings`
state/<step>/             all variables, and both nets' architectures; the newest two are kept, and what a rollback needs
epoch7_Gmodel.h5, ...     one pair per saved epoch
saved_model/7/            the generator of that epoch
best.json                 {"epoch": 7, "swd": 45.4, ...}: the best that was measured, which is never deleted
"""

import contextlib
import json
import re
from pathlib import Path

from dcgan_tf.common.files import locked_folder, numbered, remove_folder, remove_leftovers, whole_file

Picture = tuple[int, Path]  # epoch, file


@contextlib.contextmanager
def locked(run_dir: Path):
    """One training at a time per run folder; the lock goes with the process, however that ends.

    Raises:
        UserError: another process holds it, or the folder cannot be written.
    """
    with locked_folder(run_dir, "--run-dir", "training"):
        for folder in (run_dir, run_dir / "state", run_dir / "saved_model", run_dir / "picture"):
            remove_leftovers(folder)
        yield


def saved_steps(run_dir: Path) -> list[int]:
    """The steps that have a full state, ascending."""
    return list(numbered(run_dir / "state"))


def model_paths(run_dir: Path, epoch: int) -> tuple[Path, Path, Path]:
    """Generator .h5, discriminator .h5, and the generator's SavedModel folder."""
    return (
        run_dir / f"epoch{epoch}_Gmodel.h5",
        run_dir / f"epoch{epoch}_Dmodel.h5",
        run_dir / "saved_model" / str(epoch),
    )


def remove_models(run_dir: Path, epoch: int) -> None:
    *files, folder = model_paths(run_dir, epoch)
    for file in files:
        file.unlink(missing_ok=True)
    remove_folder(folder)


def saved_epochs(run_dir: Path) -> list[int]:
    """The epochs that have a generator's .h5, ascending."""
    names = (re.fullmatch(r"epoch(\d+)_Gmodel\.h5", path.name) for path in run_dir.glob("epoch*_Gmodel.h5"))
    return sorted(int(match[1]) for match in names if match)


def write_best(run_dir: Path, best: dict) -> None:
    """Names the best epoch, whose models are there already. best: {"epoch": 7, "swd": 45.4, ...}"""
    with whole_file(run_dir / "best.json") as beside:
        beside.write_text(json.dumps(best) + "\n", encoding="utf-8")


def read_best(run_dir: Path) -> dict:
    """What `write_best` wrote; {} where nothing was measured, or the file is damaged."""
    try:
        best = json.loads((run_dir / "best.json").read_text(encoding="utf-8"))
        return best if isinstance(best["epoch"], int) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def best_epoch(run_dir: Path) -> int | None:
    """The epoch that best.json names, if there is one."""
    return read_best(run_dir).get("epoch")


def sample_pictures(run_dir) -> list[Picture]:
    """(epoch, path) of every RUN/picture/image_at_epoch_<epoch>.png, by epoch; empty when there are none."""
    found = []
    for path in (Path(run_dir) / "picture").glob("image_at_epoch_*.png"):
        if name := re.fullmatch(r"image_at_epoch_([0-9]+)\.png", path.name):
            found.append((int(name[1]), path))
    return sorted(found)


def epoch_of(path) -> int | None:
    """7 for `epoch7_Gmodel.h5` in any folder; None for a name that does not begin with `epochN_`."""
    match = re.match(r"epoch([0-9]+)_", Path(path).name)
    return int(match[1]) if match else None
