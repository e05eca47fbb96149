"""A generator on disk, wherever it is: in a run's folder, a file of Keras, a SavedModel, an ONNX or LiteRT file."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dcgan_tf import checkpoints, h5files, runtimes
from dcgan_tf.adapt import check_generator
from dcgan_tf.backend import quiet_stderr
from dcgan_tf.config import Epoch
from dcgan_tf.errors import UserError, printable
from dcgan_tf.files import numbered
from dcgan_tf.images import to_uint8
from dcgan_tf.presets import PRESETS
from dcgan_tf.runconfig import read_config
from dcgan_tf.savedmodel import BLOCK, picture_function

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


@dataclass(frozen=True)
class Generator:
    """A loaded generator. distribution: of its latents, "normal" or "uniform"."""

    name: str
    latent_dim: int
    image_shape: tuple[int, int, int]
    distribution: str
    _run: object

    def images(self, latents: np.ndarray, block: int = BLOCK) -> np.ndarray:
        """Latents [n, latent_dim], float32 -> images [n, H, W, C], uint8; a picture does not depend on its batch.

        block: latents that the net sees at once; of another block, a pixel may differ by a level here and there.

        Raises:
            UserError: the net makes NaN.
        """
        padded = np.zeros([-(-len(latents) // block) * block, self.latent_dim], np.float32)
        padded[: len(latents)] = latents
        blocks = [_as_uint8(self._run(padded[at : at + block]), self.name) for at in range(0, len(padded), block)]
        return np.concatenate(blocks)[: len(latents)]


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
    if path.is_dir() and not _is_savedmodel(path) and (epochs := checkpoints.saved_epochs(path)):
        return _of_run(path, epochs, epoch)
    if epoch is not None:
        raise UserError(f"--epoch {epoch}: {shown} is not a run's folder with saved models: leave --epoch out")
    if path.is_file():
        kind = {".onnx": "onnx", ".tflite": "litert"}.get(path.suffix.lower(), "keras")
        beside = _of_run_file(path) if kind == "keras" else {}
        return Found(kind, path, path.stem, h5files.epoch_of(path), **beside)
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
    generator = h5files.load_model(found.path)
    check_generator(generator, found.path)
    channels = generator.output_shape[-1]
    if channels not in (1, 3):
        raise UserError(f"{printable(found.path)}: makes images of {channels} channels, not 1 or 3; give another net")
    if not all(np.isfinite(weight).all() for weight in generator.get_weights()):
        raise UserError(f"{printable(found.path)}: has weights that are no numbers (NaN); give an earlier epoch")
    return generator


def open_generator(source: str, epoch: Epoch = None, latents: str = "auto") -> Generator:
    """Loads the generator that `source` names.

    latents: "normal" or "uniform" where it is not known from the run, the model card, or a preset like it ("auto").

    Raises:
        UserError: there is none, or it is not one.
    """
    found = find(source, epoch)
    if found.kind == "keras":
        generator = load_keras(found)
        run, latent_dim, shape = picture_function(generator), generator.input_shape[-1], generator.output_shape[1:]
    else:
        try:
            with quiet_stderr():  # LiteRT says what it is made of
                run = runtimes.RUNTIMES[found.kind](str(found.path))
            latent_dim, shape = run.latent_dim, np.shape(run(np.zeros([BLOCK, run.latent_dim], np.float32)))[1:]
        except ImportError as error:
            raise UserError(f"{printable(source)}: needs {error.name}: pip install 'dcgan-tf[export]'") from error
        except Exception as error:  # each runtime has its own errors for a file that it does not understand
            reason = printable(str(error).strip().partition("\n")[0])
            raise UserError(f"{printable(source)}: is not a generator that runs ({reason}): {KINDS}") from error
        if len(shape) != 3 or shape[-1] not in (1, 3):
            raise UserError(f"{printable(source)}: gives {list(shape)}, not images of 1 or 3 channels: {KINDS}")
    known = found.settings if found.kind == "keras" else _card(found, run)
    return Generator(found.name, latent_dim, tuple(shape), distribution(latents, known, latent_dim, shape), run)


def distribution(asked: str, known: dict, latent_dim: int, image_shape: tuple) -> str:
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
    best = checkpoints.best_epoch(folder)
    if epoch == "best" and best not in epochs:
        raise UserError(f"--epoch best: {printable(folder)} has measured none: give a number, or --epoch newest")
    if epoch is None:
        epoch = "best" if best in epochs else "newest"
    chosen = {"best": best, "newest": epochs[-1]}.get(epoch, epoch)
    if chosen not in epochs:
        raise UserError(
            f"--epoch {chosen}: {printable(folder)} has no models of that epoch (any more); it has {spans(epochs)}"
        )
    generator, _, _ = checkpoints.model_paths(folder, chosen)
    return Found("keras", generator, folder.resolve().name, chosen, **_of_run_file(generator))


def _of_run_file(path: Path) -> dict:
    """The discriminator and the settings beside a generator that a run has saved."""
    epoch = h5files.epoch_of(path)
    generator, discriminator, _ = checkpoints.model_paths(path.parent, epoch or 0)
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


def _card(found: Found, run) -> dict:
    try:
        text = run.card if found.kind != "savedmodel" else (found.path / "assets.extra" / "model_card.json").read_text()
        card = json.loads(text or "{}")
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def _as_uint8(images, name: str) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    try:
        return to_uint8(images)
    except ValueError as error:
        raise UserError(f"{printable(name)}: {error}; give a generator of an earlier epoch") from error
