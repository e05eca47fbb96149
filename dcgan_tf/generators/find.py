"""Finds a generator on disk, and what is known of it, without loading it.

It may be in a run's folder, a file of Keras, a SavedModel, an ONNX or a LiteRT file.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import numbered
from dcgan_tf.config.commands import Epoch
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.runs.folder import best_epoch, epoch_of, model_paths, saved_epochs
from dcgan_tf.runs.settings import read_config

KINDS = "give a run's folder such as checkpoints/paints200, or a generator's .h5 or .keras file"


@dataclass(frozen=True)
class Found:
    """A generator that has been found but not loaded.

    kind           "keras", or one of `runtimes.RUNTIMES`
    path           the generator's file, or the folder of its SavedModel
    name           for people: that of the run, of the file, or of the folder with the versions
    epoch          None where it is not known
    discriminator  the file of the same epoch, where there is one
    settings       those of the run that trained it, as config.json holds them; {} where they are not known
    """

    kind: str
    path: Path
    name: str
    epoch: int | None = None
    discriminator: Path | None = None
    settings: dict = field(default_factory=dict)

    @property
    def packing(self) -> int:
        """How many images the run's discriminator judges at once (arXiv:1712.04086)."""
        return (self.settings.get("preset") or {}).get("packing", 1)


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
    if not path.exists():
        raise UserError(f"{shown}: there is no such file or folder: {KINDS}")
    if path.is_dir() and not _is_savedmodel(path) and (epochs := saved_epochs(path)):
        return _of_run(path, epochs, epoch)
    if epoch is not None:
        raise UserError(f"--epoch {epoch}: {shown} is not a run's folder with saved models: leave --epoch out")
    if path.is_file():
        kind = {".onnx": "onnx", ".tflite": "litert"}.get(path.suffix.lower(), "keras")
        beside = _of_run_file(path) if kind == "keras" else {}
        return Found(kind, path, path.stem, epoch_of(path), **beside)
    if _is_savedmodel(path):
        version = path.resolve()
        if re.fullmatch("[0-9]+", version.name):
            return Found("savedmodel", path, version.parent.name, int(version.name))
        return Found("savedmodel", path, version.name)
    if versions := [folder for folder in numbered(path).values() if _is_savedmodel(folder)]:
        return _find(versions[-1], shown, None)
    raise UserError(f"{shown}: holds no saved model, or none yet (each epoch saves one at its end): {KINDS}")


def latent_distribution(asked: str, known: dict, latent_dim: int, image_shape: tuple) -> str:
    """Which latents a generator was trained on: "normal" or "uniform".

    That is what was asked for, else what the run or the card says, else that of a preset of these sizes, else normal.

    asked: "normal", "uniform", or "auto" for not asked. known: a run's settings or a model card, {} for neither.
    image_shape: (H, W, C).
    """
    if asked != "auto":
        return asked
    # A card has a "preset" too, but there it is only a name.
    said = (known.get("preset") or {}).get("latents") if "config" in known else None
    said = said or (known.get("latents") or {}).get("distribution")
    alike = (
        preset
        for preset in PRESETS.values()
        if (preset.latent_dim, preset.image_shape) == (latent_dim, tuple(image_shape))
    )
    return said or next((preset.latents for preset in alike), "normal")


def _of_run(folder: Path, epochs: list[int], epoch: Epoch) -> Found:
    """The generator of an epoch. epochs: those that are saved, ascending, at least one."""
    best = best_epoch(folder)
    if epoch == "best" and best not in epochs:
        raise UserError(f"--epoch best: {printable(folder)} has measured none: give a number, or --epoch newest")
    if epoch is None:
        epoch = "best" if best in epochs else "newest"
    chosen = {"best": best, "newest": epochs[-1]}.get(epoch, epoch)
    if chosen not in epochs:
        raise UserError(
            f"--epoch {chosen}: {printable(folder)} has no models of that epoch (any more); it has {spans(epochs)}"
        )
    generator, _, _ = model_paths(folder, chosen)
    return Found("keras", generator, folder.resolve().name, chosen, **_of_run_file(generator))


def _of_run_file(path: Path) -> dict:
    """The fields of `Found` that lie beside a generator's file in a run's folder; {} for any other file."""
    epoch = epoch_of(path)
    generator, discriminator, _ = model_paths(path.parent, epoch or 0)
    if path != generator:
        return {}
    return {
        "discriminator": discriminator if discriminator.exists() else None,
        "settings": read_config(path.parent) or {},
    }


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
