"""The folder of a run. Every name in it is here, and nowhere else.

config.json               every setting, with the versions that made it: see `dcgan_tf.runs.settings`
log.jsonl  tensorboard/   the numbers, see `dcgan_tf.runs.log`
state/<step>/             all variables, see `dcgan_tf.runs.state`; the newest two are kept, and what a rollback needs
epoch7_Gmodel.h5, ...     one pair of nets per saved epoch
saved_model/7/            the generator of that epoch
best.json                 {"epoch": 7, "swd": 45.4, ...}: the best that was measured, which is never deleted
rollbacks.json            what was gone back from, see `dcgan_tf.training.rollback`
picture/                  the sheets of sample pictures, see `dcgan_tf.runs.pictures`, and one of real images
losses.png  training.gif  the curves, and the film of the sheets
evaluation/               what `dcgan-tf evaluate` writes
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import (
    LOCK_NAME,
    disk_errors_in_one_line,
    locked_folder,
    numbered,
    remove_folder,
    remove_leftovers,
    write_json,
)
from dcgan_tf.common.reading import read_json
from dcgan_tf.common.seals import check_seal, sealed
from dcgan_tf.runs import rights
from dcgan_tf.runs.lines import is_count, is_number

NETS = ("generator", "discriminator")


def check_is_no_run(data: str) -> None:
    """To be called before images are read: the pictures that a run has drawn are none to train on or to compare with.

    A run in the current folder may have the name of a set, such as digits, and would be taken for it.

    Raises:
        UserError: `data` is a run's folder.
    """
    folder = RunFolder(Path(data))
    if folder.config.is_file() and folder.log.is_file():
        raise UserError(
            f"--data {printable(data)}: the folder of that name holds a run, not images: give the path of the images, or "
            "work in another folder"
        )


@dataclass(frozen=True)
class RunFolder:
    """Where things are in a run's folder, and which of them are there; the folder need not exist."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def rollbacks(self) -> Path:
        return self.path / "rollbacks.json"

    @property
    def losses(self) -> Path:
        return self.path / "losses.png"

    @property
    def evaluation(self) -> Path:
        return self.path / "evaluation"

    @property
    def reals(self) -> Path:
        return self.path / "picture" / "reals.png"

    def film(self, format: str) -> Path:
        return self.path / f"training.{format}"

    @contextlib.contextmanager
    def locked(self):
        """One training at a time per run folder; the lock goes with the process, however that ends.

        Raises:
            UserError: another process holds it, or something in the folder cannot be read or written.
        """
        self._check_rights()
        with locked_folder(self.path, "--run-dir", "training"):
            for folder in (self.path, self.states, self.saved_models, self.pictures):
                remove_leftovers(folder)
            yield

    def _check_rights(self) -> None:
        """A file that is replaced as a whole may belong to anybody, since only its folder decides."""
        with rights.errors_in_one_line(self.path):
            if self.path.is_dir():
                rights.check_folder(self.path)
            for folder in (self.tensorboard, self.pictures, self.states, self.saved_models):
                rights.check_folder(folder)
            states = numbered(self.states).values()
            for path in (*states, *numbered(self.saved_models).values()):
                if path.is_dir():
                    rights.check_folder(path)
            for file in (self.log, self.lock):
                rights.check_file(file, reads=True, writes=True)
            of_states = (file for state in states for file in state.glob("*"))
            for file in (self.config, self.rollbacks, *of_states):
                rights.check_file(file, reads=True)
            for file in (self.best, self.losses, self.film("gif")):
                rights.check_replaced(file)

    @property
    def lock(self) -> Path:
        return self.path / LOCK_NAME

    def remove_lock(self) -> None:
        """To be called by who holds the lock, and has written nothing: deletes its file, and the folder where that is all
        that was in it. Who comes after makes a new file."""
        with contextlib.suppress(OSError):  # Windows does not delete what is open; another process may have come.
            self.lock.unlink(missing_ok=True)
            if not any(self.path.iterdir()):
                self.path.rmdir()

    # ---- state

    @property
    def states(self) -> Path:
        return self.path / "state"

    def state(self, step: int) -> Path:
        return self.states / str(step)

    def saved_steps(self) -> list[int]:
        """The steps that have a full state, ascending."""
        return [step for step, path in numbered(self.states).items() if path == self.state(step)]

    def remove_state(self, step: int) -> None:
        remove_folder(self.state(step))

    # ---- models per epoch

    @property
    def saved_models(self) -> Path:
        return self.path / "saved_model"

    def generator(self, epoch: int) -> Path:
        return self.path / f"epoch{epoch}_Gmodel.h5"

    def discriminator(self, epoch: int) -> Path:
        return self.path / f"epoch{epoch}_Dmodel.h5"

    def saved_model(self, epoch: int) -> Path:
        """The folder of the generator for TensorFlow Serving."""
        return self.saved_models / str(epoch)

    def saved_epochs(self) -> list[int]:
        """The epochs that have a generator's .h5, ascending."""
        named = ((epoch_of(path), path) for path in self.path.glob("epoch*_Gmodel.h5"))
        return sorted(epoch for epoch, path in named if epoch is not None and path == self.generator(epoch))

    def remove_models(self, epoch: int) -> None:
        """The generator's .h5 goes last, so that a killed process leaves nothing that `saved_epochs` does not list."""
        remove_folder(self.saved_model(epoch))
        with disk_errors_in_one_line(self.path):
            for file in (self.discriminator(epoch), self.generator(epoch)):
                file.unlink(missing_ok=True)

    # ---- pictures

    @property
    def pictures(self) -> Path:
        return self.path / "picture"

    def picture(self, epoch: int) -> Path:
        """The sheet of the run's fixed latents after that epoch."""
        return self.pictures / f"image_at_epoch_{epoch:04d}.png"

    def picture_within(self, step: int) -> Path:
        """The sheet of the run's fixed latents after a step within an epoch, or before the first step."""
        return self.pictures / f"image_at_step_{step:06d}.png"

    def named_pictures(self) -> Iterator[tuple[Literal["epoch", "step"], int, Path]]:
        """("epoch", 7, file) of every `picture` and ("step", 20, file) of every `picture_within`, in no order."""
        for path in self.pictures.glob("image_at_*.png"):
            if name := re.fullmatch(r"image_at_(epoch|step)_([0-9]+)\.png", path.name):
                yield name[1], int(name[2]), path

    # ---- the best epoch

    @property
    def best(self) -> Path:
        return self.path / "best.json"

    def write_best(self, best: dict) -> None:
        """Names the best epoch, whose models are there already.

        best: {"epoch": 7, "step": 791, "swd": 45.4, "images": 512, "directions": 64, ...}, see
            `dcgan_tf.generators.quality`: the scores of the epoch and of real images, and the effort.
        """
        write_json(self.best, sealed(best), indent=None)

    def read_best(self) -> dict:
        """What `write_best` wrote, without values that are no numbers; {} where nothing was measured, the file is damaged,
        or names no epoch."""
        try:
            best = read_json(self.best)
            check_seal(best)
        except (OSError, ValueError):
            return {}
        if not isinstance(best, dict) or not is_count(best.get("epoch")):
            return {}
        held = {name: value for name, value in best.items() if is_number(value)}
        counts = dict.fromkeys(("step", "images", "directions", "feature_images"), is_count)
        is_right = counts | {"swd": lambda swd: swd >= 0}
        return {name: value for name, value in held.items() if is_right.get(name, is_number)(value)}


def epoch_of(path) -> int | None:
    """7 for `epoch7_Gmodel.h5` in any folder; None for a name that does not begin with `epochN_`."""
    match = re.match(r"epoch([0-9]{1,15})_", Path(path).name)
    return int(match[1]) if match else None
