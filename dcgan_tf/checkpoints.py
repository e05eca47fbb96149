"""What a run leaves on disk to go on from: its settings, its full state, its models per epoch, and which of them stay.

config.json               every setting, with the versions that made it: see `dcgan_tf.runconfig`
state/<step>/             all variables, and both nets' architectures; the newest two are kept, and what a rollback needs
epoch7_Gmodel.h5, ...     one pair per saved epoch
saved_model/7/            the generator of that epoch
best.json                 {"epoch": 7, "swd": 45.4, ...}: the best that was measured, which is never deleted
"""

import contextlib
import functools
import json
import re
import shutil
from pathlib import Path

from dcgan_tf import h5files
from dcgan_tf.adapt import with_dtype
from dcgan_tf.backend import keras, tf
from dcgan_tf.card import model_card
from dcgan_tf.files import locked_folder, numbered, remove_folder, remove_leftovers, whole_file, whole_folder
from dcgan_tf.runconfig import read_config
from dcgan_tf.savedmodel import SavedModelWriter

STATES_KEPT = 2
NETS = ("generator", "discriminator")


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


# ---------------------------------------------------------------------------------------------- settings


# ---------------------------------------------------------------------------------------------- full state


def saved_steps(run_dir: Path) -> list[int]:
    """The steps that have a full state, ascending."""
    return list(numbered(run_dir / "state"))


def save_nets(run_dir: Path, gan) -> None:
    """The architectures: the run's folder alone is enough to go on, also with nets that no preset describes."""
    for name in NETS:
        with whole_file(run_dir / "state" / f"{name}.json") as beside:
            # As float32: the precision is the run's setting, not the net's.
            beside.write_text(with_dtype(getattr(gan, name), "float32").to_json(), encoding="utf-8")


def saved_nets(run_dir: Path):
    """(generator, discriminator), float32, with fresh weights: `restore_state` fills them."""
    return tuple(
        keras.models.model_from_json((run_dir / "state" / f"{name}.json").read_text(encoding="utf-8")) for name in NETS
    )


def save_state(run_dir: Path, step: int, gan, first: int | None = None) -> None:
    """Every variable, as state/<step>/; then all older states but one go, and but that of the best epoch.

    first: a step whose state stays, too.
    """
    with whole_folder(run_dir / "state" / str(step)) as folder:
        tf.train.Checkpoint(**gan.variables()).write(str(folder / "variables"))
    stay = (first, read_best(run_dir).get("step"))
    for old in saved_steps(run_dir)[:-STATES_KEPT]:
        if old not in stay:
            shutil.rmtree(run_dir / "state" / str(old), ignore_errors=True)


def restore_state(run_dir: Path, step: int, gan) -> None:
    """Every variable as it was after `step` steps."""
    path = run_dir / "state" / str(step) / "variables"
    tf.train.Checkpoint(**gan.variables()).read(str(path)).assert_consumed()


# ---------------------------------------------------------------------------------------------- models per epoch


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


class ModelSaver:
    """Writes the models of an epoch, always float32 whatever the nets compute in, and deletes those that may go."""

    def __init__(self, run_dir: Path, gan, keep_last: int, keep_every: int):
        self._run_dir, self._gan = run_dir, gan
        self._keep_last, self._keep_every = keep_last, keep_every
        self._generator = with_dtype(gan.sampler, "float32")
        self._discriminator = with_dtype(gan.discriminator, "float32")
        self._saved_model = SavedModelWriter(self._generator, gan.preset.latents)

    def save(self, epoch: int, sampler) -> None:
        """sampler: the net that makes the epoch's pictures, such as `gan.sampler`."""
        self._generator.set_weights(sampler.get_weights())
        self._discriminator.set_weights(self._gan.discriminator.get_weights())
        generator, discriminator, saved_model = model_paths(self._run_dir, epoch)
        h5files.save_model(self._generator, generator)
        h5files.save_model(self._discriminator, discriminator)
        with whole_folder(saved_model) as beside:
            self._saved_model.write_epoch(beside, self._card | {"epoch": epoch})
        self.delete_old()

    def delete_old(self) -> None:
        for old in to_delete(saved_epochs(self._run_dir), self._keep_last, self._keep_every, best_epoch(self._run_dir)):
            remove_models(self._run_dir, old)

    @functools.cached_property
    def _card(self) -> dict:
        """The model card of every epoch, but for its number."""
        name, settings = self._run_dir.resolve().name, read_config(self._run_dir)
        signatures = self._saved_model.signatures
        return model_card(name, None, settings, self._gan.preset.latents, self._generator, signatures)


def saved_epochs(run_dir: Path) -> list[int]:
    """The epochs that have a generator's .h5, ascending."""
    names = (re.fullmatch(r"epoch(\d+)_Gmodel\.h5", path.name) for path in run_dir.glob("epoch*_Gmodel.h5"))
    return sorted(int(match[1]) for match in names if match)


def to_delete(epochs: list[int], keep_last: int, keep_every: int, best: int | None = None) -> list[int]:
    """Which of the saved epochs (ascending) may go: not the last `keep_last` (0: none may go), not the multiples of
    `keep_every` (0: no such rule), not the best."""
    if keep_last == 0:
        return []
    return [epoch for epoch in epochs[:-keep_last] if epoch != best and not (keep_every and epoch % keep_every == 0)]


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
