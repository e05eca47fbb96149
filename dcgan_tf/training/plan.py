"""From flags to a plan: the images opened, the net chosen, every number settled. No TensorFlow, nothing written."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.pixels import spread
from dcgan_tf.common.versions import versions
from dcgan_tf.config.checks import check_train
from dcgan_tf.config.fitting import epochs_for, preset_for
from dcgan_tf.config.order import Order
from dcgan_tf.config.presets import PRESETS, Preset
from dcgan_tf.config.recipes import RECIPES, Recipe, applied, default_recipe, suited, with_switches
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.sources import ImageSource, open_source
from dcgan_tf.metrics import swd, tones
from dcgan_tf.runs.settings import recipe_begun

LOOKED_AT = 64  # images, for how much of them is black or white


@dataclass(frozen=True)
class Plan:
    """A run with nothing left open but the precision, which only the device can tell.

    seed: of latents, dropout and the order of images; another one than the flag's after a rollback.
    first_epoch: epochs done before this run's first step, by the nets it starts from.
    """

    config: TrainConfig
    source: ImageSource
    preset: Preset
    recipe: Recipe
    run_dir: Path
    batch_size: int
    learning_rate: float
    epochs: int
    seed: int
    first_epoch: int = 0

    @property
    def order(self) -> Order:
        return Order(len(self.source), self.batch_size, self.preset.drop_remainder, self.seed)

    @property
    def steps_per_epoch(self) -> int:
        return self.order.steps_per_epoch

    @property
    def first_step(self) -> int:
        return self.first_epoch * self.steps_per_epoch

    @property
    def last_step(self) -> int:
        """The step to stop after."""
        steps = max(self.epochs * self.steps_per_epoch, self.first_step)
        return steps if self.config.max_steps is None else min(steps, self.config.max_steps)

    @property
    def rolls_back(self) -> bool:
        """Whether a collapse sends it back."""
        return self.config.on_collapse == "rollback"


@dataclass(frozen=True)
class Start:
    """What is known of saved nets that a run starts from."""

    image_shape: tuple[int, int, int]
    latent_dim: int | None
    epoch: int


def make_plan(config: TrainConfig, start: Start | None = None, replicas: int = 1, *, on_processor: bool = True) -> Plan:
    """Opens the images and settles every number.

    replicas: how many devices share every batch, over all workers. on_processor: whether they are processors, not GPUs.

    Raises:
        UserError: a value out of range, no such images, fewer images than a batch, a batch that cannot be shared.
    """
    check_train(config)
    size, channels = _wanted_shape(config, start)
    source = open_source(
        config.data, size=size, channels=channels, value_range=config.value_range, cache=not config.dry_run
    )
    run_dir = _run_dir(config, source)
    recipe = _recipe(config, run_dir, source, one_processor=replicas == 1 and on_processor)
    preset = applied(preset_for(source.image_shape, config.preset), recipe)
    if start and start.latent_dim:
        preset = replace(preset, latent_dim=start.latent_dim)
    batch_size = config.batch_size or preset.batch_size
    order = Order(len(source), batch_size, preset.drop_remainder, config.seed)
    if order.steps_per_epoch == 0:
        raise UserError(
            f"--data {printable(config.data)}: {len(source)} images are fewer than one batch of {batch_size}: "
            f"give --batch-size {len(source)} or less"
        )
    if config.evaluate_every and not swd.fits(source):
        raise UserError(
            f"--evaluate-every {config.evaluate_every}: measuring takes at least {2 * swd.LEAST} images of {swd.PATCH}x{swd.PATCH} or "
            f"larger, and these are {len(source):,} of {'x'.join(map(str, source.image_shape[:2]))}: give 0"
        )
    _check_recipe(recipe, batch_size, replicas)
    _check_shares(order, replicas)
    return Plan(
        config=config,
        source=source,
        preset=preset,
        recipe=recipe,
        run_dir=run_dir,
        batch_size=batch_size,
        learning_rate=config.learning_rate or preset.learning_rate,
        epochs=config.epochs or epochs_for(preset, order.steps_per_epoch),
        seed=config.seed,
        first_epoch=start.epoch if start else 0,
    )


def _recipe(config: TrainConfig, run_dir: Path, source: ImageSource, *, one_processor: bool) -> Recipe:
    """As asked; else that of the run that is there, which goes on as it began; else what suits such images."""
    recipe = recipe_begun(run_dir) if config.recipe == "auto" else None
    if recipe is None:
        images = len(source)
        asked = default_recipe(images) if config.recipe == "auto" else config.recipe
        recipe = RECIPES[asked]
        clipped = _black_or_white(source) if recipe.tanh_gain != 1 else 0.0
        recipe = suited(recipe, images, source.image_shape, clipped, one_processor=one_processor)
    return with_switches(recipe, config.switches)


def _black_or_white(source: ImageSource) -> float:
    """The share of such values in some of the images."""
    return tones.clipped(tones.histograms(source, spread(len(source), LOOKED_AT)))


def _check_recipe(recipe: Recipe, batch_size: int, replicas: int) -> None:
    if recipe.packing > 1 and batch_size % (recipe.packing * replicas):
        raise UserError(
            f"--packing {recipe.packing}: does not divide --batch-size {batch_size}"
            + (f" on {replicas} devices" if replicas > 1 else "")
            + f": give a batch size that is a multiple of {recipe.packing * replicas}"
        )


def _check_shares(order: Order, replicas: int) -> None:
    """Each of the replicas must get as many images as the others of a whole batch, and at least one of a partial batch:
    the losses of none, and their gradients, are not numbers.

    Raises:
        UserError: with a batch size near the one given that can be shared.
    """

    count, batch_size = order.images, order.batch_size

    def rest(size):
        return 0 if order.drop_remainder else count % size

    def fits(size):
        return size % replicas == 0 and (rest(size) == 0 or rest(size) >= replicas)

    if fits(batch_size):
        return
    sizes = [size for size in range(replicas, count + 1, replicas) if fits(size)]
    if not sizes:
        raise UserError(f"{count} images cannot be shared among {replicas} devices: train on fewer")
    if batch_size % replicas:
        problem = f"does not divide among {replicas} devices"
    else:
        problem = f"leaves a last batch of {rest(batch_size)} for {replicas} devices"
    best = min(sizes, key=lambda size: abs(size - batch_size))
    raise UserError(f"--batch-size {batch_size}: {problem}: give a multiple of {replicas}, such as {best}")


def _run_dir(config: TrainConfig, source: ImageSource) -> Path:
    # TensorFlow writes to paths in UTF-8 only; a name on disk may be any bytes.
    run_dir = config.run_dir or f"checkpoints/{printable(source.name)}"
    if run_dir != printable(run_dir):
        raise UserError(f"--run-dir {printable(run_dir)}: is not UTF-8: give another name")
    return Path(run_dir)


def _wanted_shape(config: TrainConfig, start: Start | None):
    """((H, W) or None, channels or None): what the flags ask of the images, None where they are taken as they are."""
    if config.preset != "auto":
        height, width, channels = PRESETS[config.preset].image_shape
        return config.image_size or (height, width), channels
    if start:
        height, width, channels = start.image_shape
        return config.image_size or (height, width), channels
    return config.image_size, None


def settings(plan: Plan, precision: str) -> dict:
    """What config.json holds: every flag, settled; the images; the net; the versions of what made them."""
    settled = {name: getattr(plan, name) for name in ("batch_size", "learning_rate", "epochs")} | {
        "run_dir": str(plan.run_dir),
        "precision": precision,
    }
    source = plan.source
    return {
        "config": asdict(plan.config) | settled,
        "data": {
            "name": source.name,
            "images": len(source),
            "image_shape": list(source.image_shape),
            "values": source.values,
            "fingerprint": source.fingerprint,
        },
        "steps_per_epoch": plan.steps_per_epoch,
        "preset": asdict(plan.preset),
        "recipe": asdict(plan.recipe),
        "versions": versions(),
    }
