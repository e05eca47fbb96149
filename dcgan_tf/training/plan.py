"""From flags to a plan: the images opened, every value settled. No TensorFlow, and nothing is written."""

import functools
import os
from dataclasses import dataclass, replace
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.pixels import spread
from dcgan_tf.common.text import shape_text
from dcgan_tf.config.fitting import MAX_CHOSEN_SIDE, MAX_CHOSEN_SIDE_ON_GPU, MAX_OWN_SIDE
from dcgan_tf.config.order import Order
from dcgan_tf.config.presets import Preset
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.settings import Images, Settings
from dcgan_tf.config.settle import Facts, Start, settle, wanted_shape
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.places import find_place
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.metrics import swd, tones
from dcgan_tf.runs.folder import RunFolder, check_is_no_run
from dcgan_tf.runs.settings import read_settings
from dcgan_tf.training.sizes import other_sizes

TONE_IMAGES = 64  # How many images are looked at for how much of them is black or white.


@dataclass(frozen=True)
class Plan:
    """A run with nothing left open but the precision, which only the device can tell.

    seed: of latents, dropout and the order of images. It and the learning rate are other ones than the flags' after a
    rollback.
    first_epoch: epochs done before this run's first step, by the nets it starts from.
    other_sizes: what the run would be with images of another size, where the person is asked to choose.
    """

    settings: Settings
    source: ImageSource
    folder: RunFolder
    seed: int
    learning_rate: float
    first_epoch: int = 0
    other_sizes: tuple[Settings, ...] = ()

    @property
    def config(self) -> TrainConfig:
        return self.settings.config

    @property
    def preset(self) -> Preset:
        return self.settings.preset

    @property
    def recipe(self) -> Recipe:
        return self.settings.recipe

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    @property
    def epochs(self) -> int:
        return self.config.epochs

    def with_precision(self, precision: str) -> "Plan":
        """The same with what the device told."""
        config = replace(self.config, precision=precision)
        return replace(self, settings=replace(self.settings, config=config))

    @property
    def order(self) -> Order:
        balanced = self.config.balance == "on"
        return Order(len(self.source), self.batch_size, self.preset.drop_remainder, self.seed, balanced)

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

    @property
    def kept_state(self) -> int | None:
        """The step whose state stays, however old it is: a collapse may send the run back to its first."""
        return self.first_step if self.rolls_back else None


def make_plan(flags: TrainConfig, start: Start | None = None, replicas: int = 1, *, on_processor: bool = True) -> Plan:
    """The plan of a command, with the run that is there taken into account.

    flags: in range, see `config.checks`. start: of the saved nets that the flags name. replicas: how many devices share
    every batch, over all workers. on_processor: whether they are processors, not GPUs.

    Raises:
        UserError: no such images, fewer images than a batch, a batch that cannot be shared; or config.json is damaged.
    """
    flags, source, folder = open_run(flags, start, on_processor=on_processor)
    return plan_run(flags, source, folder, read_settings(folder), start, replicas, on_processor=on_processor)


def open_run(
    flags: TrainConfig, start: Start | None = None, *, on_processor: bool = True
) -> tuple[TrainConfig, ImageSource, RunFolder]:
    """(flags, the images, where the run's folder is); it need not be there.

    The flags have the size of the images where it is not their own: what is asked for, else that of the run that is there,
    else a chosen one.

    Raises:
        UserError: no such images, or a name that cannot be the folder's; or config.json is damaged.
    """
    check_is_no_run(flags.data)
    folder = run_folder(flags)
    begun = read_settings(folder) if folder.saved_steps() else None
    if begun and flags.image_size is None and flags.preset == begun.config.preset:
        flags = replace(flags, image_size=begun.config.image_size)
    # Earlier versions trained on large images without being asked.
    keeps_own = begun is not None and flags.image_size is None and min(begun.data.image_shape[:2]) > MAX_OWN_SIDE
    size, channels = wanted_shape(flags, start)
    source = open_source(
        flags.data,
        size=size,
        channels=channels,
        value_range=flags.value_range,
        reading=flags.reading,
        cache=not flags.dry_run,
        max_chosen_side=None if keeps_own else MAX_CHOSEN_SIDE if on_processor else MAX_CHOSEN_SIDE_ON_GPU,
    )
    if source.size_is_chosen:
        flags = replace(flags, image_size=tuple(source.image_shape[:2]))
    return flags, source, folder


def run_folder(flags: TrainConfig) -> RunFolder:
    """Where the run's folder is; it need not be there.

    Raises:
        UserError: no such images, or a name that cannot be the folder's.
    """
    # TensorFlow writes to paths in UTF-8 only; a name on disk may be any bytes.
    run_dir = flags.run_dir or f"checkpoints/{printable(find_place(flags.data).name)}"
    if run_dir != printable(run_dir):
        raise UserError(f"--run-dir {printable(run_dir)}: is not UTF-8: give another name")
    folder = RunFolder(Path(run_dir))
    try:
        os.lstat(folder.picture_within(0))  # The longest of the names in it.
    except (FileNotFoundError, NotADirectoryError):
        pass  # What is in the way is said where the folder is made.
    except OSError as error:
        mend = "mend its rights, or give another" if isinstance(error, PermissionError) else "give another"
        raise UserError(f"--run-dir {printable(run_dir)}: cannot be used ({error.strerror}): {mend}") from error
    return folder


def plan_run(
    flags: TrainConfig,
    source: ImageSource,
    folder: RunFolder,
    begun: Settings | None,
    start: Start | None = None,
    replicas: int = 1,
    *,
    on_processor: bool = True,
) -> Plan:
    """Settles every value. begun: the settings of the run in that folder; None where there is none."""
    names = source.classes.names if source.classes else ()
    facts = Facts(
        data=Images(source.name, len(source), tuple(source.image_shape), source.values, source.fingerprint, names),
        black_or_white=functools.cache(
            lambda: tones.clipped(tones.histograms(source, spread(len(source), TONE_IMAGES)))
        ),
        run_dir=str(folder.path),
        start=start,
        devices=replicas,
        on_processor=on_processor,
        no_classes=source.no_classes,
    )
    settings = settle(flags, facts, begun)
    if flags.evaluate_every and not swd.fits(source):
        raise UserError(
            f"--evaluate-every {flags.evaluate_every}: measuring takes at least {2 * swd.MIN_IMAGES} images of "
            f"{swd.PATCH_SIDE}x{swd.PATCH_SIDE} or larger, and these are {len(source):,} of {shape_text(source.image_shape[:2])}: "
            "give 0"
        )
    return Plan(
        settings,
        source,
        folder,
        flags.seed,
        settings.config.learning_rate,
        first_epoch=start.epoch if start else 0,
        other_sizes=other_sizes(flags, source, facts),
    )
