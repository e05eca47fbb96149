"""A generator on disk, wherever it is: in a run's folder, a file of Keras, a SavedModel, an ONNX or LiteRT file."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import numbered
from dcgan_tf.config.commands import Epoch
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.nets.saved import load_model
from dcgan_tf.nets.surgery import check_generator
from dcgan_tf.runs.folder import best_epoch, epoch_of, model_paths, saved_epochs
from dcgan_tf.runs.settings import read_config

KINDS = "give a run's folder such as checkpoints/paints200, or a generator's .h5 or .keras file"


@dataclass(frozen=True)
class Found:
    """A generator that has been found but not loaded.

    kind           keras, or one of `runtimes.RUNTIMES`
    discriminator  the file of the same epoch, where there is one
    settings       of the run that trained it, as config.json holds them; {} where they are not known
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
    """What `source` names. epoch: of a run; None for the best, or the newest where none was measured.

    Raises:
        UserError: nothing that holds a generator, or not of that epoch.
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


def load_keras(found: Found):
    """The generator of a run's folder or a file, float32.

    Raises:
        UserError: the file holds no generator of grey or colour images.
    """
    generator = load_model(found.path)
    check_generator(generator, found.path)
    channels = generator.output_shape[-1]
    if channels not in (1, 3):
        raise UserError(f"{printable(found.path)}: makes images of {channels} channels, not 1 or 3; give another net")
    if not all(np.isfinite(weight).all() for weight in generator.get_weights()):
        raise UserError(f"{printable(found.path)}: has weights that are no numbers (NaN); give an earlier epoch")
    return generator


def latent_distribution(asked: str, known: dict, latent_dim: int, image_shape: tuple) -> str:
    """Normal or uniform: as asked, else as the run or the card says, else as in a preset of these sizes, else
    normal.

    known: a run's settings or a model card, {} for neither.
    """
    if asked != "auto":
        return asked
    said = (known.get("preset") or {}).get("latents") if "config" in known else None
    said = said or (known.get("latents") or {}).get("distribution")
    alike = (
        preset
        for preset in PRESETS.values()
        if (preset.latent_dim, preset.image_shape) == (latent_dim, tuple(image_shape))
    )
    return said or next((preset.latents for preset in alike), "normal")


def _of_run(folder: Path, epochs: list[int], epoch: Epoch) -> Found:
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
    """The discriminator and the settings beside a generator that a run has saved."""
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
