"""Calls a generator of any origin and looks at what it gives, before anything relies on it."""

import numpy as np

from dcgan_tf.common.backend import quiet_stderr
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.generators.find import KINDS
from dcgan_tf.nets.words import reason
from dcgan_tf.pictures.images import to_uint8


def drawn(name: str, run, *inputs: np.ndarray) -> np.ndarray:
    """Latents [n, latent_dim], and labels [n] where the net takes them -> images uint8 [n, H, W, 1 or 3].

    run: of a net from anywhere. name: of it, for messages.

    Raises:
        UserError: the net does not run, or gives something else, or NaN.
    """
    images = given(name, run, *inputs)
    try:
        return images if images.dtype == np.uint8 else to_uint8(images)
    except ValueError as error:
        raise UserError(f"{printable(name)}: {error}; give a generator of an earlier epoch") from error


def given(name: str, run, *inputs: np.ndarray) -> np.ndarray:
    """What a net gives: uint8, or floats of its own range."""
    try:
        with quiet_stderr():
            images = np.asarray(run(*inputs))
    except Exception as error:  # Each runtime has errors of its own.
        raise UserError(f"{printable(name)}: is not a generator that runs ({reason(error)}): {KINDS}") from error
    if images.ndim != 4 or len(images) != len(inputs[0]) or images.shape[-1] not in (1, 3):
        raise UserError(f"{printable(name)}: gives {list(images.shape[1:])}, not images of 1 or 3 channels: {KINDS}")
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise UserError(f"{printable(name)}: gives {images.dtype}, not pixels of uint8 or floats in -1..1: {KINDS}")
    return images


def first_inputs(count: int, latent_dim: int, classes: int) -> list[np.ndarray]:
    """Inputs that any generator of so many latents takes: zeros, and class 0 where it takes labels."""
    latents = np.zeros([count, latent_dim], np.float32)
    return [latents, np.zeros(count, np.int32)] if classes else [latents]
