"""What every other command than training is asked: a frozen dataclass each, whose fields are the flags."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from dcgan_tf.config.flags import (
    FILE,
    FOLDER,
    Epoch,
    EpochOfRun,
    HeightAndWidth,
    ImageSize,
    Labels,
    Latents,
    Maybe,
    OutputRange,
    PictureScale,
    PictureSize,
    Positional,
    Shown,
    Source,
    Truncation,
    ValueRange,
)
from dcgan_tf.config.net_file import AS_SAVED, NetFile
from dcgan_tf.config.ranges import AT_LEAST_0, AT_LEAST_1, FPS, SEED, SEED_COUNT, SHARDS, SHARE, TOLERANCE
from dcgan_tf.config.reading import Reading


@dataclass(frozen=True)
class AnimateConfig:
    """Make training.gif or training.mp4 from the pictures of a run, also while it trains."""

    run: Annotated[str, Positional("RUN")]
    """The run's folder, such as checkpoints/paints200."""
    format: Literal["gif", "mp4"] = "gif"
    """What to make: MP4 is smaller, GIF plays everywhere."""
    fps: Maybe[float] = None
    """Frames a second. Default: so many that the whole takes about half a minute, between 5 and 25."""
    size: PictureSize = None
    scale: PictureScale = None


@dataclass(frozen=True)
class ExportConfig:
    """Write a trained generator for TensorFlow Serving, ONNX or LiteRT, checked against the original."""

    source: Annotated[str, Positional("RUN")]
    """A run's folder, such as checkpoints/paints200, or a generator's .h5 or .keras, also of old TensorFlow."""
    out: Annotated[Maybe[str], FOLDER] = None
    """The folder that gets a numbered version and what a server needs. Default: serving/<name of the source>."""
    epoch: EpochOfRun = None
    discriminator: Annotated[Maybe[str], FILE] = None
    """Also serve this discriminator's scores. Default: for a run, its own."""
    formats: tuple[Literal["savedmodel", "onnx", "litert"], ...] = ("savedmodel",)
    """savedmodel: for TensorFlow Serving. onnx: for ONNX Runtime. litert: for phones and small machines."""
    inputs: tuple[Literal["latents", "seeds"], ...] = ("latents",)
    """What ONNX files take: latents, or seeds, and these give pixels. A SavedModel takes both, LiteRT latents alone."""
    quantize: tuple[Literal["float16", "dynamic"], ...] = ()
    """Also write LiteRT files with smaller weights: float16 halves them, dynamic makes 8 bits of them. Default:
    none."""
    quantized_tolerance: Annotated[float, TOLERANCE] = 0.01
    """The largest difference allowed to quantized images, whose values are -1 to 1; 8 bits often need 0.1 or more."""
    latents: Literal["auto", "normal", "uniform"] = "auto"
    """What the generator was trained on. auto: as the run says, else as a preset of its sizes."""
    value_range: OutputRange = None
    file: NetFile = AS_SAVED


@dataclass(frozen=True)
class GenerateConfig:
    """Make pictures with a trained generator, one for every seed: the same seed, the same picture."""

    source: Source
    out: Annotated[str, FOLDER]
    """The folder that gets seed0001.png and so on."""
    count: Annotated[int, AT_LEAST_1] = 64
    """How many pictures."""
    seed: Annotated[int, AT_LEAST_0] = 1
    """The first seed; the others follow one by one."""
    grid: bool = False
    """Also lay them out on contact sheets of up to 100, with the seed under each: grid.png, or grid_0001-0100.png and so
    on. "--labels all" gives such sheets of each class, with this flag or without."""
    truncation: Truncation = 1.0
    epoch: EpochOfRun = None
    latents: Latents = "auto"
    labels: Labels = ()
    value_range: OutputRange = None
    file: NetFile = AS_SAVED
    size: PictureSize = None
    scale: PictureScale = None


@dataclass(frozen=True)
class InterpolateConfig:
    """Make a film that goes from picture to picture, through all between, and from the last back to the first."""

    source: Source
    seeds: Annotated[tuple[int, ...], Shown("SEED SEED ...")]
    """The pictures to pass, in this order; "dcgan-tf generate" shows the picture of every seed. One seed alone goes from class
    to class of --labels."""
    out: Annotated[str, FILE]
    """The film: a name that ends in .gif or .mp4."""
    frames: int = 60
    """How many frames the whole loop has."""
    fps: Annotated[float, FPS] = 25.0
    """Frames a second, 1 to 50; a GIF rounds the time of a frame to hundredths of a second."""
    truncation: Truncation = 1.0
    epoch: EpochOfRun = None
    latents: Latents = "auto"
    labels: Labels = ()
    value_range: OutputRange = None
    file: NetFile = AS_SAVED
    size: PictureSize = None
    scale: PictureScale = None


@dataclass(frozen=True)
class PrepareConfig:
    """Write images as TFRecord shards with an index: for data larger than memory, or in a cloud."""

    source: Annotated[str, Positional("DATA")]
    """Images: anything that --data of "dcgan-tf train" takes."""
    out: Annotated[str, FOLDER]
    """The new folder, here or at an address such as gs://bucket/paints."""
    shards: Annotated[int, SHARDS] = 64
    """How many files; 100 MB to 1 GB each is a good size."""
    image_size: ImageSize = None
    value_range: ValueRange = None
    reading: Reading = Reading()


@dataclass(frozen=True)
class InspectConfig:
    """Look at your images before you train: sizes, duplicates, odd ones, and what training would do with them. Or at a
    net's file: what it is, and what can be done with it."""

    data: Annotated[str, Positional("DATA")]
    """Images: anything that --data of "dcgan-tf train" takes. Or a net: an .h5, .keras, .pth, .safetensors, .onnx or .tflite
    file, the folder of a SavedModel, a checkpoint of TensorFlow."""
    part: Maybe[Literal["generator", "discriminator"]] = None
    """Of the file of a whole GAN: the net whose layers to show. Default: both, in a line each."""
    html: Annotated[str, FILE] = "inspection.html"
    """The page that shows the images which the text names; it is one file, and is written anew each time."""
    out: Annotated[Maybe[str], FILE] = None
    """A list of the images to use, such as clean.txt: without copies of others and flat ones. Default: none is written."""
    features: Annotated[Maybe[str], Shown("imagenet|FILE")] = None
    """A net that knows pictures, by which the oddest are found: "imagenet", from a package, or a Keras file, such as
    "dcgan-tf train-features" makes. Default: by simple statistics."""
    image_size: ImageSize = None
    value_range: ValueRange = None
    reading: Reading = Reading()


@dataclass(frozen=True)
class SplitConfig:
    """Write two lists of your images, train.txt and test.txt, with no picture in both."""

    data: Annotated[str, Positional("DATA")]
    """A folder of images, or a list of them, such as @clean.txt."""
    out: Annotated[str, FOLDER]
    """The folder that gets the lists."""
    test: Annotated[float, SHARE] = 0.1
    """The share to hold out, of all images and of each class."""
    by_folder: bool = False
    """Keep the images of each folder together, such as those of one patient."""
    by_prefix: Annotated[Maybe[str], Shown("TEXT")] = None
    """Keep images together whose names are alike up to this text, such as _ for patient07_slice3.png. Default: not."""
    seed: Annotated[int, SEED] = 0
    """Decides which images are held out."""


@dataclass(frozen=True)
class TrainFeaturesConfig:
    """Train a small classifier on labelled images, in whose last hidden layer "dcgan-tf evaluate --features" compares."""

    data: Annotated[str, Positional("DATA")]
    """Labelled images: a folder with a folder for each class, an IDX file with its labels beside, a set with labels
    prepared by "dcgan-tf prepare"; or one of digits, mnist, fashion_mnist, cifar10."""
    out: Annotated[str, FILE]
    """The file: a name that ends in .keras."""
    image_size: Maybe[HeightAndWidth] = None
    """Height and width, or one number for both: the shorter side is resized, then the middle is cut out. Images that are
    still larger than 64 on their longer side are shrunk to that. Default: the size that they have, up to 64."""
    value_range: ValueRange = None
    reading: Reading = Reading()
    epochs: Annotated[Maybe[int], AT_LEAST_1] = None
    """How often all images are trained on. Default: 2 to 60, so many that a small machine takes a few minutes."""
    seed: Annotated[int, SEED] = 0
    """Decides weights, dropout, the order of images, and the tenth that is held out."""


@dataclass(frozen=True)
class ResumeConfig:
    """Carry on with a run, with all the settings that it was begun with."""

    run: Annotated[str, Positional("RUN")]
    """The run's folder, such as checkpoints/paints200, or its name there."""
    epochs: Annotated[Maybe[int], AT_LEAST_1] = None
    """How many in all. Default: as the run was begun, or last resumed."""
    max_steps: Annotated[Maybe[int], AT_LEAST_1] = None
    """Stop after this many steps in all, whatever the epoch. Default: as before."""
    data: Annotated[Maybe[str], Shown("DATA")] = None
    """Where its images are now, if they have been moved. Default: where they were."""
    save_every: Annotated[Maybe[int], AT_LEAST_1] = None
    """Epochs between saved models. Default: as before."""
    keep_last: Annotated[Maybe[int], AT_LEAST_0] = None
    """Keep the models of the last N saved epochs; 0 keeps all. Default: as before."""
    keep_every: Annotated[Maybe[int], AT_LEAST_0] = None
    """Keep the models of every Nth epoch for good; 0 keeps none beyond the last. Default: as before."""
    sample_every: Annotated[Maybe[int], AT_LEAST_1] = None
    """Epochs between pictures. Default: as before."""
    evaluate_every: Annotated[Maybe[int], AT_LEAST_0] = None
    """Epochs between measurements of the pictures; 0: never. Default: as before."""
    on_collapse: Maybe[Literal["warn", "rollback"]] = None
    """When the pictures become alike or much worse: say so, or also go back to the best epoch. Default: as before."""
    dry_run: bool = False
    """Print what would be trained, how fast and in how much memory, and write nothing."""


MEASURES = (
    "swd", "tones", "msssim", "fid", "kid", "precision-recall", "copies", "diversity", "modes", "per-class", "class-accuracy"
)  # fmt: skip
IMAGENET, NO_FEATURES = "imagenet", "none"
NEED_FEATURES = ("fid", "kid", "precision-recall", "modes", "class-accuracy")
NEED_CLASSIFIER = ("modes", "class-accuracy")  # that names its classes
OF_CLASSES = ("per-class", "class-accuracy")  # They are for generators that draw classes.
MeasureName = Literal[MEASURES]


@dataclass(frozen=True)
class EvaluateConfig:
    """Measure how good the images of a trained generator are: how near to real ones, how varied, whether copies."""

    source: Source
    data: Annotated[Maybe[str], Shown("DATA")] = None
    """Real images to compare with: anything that --data of "dcgan-tf train" takes. Default: those that the run was
    trained on. They are resized to the generator's size."""
    value_range: ValueRange = None
    held_out: Annotated[Maybe[str], Shown("DATA")] = None
    """Real images that were not trained on: what is nearer to the training images than these are looks like a copy.
    class-accuracy tests on them. Default: none."""
    metrics: Maybe[tuple[MeasureName, ...]] = None
    """What to measure. Default: all that there are features for, but class-accuracy; swd, tones, msssim, copies, diversity
    and per-class need none. modes and class-accuracy need features that "dcgan-tf train-features" made; per-class and
    class-accuracy need a generator that draws classes."""
    features: Annotated[Maybe[str], Shown("imagenet|inception|FILE|none")] = None
    """The net in whose last hidden layer fid, kid and precision-recall compare images: "imagenet", EfficientNet-Lite0 from
    a package; "inception", whose weights (88 MB) are downloaded once; a Keras file, such as "dcgan-tf train-features"
    makes. Default: imagenet, where that package is installed and images have at least 32 pixels on each side."""
    epoch: Epoch | Literal["all"] = None
    """Of a run: the epoch to measure, or all that are kept. Default: the best, or the newest where none was measured."""
    images: Annotated[Maybe[int], AT_LEAST_1] = None
    """How many generated images, and at most as many real ones. Default: each measure's own number, as published."""
    seed: Annotated[int, SEED] = 0
    """Decides the latents, and every choice of images, patches and pairs."""
    out: Annotated[Maybe[str], FOLDER] = None
    """The folder for evaluation.json and pictures. Default: the folder evaluation of the run, else
    evaluation/<name of the source>."""
    latents: Latents = "auto"
    labels: Labels = ()
    generator_range: OutputRange = None
    file: NetFile = AS_SAVED
    all: bool = False
    """Print every number that was measured. Without it, those of --metrics, or SWD, diversity and copies, and in features
    FID, KID, precision and recall."""
    seeds: Annotated[int, SEED_COUNT] = 1
    """Measure so many sets of generated images, of --seed and those that follow it: mean and standard deviation. The real
    images stay the same. Takes so many times as long."""
    csv: bool = False
    """Also write evaluation.csv, a row for each number of each epoch, for a spreadsheet or pandas."""
    set_best: bool = False
    """Write into the run which epoch is its best: of all, the one with the star; else the one measured. generate, export and
    others then take it."""


def film_format(path: str) -> str:
    """The format of a film by the ending of its name: walk.gif -> gif."""
    return Path(path).suffix[1:].lower()
