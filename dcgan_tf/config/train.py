"""What a training is asked: a frozen dataclass whose fields are the flags, each with its default and its range."""

from dataclasses import Field, dataclass, make_dataclass
from typing import Annotated, Literal, get_args, get_type_hints

from dcgan_tf.config.flags import (
    EPOCHS,
    FILE,
    FOLDER,
    MOST_USED,
    OF_DATA,
    OF_MEASURING,
    OF_NET,
    OF_PICTURES,
    OF_SAVING,
    OF_TRAINING,
    STEPS,
    Help,
    ImageSize,
    Maybe,
    OnOff,
    OutputRange,
    Positional,
    Shown,
    ValueRange,
)
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.ranges import AT_LEAST_0, AT_LEAST_1, BELOW_2_TO_31, LEARNING_RATE
from dcgan_tf.config.reading import Reading
from dcgan_tf.config.recipes import RECIPES, SWITCHES, Recipe

PresetName = Literal["auto", *PRESETS]
PRECISIONS = ("float32", "bfloat16", "float16")


def _flag_type(switch: Field, hint) -> type:
    """The type of a switch as a flag, where None is "not said": of a yes or no, the words on and off."""
    value = OnOff if hint is bool else next((kind for kind in get_args(hint) if type(None) in get_args(hint)), hint)
    help = f"{switch.metadata['help']} Default: the recipe's."
    return Annotated[Maybe[value], switch.metadata["range"], switch.metadata["group"], Help(help)]


_HINTS = get_type_hints(Recipe)
Switches = make_dataclass(
    "Switches", [(switch.name, _flag_type(switch, _HINTS[switch.name]), None) for switch in SWITCHES], frozen=True
)
Switches.__doc__ = """Each part of a recipe by itself, in place of what --recipe says of it."""
Switches.__module__ = __name__  # Pickling looks a class up in its module.


@dataclass(frozen=True)
class TrainConfig:
    """Train a GAN on your own images. The same command again carries on where it stopped."""

    data: Annotated[str, MOST_USED, Positional("DATA", is_flag_too=True)] = "digits"
    """Images: a folder of pictures, a .zip or .tar archive or a list (@FILE) of them; a .npy, .npz, HDF5, MATLAB, CSV or IDX
    file (FILE::NAME takes one of several arrays); a table of images (.parquet); a prepared set or a pattern of TFRecord
    files; as given or under data/ (the last two also gs://...); or one of digits, mnist, fashion_mnist, cifar10."""
    preset: Annotated[PresetName, MOST_USED] = "auto"
    """The net. auto: the preset made for the images' shape, else one fitted to it. A named preset resizes the images to
    its own size, or with --image-size is itself fitted to that size."""
    image_size: Annotated[ImageSize, MOST_USED] = None
    """Height and width, or one number for both: the shorter side is resized, then the middle is cut out.
    Default: the preset's where one is named, else the size that the images have; where they have many, a square of at most
    64, or of 128 on a GPU."""
    value_range: Annotated[ValueRange, OF_DATA] = None
    reading: Reading = Reading()
    run_dir: Annotated[Maybe[str], MOST_USED, FOLDER] = None
    """Where everything goes. Default: checkpoints/<name of the data>."""
    epochs: Annotated[Maybe[int], AT_LEAST_1, MOST_USED] = None
    """How often all images are trained on. Default: the preset's."""
    batch_size: Annotated[Maybe[int], AT_LEAST_1, MOST_USED, Shown("IMAGES")] = None
    """Images in a step. Default: the recipe's, else the preset's."""
    learning_rate: Annotated[Maybe[float], LEARNING_RATE, OF_TRAINING] = None
    """Of both Adam optimizers. Default: the recipe's, else the preset's."""
    balance: Annotated[OnOff, OF_DATA] = "off"
    """Draw all classes equally often, however many images each has."""
    max_steps: Annotated[Maybe[int], AT_LEAST_1, OF_TRAINING, STEPS] = None
    """Stop after this many steps, whatever the epoch. Default: after the last epoch."""
    seed: Annotated[int, AT_LEAST_0, BELOW_2_TO_31, OF_TRAINING] = 0
    """Decides weights, latents, dropout and the order of images."""
    recipe: Annotated[Literal["auto", *RECIPES], MOST_USED] = "auto"
    """tutorial: the net as it was published. best: with what makes better pictures from few images. auto: as the run
    there began; a new one has best for up to 20,000 images."""
    switches: Switches = Switches()
    resume: Annotated[Literal["auto", "never", "must"], MOST_USED] = "auto"
    """auto: carry on if the run folder holds a run. never: it must be empty. must: it must hold a run."""
    generator: Annotated[Maybe[str], OF_NET, FILE] = None
    """Start from this saved generator: an .h5 or .keras of any Keras, tensors of PyTorch (.pth), or weights alone of the net
    of --preset. epochN_ in the name goes on at N+1. Default: a new one."""
    discriminator: Annotated[Maybe[str], OF_NET, FILE] = None
    """Start from this saved discriminator. Default: a new one."""
    generator_range: Annotated[OutputRange, OF_NET] = None
    latents: Annotated[Literal["auto", "normal", "uniform"], OF_NET] = "auto"
    """What the generator makes images of: standard normal numbers, or uniform ones in -1..1. auto: as the net's preset."""
    save_every: Annotated[Maybe[int], AT_LEAST_1, OF_SAVING, EPOCHS] = None
    """Epochs between saved models. Default: 1, or more where epochs are so short that saving would take over 2% of the time."""
    keep_last: Annotated[int, AT_LEAST_0, OF_SAVING] = 10
    """Keep the models of the last N saved epochs; 0 keeps all."""
    keep_every: Annotated[int, AT_LEAST_0, OF_SAVING] = 50
    """Keep the models of every Nth epoch for good; 0 keeps none beyond the last."""
    sample_every: Annotated[Maybe[int], AT_LEAST_1, OF_PICTURES, EPOCHS] = None
    """Pictures after exactly every Nth epoch, and at the end. Default: some 50 in a run, however long its epochs are:
    before the first step, after 10, 20, 50, 100 and so on, then evenly spread."""
    evaluate_every: Annotated[Maybe[int], AT_LEAST_0, OF_MEASURING, EPOCHS] = None
    """Epochs between measurements of the pictures (SWD, diversity; KID where the extra imagenet is installed); the best
    epoch is kept. 0: never. Default: some 12 measurements in a run, with as much effort as at most 12% of the time allows."""
    on_collapse: Annotated[Literal["warn", "rollback"], OF_MEASURING] = "warn"
    """When the pictures become alike or much worse: say so, or also go back to the best epoch, or where that soon
    collapses again to the beginning, and on with half the learning rate and other random numbers, at most 3 times.
    NaN: stop, or go back."""
    precision: Annotated[Literal["auto", *PRECISIONS], OF_TRAINING] = "auto"
    """What the nets compute in; weights are always float32. auto: bfloat16 where the hardware has it, else float32."""
    dry_run: Annotated[bool, MOST_USED] = False
    """Print what would be trained, how fast and in how much memory, and write nothing."""
