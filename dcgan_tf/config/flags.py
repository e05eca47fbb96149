"""What flags of several commands share: their types, with range and help."""

from typing import Annotated, Literal, TypeVar, Union

import tyro

from dcgan_tf.config.ranges import AT_LEAST_1, PICTURE_PIXELS, TRUNCATION

T = TypeVar("T")
# The same as `T | None`, for which tyro 1.0 would import typeguard: a third of the time to a usage error.
Maybe = Union[None, T]  # noqa: UP007
OnOff = Literal["on", "off"]
Epoch = Maybe[int | Literal["best", "newest"]]


def _helped(kind, help: str):
    return Annotated[kind, tyro.conf.arg(help=help)]


Source = tyro.conf.Positional[
    _helped(
        str,
        "A run's folder, such as checkpoints/paints200, a generator's .h5 or .keras, a SavedModel, an ONNX or .tflite file.",
    )
]
EpochOfRun = _helped(
    Epoch, "Of a run: the epoch whose generator to take. Default: the best, or the newest where none was measured."
)
Latents = _helped(Literal["auto", "normal", "uniform"], "What the generator was trained on. auto: as the source says.")
Truncation = Annotated[
    _helped(
        float, "Above 0, at most 1: pulls the latents towards the middle, for fewer odd pictures and less variety."
    ),
    TRUNCATION,
]
PictureSize = Annotated[
    _helped(Maybe[int], "The longer side of the pictures in pixels, enlarged smoothly, such as 512."), PICTURE_PIXELS
]
PictureScale = Annotated[
    _helped(Maybe[int], "Instead of --size: a whole factor; every pixel becomes a sharp square, such as 8."), AT_LEAST_1
]


def _height_and_width(texts: list[str]) -> tuple[int, int]:
    """["64"] -> (64, 64), ["120", "90"] -> (120, 90)."""
    sides = [int(text) for text in texts]
    return sides[0], sides[-1]


# One number on the command line, or two; always two from here on.
HeightAndWidth = Annotated[
    tuple[int, int],
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=(1, 2),
        metavar="HEIGHT [WIDTH]",
        instance_from_str=_height_and_width,
        is_instance=lambda value: isinstance(value, tuple) and len(value) == 2,
        str_from_instance=lambda size: [str(side) for side in size],
    ),
]
ImageSize = _helped(
    Maybe[HeightAndWidth],
    "Height and width, or one number for both: the shorter side is resized, then the middle is cut out.",
)
ValueRange = _helped(
    Maybe[tuple[float, float]],
    "Lowest and highest pixel value of an array, where it does not show (uint16 never does).",
)


def flag(name: str) -> str:
    """The flag of a field: batch_size -> --batch-size."""
    return "--" + name.replace("_", "-")
