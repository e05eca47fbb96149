"""What is said of a net's file beside its name, where the file does not say it itself."""

from dataclasses import dataclass
from typing import Annotated, Literal

from dcgan_tf.config.flags import FILE, Maybe
from dcgan_tf.config.presets import PRESETS


@dataclass(frozen=True)
class NetFile:
    """How to read a generator's file that is more, or less, than a generator."""

    part: Maybe[Literal["generator", "discriminator"]] = None
    """Of a file with several nets, such as a whole GAN: the one to take. Default: the file is one net."""
    preset: Maybe[Literal[tuple(PRESETS)]] = None
    """Of a file with weights alone: the preset whose net they are of. Default: none."""
    net: Annotated[Maybe[str], FILE] = None
    """Of a file with weights alone: the file of their net, the JSON of model.to_json, an .h5 or a .keras. Default: the JSON
    that lies beside the file under the same name."""


AS_SAVED = NetFile()
