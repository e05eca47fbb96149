"""What a training is asked: a frozen dataclass whose fields are the flags, each with its default and its range."""

from dataclasses import Field, dataclass, make_dataclass
from typing import Annotated, Literal, get_args, get_type_hints

import tyro

from dcgan_tf.config.flags import ImageSize, Maybe, OnOff, ValueRange
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.ranges import AT_LEAST_0, AT_LEAST_1, BELOW_2_TO_31, LEARNING_RATE
from dcgan_tf.config.recipes import RECIPES, SWITCHES, Recipe

PresetName = Literal["auto", *PRESETS]
PRECISIONS = ("float32", "bfloat16", "float16")


def _flag_type(switch: Field, hint) -> type:
    """The type of a switch as a flag, where None is "not said": of a yes or no, the words on and off."""
    value = OnOff if hint is bool else next((kind for kind in get_args(hint) if type(None) in get_args(hint)), hint)
    return Annotated[Maybe[value], switch.metadata["range"], tyro.conf.arg(help=switch.metadata["help"] or None)]


_HINTS = get_type_hints(Recipe)
Switches = make_dataclass(
    "Switches", [(switch.name, _flag_type(switch, _HINTS[switch.name]), None) for switch in SWITCHES], frozen=True
)
Switches.__doc__ = """Each part of a recipe by itself, in place of what --recipe says of it."""
Switches.__module__ = __name__  # Pickling looks a class up in its module.


@dataclass(frozen=True)
class TrainConfig:
    """Train a GAN on your own images. The same command again carries on where it stopped."""

    data: str = "digits"
    """Images: a .npy or .npz array, an IDX file, a folder of pictures, a prepared set or a pattern of TFRecord files,
    as given or under data/ (the last two also gs://...); or one of digits, mnist, fashion_mnist, cifar10."""
    preset: PresetName = "auto"
    """The net. auto: the preset made for the images' shape, else one fitted to it.
    A named preset resizes the images to its own size, or with --image-size is itself fitted to that size."""
    image_size: ImageSize = None
    value_range: ValueRange = None
    run_dir: Maybe[str] = None
    """Where everything goes. Default: checkpoints/<name of the data>."""
    epochs: Annotated[Maybe[int], AT_LEAST_1] = None
    """Default: the preset's."""
    batch_size: Annotated[Maybe[int], AT_LEAST_1] = None
    """Default: the recipe's, else the preset's."""
    learning_rate: Annotated[Maybe[float], LEARNING_RATE] = None
    """Of both Adam optimizers. Default: the recipe's, else the preset's."""
    max_steps: Annotated[Maybe[int], AT_LEAST_1] = None
    """Stop after this many steps, whatever the epoch."""
    seed: Annotated[int, AT_LEAST_0, BELOW_2_TO_31] = 0
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
    save_every: Annotated[Maybe[int], AT_LEAST_1] = None
    """Epochs between saved models. Default: 1, or more where epochs are so short that saving would take over 2% of the time."""
    keep_last: Annotated[int, AT_LEAST_0] = 10
    """Keep the models of the last N saved epochs; 0 keeps all."""
    keep_every: Annotated[int, AT_LEAST_0] = 50
    """Keep the models of every Nth epoch for good; 0 keeps none beyond the last."""
    sample_every: Annotated[Maybe[int], AT_LEAST_1] = None
    """Pictures after exactly every Nth epoch, and at the end. Default: some 50 in a run, however long its epochs are:
    before the first step, after 10, 20, 50, 100 and so on, then evenly spread."""
    evaluate_every: Annotated[Maybe[int], AT_LEAST_0] = None
    """Epochs between measurements of the pictures (SWD, diversity); the best epoch is kept. 0: never.
    Default: some 15 measurements in a run, by as many pictures as at most 4% of the time allow."""
    on_collapse: Literal["warn", "rollback"] = "warn"
    """When the pictures become alike or much worse: say so, or also go back to the best epoch, or where that soon
    collapses again to the beginning, and on with half the learning rate and other random numbers, at most 3 times.
    NaN: stop, or go back."""
    precision: Literal["auto", *PRECISIONS] = "auto"
    """What the nets compute in; weights are always float32. auto: bfloat16 where the hardware has it, else float32."""
    dry_run: bool = False
    """Print what would be trained, how fast and in how much memory, and write nothing."""
