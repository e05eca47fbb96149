"""Loads a generator that `find` has found, whatever it is stored as: latents in, uint8 images out."""

import json
from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.backend import quiet_stderr, tf
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.config.commands import Epoch
from dcgan_tf.generators import runtimes
from dcgan_tf.generators.find import KINDS, Found, find, latent_distribution
from dcgan_tf.nets.saved import load_model
from dcgan_tf.nets.surgery import check_generator
from dcgan_tf.pictures.images import to_uint8

# A seed always gives the same picture because the net makes all images in blocks of this size: the order of its sums
# depends on the size of the batch, and their rounding shows in a pixel now and then. A larger block makes a single
# picture slower, a smaller one makes a large batch slower: 64 pictures of paints200 take a sixth longer in blocks of 4.
BLOCK_SIZE = 4


@dataclass(frozen=True)
class Generator:
    """A loaded generator. image_shape: (H, W, C). distribution: of its latents, "normal" or "uniform"."""

    name: str
    latent_dim: int
    image_shape: tuple[int, int, int]
    distribution: str
    _run: object  # latents [n, latent_dim] float32 -> images [n, H, W, C], uint8 or float32 in -1..1

    def images(self, latents: np.ndarray, block_size: int = BLOCK_SIZE) -> np.ndarray:
        """Latents [n, latent_dim], float32 -> images [n, H, W, C], uint8; a picture does not depend on its batch.

        block_size: how many latents the net sees at once; with another size, a few pixels may differ by one level.

        Raises:
            UserError: the net makes NaN.
        """
        padded = np.zeros([-(-len(latents) // block_size) * block_size, self.latent_dim], np.float32)
        padded[: len(latents)] = latents
        blocks = (padded[start : start + block_size] for start in range(0, len(padded), block_size))
        return np.concatenate([_as_uint8(self._run(block), self.name) for block in blocks])[: len(latents)]


def open_generator(source: str, epoch: Epoch = None, latents: str = "auto") -> Generator:
    """Loads the generator that `source` names.

    epoch: as for `find`. latents: their distribution, "normal" or "uniform"; "auto" takes what the run, the model card
    or a preset of these sizes says.

    Raises:
        UserError: `source` names no generator, or one that does not run.
    """
    found = find(source, epoch)
    if found.kind == "keras":
        generator = load_keras(found)
        run, latent_dim, shape = picture_function(generator), generator.input_shape[-1], generator.output_shape[1:]
    else:
        try:
            with quiet_stderr():  # LiteRT prints which delegates it uses.
                run = runtimes.RUNTIMES[found.kind](str(found.path))
            latent_dim, shape = run.latent_dim, np.shape(run(np.zeros([BLOCK_SIZE, run.latent_dim], np.float32)))[1:]
        except ImportError as error:
            raise UserError(f"{printable(source)}: needs {error.name}: pip install 'dcgan-tf[export]'") from error
        except Exception as error:  # Each runtime has errors of its own for a file that it does not understand.
            reason = first_line(error)
            raise UserError(f"{printable(source)}: is not a generator that runs ({reason}): {KINDS}") from error
        if len(shape) != 3 or shape[-1] not in (1, 3):
            raise UserError(f"{printable(source)}: gives {list(shape)}, not images of 1 or 3 channels: {KINDS}")
    said = found.settings and found.settings.preset.latents
    if found.kind != "keras":
        said = (_card(found, run).get("latents") or {}).get("distribution")
    distribution = latent_distribution(latents, said, latent_dim, shape)
    return Generator(found.name, latent_dim, tuple(shape), distribution, run)


def load_keras(found: Found):
    """The Keras net of a generator that was found as "keras", float32.

    Raises:
        UserError: the file holds no generator of grey or colour images, or one whose weights are NaN.
    """
    generator = load_model(found.path)
    check_generator(generator, found.path)
    channels = generator.output_shape[-1]
    if channels not in (1, 3):
        raise UserError(f"{printable(found.path)}: makes images of {channels} channels, not 1 or 3; give another net")
    if not all(np.isfinite(weight).all() for weight in generator.get_weights()):
        raise UserError(f"{printable(found.path)}: has weights that are no numbers (NaN); give an earlier epoch")
    return generator


def _card(found: Found, run) -> dict:
    """The model card of an exported generator; {} where it has none that can be read."""
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


def picture_function(generator):
    """A compiled function of a Keras net: latents [N, Z] float32 -> images [N, H, W, C] uint8, N as one batch."""
    latents_spec = tf.TensorSpec([None, generator.input_shape[-1]], tf.float32, name="latents")

    @tf.function(input_signature=[latents_spec], autograph=False)
    def pictures(latents):
        levels = tf.round(generator(latents, training=False) * 127.5 + 127.5)
        return tf.cast(tf.clip_by_value(levels, 0.0, 255.0), tf.uint8)

    return pictures
