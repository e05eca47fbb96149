"""What flags are declared with: their marks (how --help shows them), and the types that several commands share."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from dcgan_tf.config.ranges import AT_LEAST_1, PICTURE_PIXELS, TRUNCATION


@dataclass(frozen=True)
class Help:
    """What --help says of a flag, where its text does not stand below the field."""

    text: str


@dataclass(frozen=True)
class Shown:
    """What stands for the value in --help, such as "FOLDER" or "HEIGHT WIDTH"."""

    text: str


@dataclass(frozen=True)
class Positional:
    """The value is given without a flag. is_flag_too: it may be given with one as well, as in `train DATA`."""

    name: str
    is_flag_too: bool = False


@dataclass(frozen=True)
class OneForBoth:
    """Of a flag that takes two values: one stands for both."""


@dataclass(frozen=True)
class Group:
    """The heading under which --help lists a flag."""

    title: str


MOST_USED, OF_DATA, OF_NET, OF_TRAINING, OF_PICTURES, OF_SAVING, OF_MEASURING = map(
    Group, ("most used", "data", "net", "training", "pictures", "saving", "measuring")
)
FILE, FOLDER, EPOCHS, STEPS = map(Shown, ("FILE", "FOLDER", "EPOCHS", "STEPS"))

T = TypeVar("T")
Maybe = T | None  # None: the flag is not given.
OnOff = Literal["on", "off"]
Epoch = Maybe[int | Literal["best", "newest"]]


def _helped(kind, help: str):
    return Annotated[kind, Help(help)]


Source = Annotated[
    _helped(
        str,
        "A run's folder, such as checkpoints/paints200, a generator's .h5 or .keras, a SavedModel, an ONNX or .tflite file.",
    ),
    Positional("RUN"),
]
EpochOfRun = _helped(
    Epoch, "Of a run: the epoch whose generator to take. Default: the best, or the newest where none was measured."
)
Latents = _helped(Literal["auto", "normal", "uniform"], "What the generator was trained on. auto: as the source says.")
ALL_CLASSES = "all"  # The value of --labels that stands for all of them.
Labels = Annotated[
    _helped(
        tuple[str, ...],
        "Of a generator that draws classes: which ones, by name or number, such as cat dog or 0 1 2, which take turns by the "
        'seed; "all" for all. Default: all.',
    ),
    Shown("CLASS ..."),
]
OutputRange = Annotated[
    _helped(
        Maybe[tuple[float, float]],
        "Black and white of the images that the generator makes, such as 0 1. Default: as its last layers tell, else as its "
        "images do.",
    ),
    Shown("LOW HIGH"),
]
Truncation = Annotated[
    _helped(
        float, "Above 0, at most 1: pulls the latents towards the middle, for fewer odd pictures and less variety."
    ),
    TRUNCATION,
]
PictureSize = Annotated[
    _helped(
        Maybe[int],
        "The longer side of the pictures in pixels, enlarged smoothly, such as 512. Default: their own; in films, small "
        "ones are enlarged.",
    ),
    PICTURE_PIXELS,
    Shown("PIXELS"),
]
PictureScale = Annotated[
    _helped(
        Maybe[int],
        "Instead of --size: a whole factor; every pixel becomes a sharp square, such as 8. Default: none.",
    ),
    AT_LEAST_1,
]
HeightAndWidth = Annotated[tuple[int, int], OneForBoth(), Shown("HEIGHT [WIDTH]")]
ImageSize = _helped(
    Maybe[HeightAndWidth],
    "Height and width, or one number for both: the shorter side is resized, then the middle is cut out. Default: the size "
    "that the images have.",
)
ValueRange = Annotated[
    _helped(
        Maybe[tuple[float, float]],
        "Lowest and highest pixel value of an array, where it does not show (uint16 never does). Default: by the type and "
        "the values of the array.",
    ),
    Shown("LOW HIGH"),
]


def flag(name: str) -> str:
    """The flag of a field: batch_size -> --batch-size."""
    return "--" + name.replace("_", "-")
