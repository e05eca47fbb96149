"""What a run is: a frozen dataclass per command. The fields are the flags, and config.json holds the same names."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from dcgan_tf.errors import UserError
from dcgan_tf.presets import PRESETS

PresetName = Literal["auto", *PRESETS]


@dataclass(frozen=True)
class TrainConfig:
    """Train a GAN on your own images. The same command again carries on where it stopped."""

    data: str = "digits"
    """Images: a .npy or .npz array, an IDX file or a folder of pictures, as given or under data/;
    or one of digits, mnist, fashion_mnist, cifar10."""
    preset: PresetName = "auto"
    """The net. auto: the preset made for the images' shape, else one fitted to it.
    A named preset resizes the images to its own size, or with --image-size is itself fitted to that size."""
    image_size: tuple[int, int] | None = None
    """Height and width: the shorter side is resized, then the middle is cut out."""
    value_range: tuple[float, float] | None = None
    """Lowest and highest pixel value of an array, where it does not show (uint16 never does)."""
    run_dir: str | None = None
    """Where everything goes. Default: checkpoints/<name of the data>."""
    epochs: int | None = None
    """Default: the preset's."""
    batch_size: int | None = None
    """Default: the preset's."""
    learning_rate: float | None = None
    """Of both Adam optimizers. Default: the preset's."""
    max_steps: int | None = None
    """Stop after this many steps, whatever the epoch."""
    seed: int = 0
    """Decides weights, latents, dropout and the order of images."""
    resume: Literal["auto", "never", "must"] = "auto"
    """auto: carry on if the run folder holds a run. never: it must be empty. must: it must hold a run."""
    generator: str | None = None
    """Start from this saved generator (.h5 of any TensorFlow 2, or .keras). epochN_ in the name goes on at N+1."""
    discriminator: str | None = None
    """Start from this saved discriminator."""
    save_every: int = 1
    """Epochs between saved models."""
    keep_last: int = 10
    """Keep the models of the last N saved epochs; 0 keeps all."""
    keep_every: int = 50
    """Keep the models of every Nth epoch for good; 0 keeps none beyond the last."""
    sample_every: int = 1
    """Epochs between pictures."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What the nets compute in; weights are always float32. auto: bfloat16 where the hardware has it, else float32."""
    dry_run: bool = False
    """Print what would be trained, how fast and in how much memory, and write nothing."""


@dataclass(frozen=True)
class AnimateConfig:
    """Make training.gif or training.mp4 from the pictures of a run, also while it trains."""

    run: Annotated[str, tyro.conf.Positional]
    """The run's folder, such as checkpoints/paints200."""
    format: Literal["gif", "mp4"] = "gif"
    fps: float | None = None
    """Frames a second. Default: so many that the whole takes about half a minute, between 5 and 25."""


def check(config: TrainConfig) -> None:
    """Refuses values out of range.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    for name, least in (
        ("epochs", 1), ("batch_size", 1), ("max_steps", 1), ("seed", 0), ("save_every", 1),
        ("keep_last", 0), ("keep_every", 0), ("sample_every", 1),
    ):  # fmt: skip
        value = getattr(config, name)
        if value is not None and value < least:
            raise UserError(f"{flag(name)} {value}: must be at least {least}")
    if config.seed >= 2**31:
        raise UserError(f"--seed {config.seed}: must be below 2147483648")
    if config.learning_rate is not None and not 0 < config.learning_rate < 1:
        raise UserError(f"--learning-rate {config.learning_rate}: must be above 0 and below 1, such as 0.0002")
    if config.image_size is not None and min(config.image_size) < 1:
        height, width = config.image_size
        raise UserError(f"--image-size {height} {width}: must be a height and a width of at least 1 pixel")
    low, high = config.value_range or (0, 1)
    if not (low < high and math.isfinite(high - low)):
        raise UserError(f"--value-range {low:g} {high:g}: the first number must be below the second, both finite")


def flag(name: str) -> str:
    """The flag of a field: batch_size -> --batch-size."""
    return "--" + name.replace("_", "-")
