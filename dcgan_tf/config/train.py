"""What a run is: a frozen dataclass per command. The fields are the flags, and config.json holds the same names."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar, Union

import tyro

from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.recipes import RECIPES, Augmentation, Loss, Upsampling

T = TypeVar("T")
# `T | None`; but the default of that tyro 1.0 checks with typeguard, whose import is a third of the time to a usage error.
Maybe = Union[None, T]  # noqa: UP007
PresetName = Literal["auto", *PRESETS]
OnOff = Literal["on", "off"]


@dataclass(frozen=True)
class Switches:
    """Each part of a recipe by itself, in place of what --recipe says of it."""

    loss: Maybe[Loss] = None
    ema: Maybe[float] = None
    """Decay per step of the moving average of the generator that is shown and saved, such as 0.995; 0: none."""
    augment: Maybe[tuple[Augmentation, ...]] = None
    """Random changes to all images that the discriminator sees; no name: none. They make few images go a long way."""
    flips: Maybe[OnOff] = None
    """Mirror half of the real images. Not for digits, letters, or anything else that has a left and a right."""
    r1: Maybe[float] = None
    """Weight of the penalty on the discriminator's gradient at real images, such as 1; 0: none."""
    r2: Maybe[float] = None
    """The same at generated images."""
    gradient_penalty: Maybe[float] = None
    """Weight of the penalty of --loss wasserstein, such as 10; 0: none."""
    penalty_every: Maybe[int] = None
    """Steps from one penalty to the next, which weighs so much more."""
    minibatch_std: Maybe[OnOff] = None
    """Show the discriminator how much the images of a batch differ."""
    packing: Maybe[int] = None
    """How many images the discriminator judges at once."""
    d_bias: Maybe[OnOff] = None
    """Give the discriminator's first layer a bias, and no batch normalization: else it may not see contrast."""
    spectral_norm: Maybe[OnOff] = None
    """Hold the discriminator's weights at a spectral norm of 1."""
    d_learning_rate: Maybe[float] = None
    """The discriminator's own."""
    instance_noise: Maybe[float] = None
    """Standard deviation of noise on all that the discriminator sees, falling to 0 over 5,000 steps, such as 0.1."""
    upsampling: Maybe[Upsampling] = None
    """How the generator enlarges. "even" and "resize" make no checkerboards; "resize" takes more time."""
    tanh_gain: Maybe[float] = None
    """What is shown and saved is the generator's tanh times so much, such as 1.05, cut off at black and white, which it
    does not quite reach by itself; 1: as it is."""


@dataclass(frozen=True)
class TrainConfig:
    """Train a GAN on your own images. The same command again carries on where it stopped."""

    data: str = "digits"
    """Images: a .npy or .npz array, an IDX file, a folder of pictures, a prepared set or a pattern of TFRecord files,
    as given or under data/ (the last two also gs://...); or one of digits, mnist, fashion_mnist, cifar10."""
    preset: PresetName = "auto"
    """The net. auto: the preset made for the images' shape, else one fitted to it.
    A named preset resizes the images to its own size, or with --image-size is itself fitted to that size."""
    image_size: Maybe[tuple[int, int]] = None
    """Height and width: the shorter side is resized, then the middle is cut out."""
    value_range: Maybe[tuple[float, float]] = None
    """Lowest and highest pixel value of an array, where it does not show (uint16 never does)."""
    run_dir: Maybe[str] = None
    """Where everything goes. Default: checkpoints/<name of the data>."""
    epochs: Maybe[int] = None
    """Default: the preset's."""
    batch_size: Maybe[int] = None
    """Default: the recipe's, else the preset's."""
    learning_rate: Maybe[float] = None
    """Of both Adam optimizers. Default: the recipe's, else the preset's."""
    max_steps: Maybe[int] = None
    """Stop after this many steps, whatever the epoch."""
    seed: int = 0
    """Decides weights, latents, dropout and the order of images."""
    recipe: Literal["auto", *RECIPES] = "auto"
    """tutorial: the net as it was published. best: with what makes better pictures from few images. auto: as the run
    there began; a new one has best for up to 20,000 images."""
    switches: Annotated[Switches, tyro.conf.arg(name="")] = Switches()
    resume: Literal["auto", "never", "must"] = "auto"
    """auto: carry on if the run folder holds a run. never: it must be empty. must: it must hold a run."""
    generator: Maybe[str] = None
    """Start from this saved generator (.h5 of any TensorFlow 2, or .keras). epochN_ in the name goes on at N+1."""
    discriminator: Maybe[str] = None
    """Start from this saved discriminator."""
    save_every: Maybe[int] = None
    """Epochs between saved models. Default: 1, or more where epochs are so short that saving would take over 2% of the time."""
    keep_last: int = 10
    """Keep the models of the last N saved epochs; 0 keeps all."""
    keep_every: int = 50
    """Keep the models of every Nth epoch for good; 0 keeps none beyond the last."""
    sample_every: Maybe[int] = None
    """Epochs between pictures. Default: 1, or more where they would take over 1% of the time."""
    evaluate_every: Maybe[int] = None
    """Epochs between measurements of the pictures (SWD, diversity); the best epoch is kept. 0: never.
    Default: as many as it takes to spend at most 4% of the time on them."""
    on_collapse: Literal["warn", "rollback"] = "warn"
    """When the pictures become alike or much worse: say so, or also go back to the best epoch, or where that soon
    collapses again to the beginning, and on with half the learning rate and other random numbers, at most 3 times.
    NaN: stop, or go back."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What the nets compute in; weights are always float32. auto: bfloat16 where the hardware has it, else float32."""
    dry_run: bool = False
    """Print what would be trained, how fast and in how much memory, and write nothing."""


def flag(name: str) -> str:
    """The flag of a field: batch_size -> --batch-size."""
    return "--" + name.replace("_", "-")
