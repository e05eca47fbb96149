"""Finds a generator on disk, and what is known of it, without loading it.

It may be in a run's folder, a file of Keras, a SavedModel, an ONNX or a LiteRT file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import numbered
from dcgan_tf.config.flags import Epoch
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.settings import Settings
from dcgan_tf.metrics.words import shown
from dcgan_tf.nets.reading.checkpoint import checkpoint_prefix
from dcgan_tf.runs.best import criterion, find_best
from dcgan_tf.runs.folder import RunFolder, epoch_of
from dcgan_tf.runs.settings import read_settings

KINDS = "give a run's folder such as checkpoints/paints200, or a generator's .h5 or .keras file"


@dataclass(frozen=True)
class Found:
    """A generator that has been found but not loaded.

    kind           "keras", or one of `runtimes.RUNTIMES`
    path           the generator's file, or the folder of its SavedModel
    name           for people: that of the run, of the file, or of the folder with the versions
    epoch          None where it is not known
    discriminator  the file of the same epoch, where there is one
    settings       those of the run that trained it; None where they are not known
    chosen_as      of a run, why this epoch was taken: "the best, SWD 27.1" or "the newest"; "" where it was asked for
                   by its number
    """

    kind: str
    path: Path
    name: str
    epoch: int | None = None
    discriminator: Path | None = None
    settings: Settings | None = None
    chosen_as: str = ""

    @property
    def origin(self) -> str:
        """For people: "epoch 12 (the best, SWD 27.1)", "epoch 12", or "" where the epoch is not known."""
        if self.epoch is None:
            return ""
        return f"epoch {self.epoch}" + (f" ({self.chosen_as})" if self.chosen_as else "")

    @property
    def packing(self) -> int:
        """How many images the run's discriminator judges at once (arXiv:1712.04086)."""
        return self.settings.preset.packing if self.settings else 1


def find(source: str, epoch: Epoch = None) -> Found:
    """The generator that `source` names.

    epoch: of a run, as a number, "best" or "newest"; None for the best, or the newest where none was measured.

    Raises:
        UserError: nothing there holds a generator, or the run has none of that epoch.
    """
    try:
        return _find(Path(source), printable(source), epoch)
    except OSError as error:
        raise UserError(f"{printable(source)}: cannot be read ({error.strerror}): {KINDS}") from error


def _find(path: Path, shown: str, epoch: Epoch) -> Found:
    if not path.exists() and checkpoint_prefix(path) is None:
        raise UserError(f"{shown}: there is no such file or folder: {KINDS}")
    if path.is_dir() and not _is_savedmodel(path) and RunFolder(path).saved_epochs():
        return _of_run(RunFolder(path), epoch)
    if epoch is not None:
        raise UserError(f"--epoch {epoch}: {shown} is not a run's folder with saved models: leave --epoch out")
    if checkpoint_prefix(path) is not None:
        return Found("keras", path, path.name)
    if path.is_file():
        kind = {".onnx": "onnx", ".tflite": "litert"}.get(path.suffix.lower(), "keras")
        return _of_file(path) if kind == "keras" else Found(kind, path, path.stem, epoch_of(path))
    if _is_savedmodel(path):
        version = path.resolve()
        if re.fullmatch("[0-9]+", version.name):
            return Found("savedmodel", path, version.parent.name, int(version.name))
        return Found("savedmodel", path, version.name)
    if versions := [folder for folder in numbered(path).values() if _is_savedmodel(folder)]:
        return _find(versions[-1], shown, None)
    raise UserError(f"{shown}: holds no saved model, or none yet (each epoch saves one at its end): {KINDS}")


def latent_distribution(asked: str, said: str | None, latent_dim: int, image_shape: tuple) -> str:
    """Which latents a generator was trained on: "normal" or "uniform".

    That is what was asked for, else what the run or the card says, else that of a preset of these sizes, else normal.

    asked: "normal", "uniform", or "auto" for not asked. said: by the run's settings or a model card; None
    where neither is known. image_shape: (H, W, C).
    """
    if asked != "auto":
        return asked
    alike = (
        preset
        for preset in PRESETS.values()
        if (preset.latent_dim, preset.image_shape) == (latent_dim, tuple(image_shape))
    )
    return said or next((preset.latents for preset in alike), "normal")


def _of_run(folder: RunFolder, epoch: Epoch) -> Found:
    """The generator of an epoch, of which at least one is saved."""
    epochs, shown = folder.saved_epochs(), printable(folder.path)
    measured = find_best(folder) if epoch in (None, "best") else {}
    best = measured.get("epoch")
    if epoch == "best" and best not in epochs:
        raise UserError(f"--epoch best: {shown} has measured none: give a number, or --epoch newest")
    if epoch is None:
        epoch = "best" if best in epochs else "newest"
    chosen = {"best": best, "newest": epochs[-1]}.get(epoch, epoch)
    if chosen not in epochs:
        raise UserError(f"--epoch {chosen}: {shown} has no models of that epoch (any more); it has {spans(epochs)}")
    generator = folder.generator(chosen)
    settings = read_settings(folder)
    return Found(
        "keras",
        generator,
        folder.path.resolve().name,
        chosen,
        _discriminator(folder, chosen),
        settings,
        _chosen_as(epoch, measured),
    )


def _chosen_as(epoch: Epoch, measured: dict) -> str:
    """See `Found`. epoch: a number, "best" or "newest". measured: the best epoch, where it was looked for."""
    if epoch == "best":
        name = criterion(measured)
        return f"the best, {shown(name, measured[name])}" if name else "the best"
    return "the newest" if epoch == "newest" else ""


def _of_file(path: Path) -> Found:
    """A generator's file, with what lies beside it where that is a run's folder. It may be used without: a damaged
    config.json is no more than noted, as the file alone would do in a folder of its own."""
    folder, epoch = RunFolder(path.parent), epoch_of(path)
    if epoch is None or path != folder.generator(epoch):
        return Found("keras", path, path.stem, epoch)
    try:
        settings = read_settings(folder)
    except UserError as error:
        note(f"{error}; until then {printable(path.name)} is taken as a file of no run")
        settings = None
    return Found("keras", path, path.stem, epoch, _discriminator(folder, epoch), settings)


def _discriminator(folder: RunFolder, epoch: int) -> Path | None:
    path = folder.discriminator(epoch)
    return path if path.exists() else None


def spans(numbers: list[int]) -> str:
    """1, 2, 3, 7 -> "1-3, 7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _is_savedmodel(folder: Path) -> bool:
    return (folder / "saved_model.pb").exists()
