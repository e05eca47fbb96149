"""Loads a generator that `find` has found, whatever it is stored as: latents in, uint8 images out."""

from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.backend import quiet_stderr, tf
from dcgan_tf.common.console import warn
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.install import install_command, package_of
from dcgan_tf.config.commands import Epoch
from dcgan_tf.generators import checks, runtimes
from dcgan_tf.generators.find import KINDS, Found, find, latent_distribution
from dcgan_tf.nets.limits import BLOCK_IMAGES
from dcgan_tf.nets.saved import load_model
from dcgan_tf.nets.surgery import check_generator
from dcgan_tf.nets.words import reason
from dcgan_tf.pictures.images import to_uint8

# A seed always gives the same picture because the net makes all images in blocks of this size: the order of its sums
# depends on the size of the batch, and their rounding shows in a pixel now and then. A larger block makes a single
# picture slower, a smaller one makes a large batch slower: 64 pictures of paints200 take a sixth longer in blocks of 4.
BLOCK_SIZE = BLOCK_IMAGES
WARNING = "note: a SavedModel is a program that can read and write your files: run only those of people you trust"


@dataclass(frozen=True)
class Generator:
    """A loaded generator.

    image_shape: (H, W, C). distribution: of its latents, "normal" or "uniform". origin: for people, see `Found.origin`.
    """

    name: str
    latent_dim: int
    image_shape: tuple[int, int, int]
    distribution: str
    _run: object  # latents [n, latent_dim] float32 -> images [n, H, W, C], uint8 or float32 in -1..1
    origin: str = ""

    def images(self, latents: np.ndarray, block_size: int = BLOCK_SIZE) -> np.ndarray:
        """Latents [n, latent_dim], float32 -> images [n, H, W, C], uint8; a picture does not depend on its batch.

        block_size: how many latents the net sees at once; with another size, a few pixels may differ by one level.

        Raises:
            UserError: the net makes NaN.
        """
        padded = np.zeros([-(-len(latents) // block_size) * block_size, self.latent_dim], np.float32)
        padded[: len(latents)] = latents
        blocks = (padded[start : start + block_size] for start in range(0, len(padded), block_size))
        return np.concatenate([self._block(block) for block in blocks])[: len(latents)]

    def _block(self, latents: np.ndarray) -> np.ndarray:
        images = _drawn(self.name, self._run, latents)
        if images.shape[1:] != self.image_shape:
            raise UserError(
                f"{printable(self.name)}: makes images of one size, then of another: give another generator"
            )
        return images


def open_generator(source: str, epoch: Epoch = None, latents: str = "auto") -> Generator:
    """Loads the generator that `source` names.

    epoch: as for `find`. latents: their distribution, "normal" or "uniform"; "auto" takes what the run, the model card
    or a preset of these sizes says.

    Raises:
        UserError: `source` names no generator, or one that does not run.
    """
    found = find(source, epoch)
    shown = printable(source)
    card, origin = {}, found.origin
    if found.kind == "keras":
        generator = load_keras(found)
        run, latent_dim, shape = picture_function(generator), generator.input_shape[-1], generator.output_shape[1:]
    else:
        run, card = _open_exported(found, shown)
        origin = _said_origin(card)
        latent_dim, shape = run.latent_dim, _drawn(source, run, _zeros(BLOCK_SIZE, run.latent_dim)).shape[1:]
    said = found.settings.preset.latents if found.settings else _said_distribution(card)
    distribution = latent_distribution(latents, said, latent_dim, shape)
    return Generator(found.name, latent_dim, shape, distribution, run, origin)


_RUNTIMES = {"savedmodel": "tensorflow", "onnx": "onnxruntime", "litert": "ai_edge_litert"}


def _open_exported(found: Found, shown: str):
    """(what runs an exported generator, its model card or {}).

    Raises:
        UserError: it does not run; the message begins with `shown`.
    """
    try:
        checks.check(found.kind, found.path)
        if found.kind == "savedmodel":
            warn(WARNING)
        with quiet_stderr():  # LiteRT prints which delegates it uses.
            run = runtimes.RUNTIMES[found.kind](str(found.path))
        card = checks.read_card(found.kind, found.path)
    except UserError as error:
        raise UserError(f"{shown}: {error}") from error
    except ImportError as error:
        package = package_of(error.name or _RUNTIMES[found.kind])
        raise UserError(f"{shown}: needs {package}: {install_command([package])}") from error
    except Exception as error:  # Each runtime has errors of its own for a file that it does not understand.
        raise UserError(f"{shown}: is not a generator that runs ({reason(error)}): {KINDS}") from error
    return run, card


def _said_distribution(card) -> str | None:
    """The distribution of latents that a model card, of any form, names; None where it names none."""
    latents = card.get("latents") if isinstance(card, dict) else None
    said = latents.get("distribution") if isinstance(latents, dict) else None
    return said if said in ("normal", "uniform") else None


def _said_origin(card) -> str:
    """The epoch that a model card, of any form, names: "epoch 12"; "" where it names none."""
    epoch = card.get("epoch") if isinstance(card, dict) else None
    return f"epoch {epoch}" if type(epoch) is int else ""


def load_keras(found: Found):
    """The Keras net of a generator that was found as "keras", float32.

    Raises:
        UserError: the file holds no generator of grey or colour images, or one that does not run, or whose weights are
            NaN.
    """
    generator = load_model(found.path)
    check_generator(generator, found.path)
    if generator.input_shape[-1] > runtimes.MAX_LATENT_DIM:
        raise UserError(
            f"{printable(found.path)}: takes {generator.input_shape[-1]:,} latents for each image, "
            f"{runtimes.MAX_LATENT_DIM:,} at most are drawn; give another net"
        )
    channels = generator.output_shape[-1]
    if channels not in (1, 3):
        raise UserError(f"{printable(found.path)}: makes images of {channels} channels, not 1 or 3; give another net")
    if not all(np.isfinite(weight).all() for weight in generator.get_weights()):
        raise UserError(f"{printable(found.path)}: has weights that are no numbers (NaN); give an earlier epoch")
    _drawn(found.path, lambda latents: generator(latents, training=False), _zeros(1, generator.input_shape[-1]))
    return generator


def _zeros(count: int, latent_dim: int) -> np.ndarray:
    return np.zeros([count, latent_dim], np.float32)


def _drawn(name: str, run, latents: np.ndarray) -> np.ndarray:
    """Latents [n, latent_dim] -> images uint8 [n, H, W, 1 or 3].

    run: of a net from anywhere. name: of it, for messages.

    Raises:
        UserError: the net does not run, or gives something else, or NaN.
    """
    try:
        with quiet_stderr():
            images = np.asarray(run(latents))
    except Exception as error:  # Each runtime has errors of its own.
        raise UserError(f"{printable(name)}: is not a generator that runs ({reason(error)}): {KINDS}") from error
    if images.ndim != 4 or len(images) != len(latents) or images.shape[-1] not in (1, 3):
        raise UserError(f"{printable(name)}: gives {list(images.shape[1:])}, not images of 1 or 3 channels: {KINDS}")
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise UserError(f"{printable(name)}: gives {images.dtype}, not pixels of uint8 or floats in -1..1: {KINDS}")
    try:
        return to_uint8(images)
    except ValueError as error:
        raise UserError(f"{printable(name)}: {error}; give a generator of an earlier epoch") from error


def picture_function(generator):
    """A compiled function of a Keras net: latents [N, Z] float32 -> images [N, H, W, C] uint8, N as one batch."""
    latents_spec = tf.TensorSpec([None, generator.input_shape[-1]], tf.float32, name="latents")

    @tf.function(input_signature=[latents_spec], autograph=False)
    def pictures(latents):
        levels = tf.round(generator(latents, training=False) * 127.5 + 127.5)
        return tf.cast(tf.clip_by_value(levels, 0.0, 255.0), tf.uint8)

    return pictures
