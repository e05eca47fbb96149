"""From flags to settings: who says each value. What a flag says goes first, else what the run that is there began with,
else what the recipe says, else the preset.

    value          flag             run that is there   recipe                       preset
    recipe         --recipe         its recipe          best up to 20,000 images     -
    a switch       its flag         in its recipe       `suited` to the images       off
    batch size     --batch-size     in its recipe       the smaller of both          by the size of the images
    learning rate  --learning-rate  in its recipe       the larger of both           its own
    epochs         --epochs         -                   -                            more where the set is small
    latents        --latents        its latents         -                            the saved generator's, else its own
    classes        -                -                   those of the images, where   none
                                                        it is conditional
    sheet          -                its sheet           at least 4x4 but tutorial;   its own
                                                        a row for each class
    precision      --precision      its precision       -                            - (measured on the machine)

Pure functions: images are opened, and folders read, elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.versions import versions
from dcgan_tf.config.fitting import MIN_SHEET_PICTURES, epochs_for, images_a_batch, preset_for
from dcgan_tf.config.flags import flag
from dcgan_tf.config.order import Order
from dcgan_tf.config.presets import PRESETS, Preset
from dcgan_tf.config.recipes import RECIPES, TUTORIAL, Recipe, with_switches
from dcgan_tf.config.settings import Images, Settings
from dcgan_tf.config.train import PRECISIONS, TrainConfig
from dcgan_tf.config.variants import applied

MAX_BEST_IMAGES = 20_000  # Recipe best was measured to win on a few thousand images (docs/quality.md).
MIN_AUGMENTED_SIDE = 16  # pixels. On digits of 8x8, augmentation cost recall.
MIN_GAIN_SHARE = 0.2  # of all values black or white: with fewer, the gain changes nothing worth having.
MIN_MEAN_IMAGES_A_CLASS = 4  # Labels with fewer are most often numbers of images, or measured values.
MAX_CLASS_ROWS = 16  # A sheet shows no more classes; the others are left out evenly.
MIN_CLASS_COLUMNS = 8

GIVE_CLASSES = (
    "give a folder with a folder for each class, an archive of one, an IDX file with its labels beside, a .npz, HDF5 or MATLAB "
    "file with labels, a CSV or Parquet table with a column of them, TFRecord files with labels, or mnist"
)


@dataclass(frozen=True)
class Start:
    """What is known of saved nets that a run starts from.

    latent_dim  None where only the discriminator is given
    epoch       how many they have been trained for
    latents     what the generator was trained on, "normal" or "uniform", as far as that is known
    """

    image_shape: tuple[int, int, int]
    latent_dim: int | None
    epoch: int
    latents: str | None = None


@dataclass(frozen=True)
class Facts:
    """What was found out before anything is settled.

    data            the images, at the size they are trained on
    black_or_white  gives the share of such values; called only where a recipe has a gain, as it reads images
    run_dir         where the run's folder is
    start           the nets to start from; None: new ones
    devices         how many share every batch, over all workers
    on_processor    whether they are processors, not GPUs
    no_classes      why the images have no classes, where something is known of that
    """

    data: Images
    black_or_white: Callable[[], float]
    run_dir: str
    start: Start | None = None
    devices: int = 1
    on_processor: bool = True
    no_classes: str = ""


def settle(flags: TrainConfig, facts: Facts, begun: Settings | None = None) -> Settings:
    """Every value of a run.

    flags: in range, see `config.checks`. begun: the settings of the run that is there; None where there is none.
    The precision stays "auto" where neither flag nor run says one: it is measured on the machine.

    Raises:
        UserError: fewer images than a batch, or a batch that cannot be shared or packed; no classes for a conditional net.
    """
    recipe = _recipe(flags, facts, begun)
    _check_class_switches(flags, recipe)
    _check_classes(flags, facts, recipe)
    class_names = facts.data.class_names if recipe.conditional else ()
    preset = preset_for(facts.data.image_shape, flags.preset)
    if facts.start and facts.start.latent_dim:
        preset = replace(preset, latent_dim=facts.start.latent_dim)
    preset = applied(preset, recipe, len(class_names))
    if recipe.conditional and recipe.class_norm:
        _check_class_norm(preset)
    preset = replace(preset, grid=_grid(flags, preset, begun))
    preset = replace(preset, latents=_latents(flags, facts, preset, begun))
    batch_size = flags.batch_size or preset.batch_size
    order = Order(facts.data.images, batch_size, preset.drop_remainder, flags.seed)
    _check_batch(flags, facts, order, recipe.packing)
    settled = replace(
        flags,
        run_dir=facts.run_dir,
        batch_size=batch_size,
        learning_rate=flags.learning_rate or preset.learning_rate,
        epochs=flags.epochs or epochs_for(preset, order.steps_per_epoch),
        precision=_precision(flags, begun),
    )
    data = replace(facts.data, class_names=class_names)
    return Settings(settled, data, order.steps_per_epoch, preset, recipe, versions())


def wanted_shape(flags: TrainConfig, start: Start | None) -> tuple[tuple[int, int] | None, int | None]:
    """((H, W) or None, channels or None): what the flags ask of the images, None where they are taken as they are."""
    if flags.preset != "auto":
        height, width, channels = PRESETS[flags.preset].image_shape
    elif start:
        height, width, channels = start.image_shape
    else:
        return flags.image_size, flags.reading.channels
    return flags.image_size or (height, width), flags.reading.channels or channels


def _grid(flags: TrainConfig, preset: Preset, begun: Settings | None) -> tuple[int, int]:
    """Rows and columns of the sample pictures; of a conditional net, a row for each class. A run keeps those that it began
    with, so that its film has all pictures."""
    if begun:
        return begun.preset.grid
    if preset.classes:
        return min(preset.classes, MAX_CLASS_ROWS), max(MIN_CLASS_COLUMNS, preset.grid[1])
    return preset.grid if flags.recipe == "tutorial" else tuple(max(MIN_SHEET_PICTURES, side) for side in preset.grid)


def _latents(flags: TrainConfig, facts: Facts, preset: Preset, begun: Settings | None) -> str:
    if flags.latents != "auto":
        return flags.latents
    if begun:
        return begun.preset.latents
    return (facts.start and facts.start.latents) or preset.latents


def _precision(flags: TrainConfig, begun: Settings | None) -> str:
    if flags.precision != "auto":
        return flags.precision
    return begun.config.precision if begun and begun.config.precision in PRECISIONS else "auto"


def _recipe(flags: TrainConfig, facts: Facts, begun: Settings | None) -> Recipe:
    if flags.recipe == "auto" and begun:
        recipe = begun.recipe
    else:
        images = facts.data.images
        recipe = RECIPES[default_recipe(images) if flags.recipe == "auto" else flags.recipe]
        clipped = facts.black_or_white() if recipe.tanh_gain != 1 else 0.0
        one_processor = facts.devices == 1 and facts.on_processor
        recipe = suited(recipe, images, facts.data.image_shape, clipped, one_processor=one_processor)
    return with_switches(recipe, flags.switches)


def default_recipe(images: int) -> str:
    """The recipe of a set of so many images where none is asked for."""
    return "best" if images <= MAX_BEST_IMAGES else "tutorial"


def suited(
    recipe: Recipe, images: int, image_shape: tuple[int, int, int], clipped: float, *, one_processor: bool = True
) -> Recipe:
    """The recipe for a set of so many images (H, W, C): it augments only few images, and none that are tiny; has batches of
    its own only for few images on one processor, smaller ones of large images; and a gain where many values are black or
    white.

    clipped: the share of such values, see `metrics.tones`.

    A discriminator does not learn many images by heart. Only on one processor are several small steps as fast as a large
    one. How these limits were found is in docs/findings.md.
    """
    height, width, _ = image_shape
    are_few = images <= MAX_BEST_IMAGES
    own_batches = recipe.batch_size is not None and are_few and one_processor
    return replace(
        recipe,
        batch_size=min(recipe.batch_size, images_a_batch(height, width)) if own_batches else None,
        augment=recipe.augment if are_few and min(height, width) >= MIN_AUGMENTED_SIDE else (),
        tanh_gain=recipe.tanh_gain if clipped >= MIN_GAIN_SHARE else 1.0,
    )


def _check_class_switches(flags: TrainConfig, recipe: Recipe) -> None:
    """Refuses flags that go with classes alone, or never with them."""
    if not recipe.conditional:
        for name, off in (("class_norm", "off"), ("class_judge", TUTORIAL.class_judge)):
            if getattr(flags.switches, name) not in (None, off):
                raise UserError(f"{flag(name)} {getattr(flags.switches, name)}: is for --conditional on: give both")
    elif recipe.packing > 1:
        raise UserError(
            f"--packing {recipe.packing} --conditional on: a pack would hold images of several classes: give one of them"
        )


def _check_classes(flags: TrainConfig, facts: Facts, recipe: Recipe) -> None:
    """Refuses images without classes, where these are needed."""
    if not (recipe.conditional or flags.balance == "on"):
        return
    needs = "--conditional on" if recipe.conditional else "--balance on"
    shown, names = printable(flags.data), facts.data.class_names
    if not names:
        why = f" ({printable(facts.no_classes)})" if facts.no_classes else ""
        raise UserError(f"{needs}: the images of {shown} have no classes{why}: {GIVE_CLASSES}")
    if len(names) == 1:
        raise UserError(
            f"{needs}: all images of {shown} are of one class, {printable(names[0])}: give images of two or more, or leave "
            f"{needs.split()[0]} out"
        )
    if facts.data.images < MIN_MEAN_IMAGES_A_CLASS * len(names):
        raise UserError(
            f"{needs}: {facts.data.images:,} images of {len(names):,} classes are too few, {MIN_MEAN_IMAGES_A_CLASS} of each "
            f"are needed on average: are the labels of {shown} classes? Give fewer with --classes, or more images"
        )


def _check_class_norm(preset: Preset) -> None:
    if not any("class_bn" in row.then.split() for row in preset.generator):
        raise UserError(
            f"--class-norm on: the generator of --preset {preset.family} has no batch normalization: leave it out, or give "
            "another --preset"
        )


def _check_batch(flags: TrainConfig, facts: Facts, order: Order, packing: int) -> None:
    if order.steps_per_epoch == 0:
        raise UserError(
            f"--data {printable(flags.data)}: {order.images} images are fewer than one batch of {order.batch_size}: "
            f"give --batch-size {order.images} or less"
        )
    if packing > 1 and order.batch_size % (packing * facts.devices):
        raise UserError(
            f"--packing {packing}: does not divide --batch-size {order.batch_size}"
            + (f" on {facts.devices} devices" if facts.devices > 1 else "")
            + f": give a batch size that is a multiple of {packing * facts.devices}"
        )
    _check_shares(order, facts.devices)


def _check_shares(order: Order, devices: int) -> None:
    """Each device must get as many images of a whole batch as the others, and at least one of a partial batch: the losses
    of no images, and their gradients, are NaN.

    Raises:
        UserError: with a batch size near the one given that can be shared.
    """
    count, batch_size = order.images, order.batch_size

    def rest(size):
        return 0 if order.drop_remainder else count % size

    def fits(size):
        return size % devices == 0 and (rest(size) == 0 or rest(size) >= devices)

    if fits(batch_size):
        return
    sizes = [size for size in range(devices, count + 1, devices) if fits(size)]
    if not sizes:
        raise UserError(f"{count} images cannot be shared among {devices} devices: train on fewer")
    if batch_size % devices:
        problem = f"does not divide among {devices} devices"
    else:
        problem = f"leaves a last batch of {rest(batch_size)} for {devices} devices"
    best = min(sizes, key=lambda size: abs(size - batch_size))
    raise UserError(f"--batch-size {batch_size}: {problem}: give a multiple of {devices}, such as {best}")
