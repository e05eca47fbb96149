"""A loaded generator, whatever it was loaded from: latents in, uint8 images out."""

import json
from dataclasses import dataclass

import numpy as np

from dcgan_tf.common.backend import quiet_stderr, tf
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.commands import Epoch
from dcgan_tf.generators import runtimes
from dcgan_tf.generators.find import KINDS, Found, find, latent_distribution, load_keras
from dcgan_tf.pictures.images import to_uint8

# How many images the net makes at a time where a seed must always give the same picture: sums in a net are ordered by
# the size of the batch, and their rounding shows in a pixel now and then. Larger blocks cost a single picture more time,
# smaller ones a large batch: 4 costs paints200 a sixth at 64 pictures.
BLOCK = 4


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
    distribution = latent_distribution(latents, known, latent_dim, shape)
    return Generator(found.name, latent_dim, tuple(shape), distribution, run)


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


def picture_function(generator):
    """latents [N, Z] float32 -> images [N, H, W, C] uint8, compiled, N as one batch."""

    latents_spec = tf.TensorSpec([None, generator.input_shape[-1]], tf.float32, name="latents")

    @tf.function(input_signature=[latents_spec], autograph=False)
    def pictures(latents):
        levels = tf.round(generator(latents, training=False) * 127.5 + 127.5)
        return tf.cast(tf.clip_by_value(levels, 0.0, 255.0), tf.uint8)

    return pictures
