"""What a run is: a frozen dataclass per command. The fields are the flags, and config.json holds the same names."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dcgan_tf.errors import UserError, printable
from dcgan_tf.presets import PRESETS
from dcgan_tf.recipes import RECIPES, Augmentation, Loss, Upsampling

PresetName = Literal["auto", *PRESETS]
OnOff = Literal["on", "off"]
Epoch = int | Literal["best", "newest"] | None


@dataclass(frozen=True)
class Switches:
    """Each part of a recipe by itself, in place of what --recipe says of it."""

    loss: Loss | None = None
    ema: float | None = None
    """Decay per step of the moving average of the generator that is shown and saved, such as 0.995; 0: none."""
    augment: tuple[Augmentation, ...] | None = None
    """Random changes to all images that the discriminator sees; no name: none. They make few images go a long way."""
    flips: OnOff | None = None
    """Mirror half of the real images. Not for digits, letters, or anything else that has a left and a right."""
    r1: float | None = None
    """Weight of the penalty on the discriminator's gradient at real images, such as 1; 0: none."""
    r2: float | None = None
    """The same at generated images."""
    gradient_penalty: float | None = None
    """Weight of the penalty of --loss wasserstein, such as 10; 0: none."""
    penalty_every: int | None = None
    """Steps from one penalty to the next, which weighs so much more."""
    minibatch_std: OnOff | None = None
    """Show the discriminator how much the images of a batch differ."""
    packing: int | None = None
    """How many images the discriminator judges at once."""
    spectral_norm: OnOff | None = None
    """Hold the discriminator's weights at a spectral norm of 1."""
    d_learning_rate: float | None = None
    """The discriminator's own."""
    instance_noise: float | None = None
    """Standard deviation of noise on all that the discriminator sees, falling to 0 over 5,000 steps, such as 0.1."""
    upsampling: Upsampling | None = None
    """How the generator enlarges. "even" and "resize" make no checkerboards; "resize" takes more time."""


@dataclass(frozen=True)
class TrainConfig:
    """Train a GAN on your own images. The same command again carries on where it stopped."""

    data: str = "digits"
    """Images: a .npy or .npz array, an IDX file, a folder of pictures, a prepared set or a pattern of TFRecord files,
    as given or under data/ (the last two also gs://...); or one of digits, mnist, fashion_mnist, cifar10."""
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
    recipe: Literal[*RECIPES] = "tutorial"
    """tutorial: the net as it was published. best: with what makes better pictures from few images."""
    switches: Annotated[Switches, tyro.conf.arg(name="")] = Switches()
    resume: Literal["auto", "never", "must"] = "auto"
    """auto: carry on if the run folder holds a run. never: it must be empty. must: it must hold a run."""
    generator: str | None = None
    """Start from this saved generator (.h5 of any TensorFlow 2, or .keras). epochN_ in the name goes on at N+1."""
    discriminator: str | None = None
    """Start from this saved discriminator."""
    save_every: int | None = None
    """Epochs between saved models. Default: 1, or more where epochs are so short that saving would take over 3% of the time."""
    keep_last: int = 10
    """Keep the models of the last N saved epochs; 0 keeps all."""
    keep_every: int = 50
    """Keep the models of every Nth epoch for good; 0 keeps none beyond the last."""
    sample_every: int | None = None
    """Epochs between pictures. Default: 1, or more where they would take over 2% of the time."""
    evaluate_every: int | None = None
    """Epochs between measurements of the pictures (SWD, diversity); the best epoch is kept. 0: never.
    Default: as many as it takes to spend at most 4% of the time on them."""
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


@dataclass(frozen=True)
class ExportConfig:
    """Write a trained generator for TensorFlow Serving, ONNX or LiteRT, checked against the original."""

    source: Annotated[str, tyro.conf.Positional]
    """A run's folder, such as checkpoints/paints200, or a generator's .h5 or .keras, also of old TensorFlow."""
    out: str | None = None
    """The folder that gets a numbered version and what a server needs. Default: serving/<name of the source>."""
    epoch: Epoch = None
    """Of a run: the epoch whose generator to take. Default: the best, or the newest where none was measured."""
    discriminator: str | None = None
    """Also serve this discriminator's scores. Default: for a run, its own."""
    formats: tuple[Literal["savedmodel", "onnx", "litert"], ...] = ("savedmodel",)
    quantize: tuple[Literal["float16", "dynamic"], ...] = ()
    """Also write LiteRT files with smaller weights: float16 halves them, dynamic makes 8 bits of them."""
    quantized_tolerance: float = 0.01
    """The largest difference allowed to quantized images, whose values are -1 to 1; 8 bits often need 0.1 or more."""
    latents: Literal["auto", "normal", "uniform"] = "auto"
    """What the generator was trained on. auto: as the run says, else as a preset of its sizes."""


@dataclass(frozen=True)
class GenerateConfig:
    """Make pictures with a trained generator, one for every seed: the same seed, the same picture."""

    source: Annotated[str, tyro.conf.Positional]
    """A run's folder, such as checkpoints/paints200, a generator's .h5 or .keras, a SavedModel, an ONNX or .tflite file."""
    out: str
    """The folder that gets seed0001.png and so on."""
    count: int = 64
    """How many."""
    seed: int = 1
    """The first seed; the others follow one by one."""
    grid: bool = False
    """Also lay them out on contact sheets of up to 100: grid.png, or grid_0001-0100.png and so on."""
    truncation: float = 1.0
    """Above 0, at most 1: pulls the latents towards the middle, for fewer odd pictures and less variety."""
    epoch: Epoch = None
    """Of a run: the epoch whose generator to take. Default: the best, or the newest where none was measured."""
    latents: Literal["auto", "normal", "uniform"] = "auto"
    """What the generator was trained on. auto: as the source says."""


@dataclass(frozen=True)
class InterpolateConfig:
    """Make a film that goes from picture to picture, through all between, and from the last back to the first."""

    source: Annotated[str, tyro.conf.Positional]
    """A run's folder, such as checkpoints/paints200, a generator's .h5 or .keras, a SavedModel, an ONNX or .tflite file."""
    seeds: tuple[int, ...]
    """The pictures to pass, at least 2, in this order; "dcgan-tf generate" shows the picture of every seed."""
    out: str
    """The film: a name that ends in .gif or .mp4."""
    frames: int = 60
    """Of the whole loop."""
    fps: float = 25.0
    """Frames a second, 1 to 50; a GIF rounds the time of a frame to hundredths of a second."""
    truncation: float = 1.0
    """Above 0, at most 1: pulls the latents towards the middle, for fewer odd pictures and less variety."""
    epoch: Epoch = None
    """Of a run: the epoch whose generator to take. Default: the best, or the newest where none was measured."""
    latents: Literal["auto", "normal", "uniform"] = "auto"
    """What the generator was trained on. auto: as the source says."""


@dataclass(frozen=True)
class PrepareConfig:
    """Write images as TFRecord shards with an index: for data larger than memory, or in a cloud."""

    source: Annotated[str, tyro.conf.Positional]
    """Images: anything that --data of "dcgan-tf train" takes."""
    out: str
    """The new folder, here or at an address such as gs://bucket/paints."""
    shards: int = 64
    """How many files; 100 MB to 1 GB each is a good size."""
    image_size: tuple[int, int] | None = None
    """Height and width: the shorter side is resized, then the middle is cut out."""
    value_range: tuple[float, float] | None = None
    """Lowest and highest pixel value of an array, where it does not show (uint16 never does)."""


def check(config: TrainConfig) -> None:
    """Refuses values out of range.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    for name, least in (
        ("epochs", 1), ("batch_size", 1), ("max_steps", 1), ("seed", 0), ("save_every", 1),
        ("keep_last", 0), ("keep_every", 0), ("sample_every", 1), ("evaluate_every", 0),
    ):  # fmt: skip
        value = getattr(config, name)
        if value is not None and value < least:
            raise UserError(f"{flag(name)} {value}: must be at least {least}")
    if config.seed >= 2**31:
        raise UserError(f"--seed {config.seed}: must be below 2147483648")
    if config.learning_rate is not None and not 0 < config.learning_rate < 1:
        raise UserError(f"--learning-rate {config.learning_rate}: must be above 0 and below 1, such as 0.0002")
    _check_switches(config.switches)
    _check_image_flags(config)


def check_export(config: ExportConfig) -> None:
    """Refuses values out of range and flags that do not go together.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    if not config.formats:
        raise UserError("--formats: names none: give one or more of savedmodel, onnx, litert")
    check_epoch(config.epoch)
    if config.quantize and "litert" not in config.formats:
        raise UserError(f"--quantize {' '.join(config.quantize)}: is for LiteRT: add litert to --formats")
    if not 0 < config.quantized_tolerance <= 2:
        raise UserError(
            f"--quantized-tolerance {config.quantized_tolerance:g}: must be above 0 and at most 2, such as 0.01"
        )


def check_generate(config: GenerateConfig) -> None:
    """Refuses values out of range.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    if config.count < 1:
        raise UserError(f"--count {config.count}: must be at least 1")
    if config.seed < 0:
        raise UserError(f"--seed {config.seed}: must be at least 0")
    if config.seed + config.count > 2**31:
        raise UserError(f"--seed {config.seed} --count {config.count}: the last seed must be below 2147483648")
    _check_generator_flags(config)


def check_interpolate(config: InterpolateConfig) -> None:
    """Refuses values out of range.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    seeds = " ".join(["--seeds", *map(str, config.seeds)])
    if len(config.seeds) < 2:
        raise UserError(f"{seeds}: must be at least 2 seeds, such as --seeds 1 2")
    if not all(0 <= seed < 2**31 for seed in config.seeds):
        raise UserError(f"{seeds}: each must be at least 0 and below 2147483648")
    if config.frames < len(config.seeds):
        raise UserError(f"--frames {config.frames}: must be at least the number of seeds, {len(config.seeds)}")
    if not 1 <= config.fps <= 50:
        raise UserError(f"--fps {config.fps:g}: must be from 1 to 50")
    if film_format(config.out) not in ("gif", "mp4"):
        raise UserError(f"--out {printable(config.out)}: must end in .gif or .mp4")
    _check_generator_flags(config)


def check_prepare(config: PrepareConfig) -> None:
    """Refuses values out of range.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    if not 1 <= config.shards < 100_000:
        raise UserError(f"--shards {config.shards}: must be from 1 to 99999")
    if not config.out:
        raise UserError("--out: is empty: give a new folder")
    _check_image_flags(config)


def film_format(path: str) -> str:
    """The format of a film by the ending of its name: walk.gif -> gif."""
    return Path(path).suffix[1:].lower()


def _check_switches(switches: Switches) -> None:
    for name, least in (("penalty_every", 1), ("packing", 1)):
        value = getattr(switches, name)
        if value is not None and value < least:
            raise UserError(f"{flag(name)} {value}: must be at least {least}")
    for name in ("r1", "r2", "gradient_penalty", "instance_noise"):
        value = getattr(switches, name)
        if value is not None and not 0 <= value < math.inf:
            raise UserError(f"{flag(name)} {value:g}: must be 0 or more")
    if switches.ema is not None and not 0 <= switches.ema < 1:
        raise UserError(f"--ema {switches.ema:g}: must be at least 0 and below 1, such as 0.995")
    if switches.d_learning_rate is not None and not 0 < switches.d_learning_rate < 1:
        raise UserError(f"--d-learning-rate {switches.d_learning_rate}: must be above 0 and below 1, such as 0.0002")


def _check_image_flags(config: TrainConfig | PrepareConfig) -> None:
    if config.image_size is not None and min(config.image_size) < 1:
        height, width = config.image_size
        raise UserError(f"--image-size {height} {width}: must be a height and a width of at least 1 pixel")
    low, high = config.value_range or (0, 1)
    if not (low < high and math.isfinite(high - low)):
        raise UserError(f"--value-range {low:g} {high:g}: the first number must be below the second, both finite")


def _check_generator_flags(config: GenerateConfig | InterpolateConfig) -> None:
    if not 0 < config.truncation <= 1:
        raise UserError(f"--truncation {config.truncation:g}: must be above 0 and at most 1, such as 0.7")
    check_epoch(config.epoch)


def check_epoch(epoch: Epoch) -> None:
    if isinstance(epoch, int) and epoch < 1:
        raise UserError(f"--epoch {epoch}: must be at least 1")


def flag(name: str) -> str:
    """The flag of a field: batch_size -> --batch-size."""
    return "--" + name.replace("_", "-")
