"""The short text at the start of a run: what is trained, on what, for how long, in how much space."""

import math
import shutil
from pathlib import Path

import numpy as np

from dcgan_tf.common.errors import printable
from dcgan_tf.common.text import first_of, plural, shape_text, size_text, time_text
from dcgan_tf.config.recipes import described
from dcgan_tf.runs.state import KEPT_STATES
from dcgan_tf.training.machine.devices import describe_device, peak_memory
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.schedule import MIN_STEPS_APART, PICTURES
from dcgan_tf.training.sizes import sizes_text

MIN_IMAGES_A_CLASS = 16
MAX_NAMED_CLASSES = 20


def summary(plan: Plan, gan, precision, seconds_per_step: float, step: int, workers: int = 1) -> str:
    """The lines of the summary; `step` is where the run goes on, `precision` what to print of it."""
    source, preset = plan.source, plan.preset
    steps = max(plan.last_step - step, 0)
    disk, free = expected_disk(plan, gan), shutil.disk_usage(_existing(plan.folder.path)).free
    rows = {
        "images": f"{len(source):,} of {shape_text(source.image_shape)} from {printable(source.name)}, {source.values}",
        "size": sizes_text(plan.settings, source.size_is_chosen, plan.other_sizes, seconds_per_step),
        "classes": _classes(plan),
        "preset": "" if plan.config.generator else preset.in_words,
        "nets": f"generator {_origin(plan.config.generator)}{_count(gan.generator):,} parameters, "
        f"discriminator {_origin(plan.config.discriminator)}{_count(gan.discriminator):,}",
        "recipe": described(plan.recipe),
        "device": f"{describe_device()}, {precision}{', XLA' * gan.xla}"
        + (f"; {workers} workers like this one" if workers > 1 else ""),
        "steps": f"{plan.steps_per_epoch:,} an epoch of {plan.batch_size} images each, "
        f"{plural(plan.epochs, 'epoch')}, {plan.last_step:,} in all" + (f", {step:,} done" if step else ""),
        "time": f"about {time_text(steps * seconds_per_step)} "
        f"({seconds_per_step:.3g} s a step, {plan.batch_size / seconds_per_step:,.0f} images/s)",
        "memory": f"{size_text(peak_memory())} at the peak so far",
        "disk": f"about {size_text(disk)} in {printable(plan.folder.path)}"
        + (f"; ONLY {size_text(free)} ARE FREE" if free < disk else ""),
    }
    lines = [f"{name:<8} {text}" for name, text in rows.items() if text]
    notes = [*source.notes, *_notes_of_classes(plan)]
    return "\n".join(lines + [f"note     {printable(note)}" for note in notes])


def _notes_of_classes(plan: Plan) -> list[str]:
    """Names the classes that a conditional net can learn little of."""
    if not plan.preset.classes:
        return []
    classes = plan.source.classes
    few = [f"{name} ({count})" for name, count in zip(classes.names, classes.counts) if count < MIN_IMAGES_A_CLASS]
    if not few:
        return []
    named = first_of(few, MAX_NAMED_CLASSES)
    return [f"classes of fewer than {MIN_IMAGES_A_CLASS} images, of which the net learns little: {named}"]


def _classes(plan: Plan) -> str:
    """How many images each class has, and whether that decides how often they come; "" where there are no classes."""
    counts = [f"{name} {count:,}" for name, count in plan.source.class_counts.items()]
    how_many = f"{len(counts):,}: " if len(counts) > MAX_NAMED_CLASSES else ""
    balanced = "; drawn equally often" if plan.order.balanced else ""
    return how_many + first_of(counts, MAX_NAMED_CLASSES) + balanced


def expected_disk(plan: Plan, gan) -> int:
    """Bytes of a finished run: the models that retention keeps, full states, and pictures at their raw size."""
    config, epochs = plan.config, math.ceil(plan.last_step / plan.steps_per_epoch)
    kept = kept_epochs(plan.first_epoch, epochs, config.save_every or 1, config.keep_last, config.keep_every)
    generator, discriminator = (4 * _all_values(net.variables) for net in (gan.generator, gan.discriminator))
    state = 4 * sum(_all_values(variables) for variables in gan.variables().values())
    if config.sample_every is None:
        drawn = min(PICTURES, (plan.last_step - plan.first_step) // MIN_STEPS_APART + 1)
    else:
        drawn = (epochs - plan.first_epoch) // config.sample_every
    grid = int(np.prod(plan.preset.grid) * np.prod(plan.preset.image_shape))
    # The generator is kept twice, as .h5 and as SavedModel, and each picture twice, as PNG and in the GIF; that of real
    # images is one more. Pixels that are enlarged to squares take next to no space in either.
    # Rolling back keeps the states of the first step and of the best epoch.
    states = KEPT_STATES + (2 if plan.rolls_back else 0)
    return kept * (2 * generator + discriminator) + states * state + 2 * (drawn + 1) * grid


def kept_epochs(first: int, last: int, save_every: int, keep_last: int, keep_every: int) -> int:
    """Of how many epochs after `first` models are there once `last` is done: as `saver.to_delete` leaves them, but counted
    without a list, as there may be billions of epochs."""
    due = range(first - first % save_every + save_every, last + 1, save_every)
    saved = len(due) + (last > first and last % save_every != 0)  # The last epoch is saved whether or not it is due.
    if keep_last == 0:
        return saved
    older = due[: max(0, saved - keep_last)]
    if not (older and keep_every):
        return saved - len(older)
    common = math.lcm(save_every, keep_every)
    return saved - len(older) + older[-1] // common - first // common


def _origin(path: str | None) -> str:
    """Of a net: where the run got it from; "" for a new one."""
    return f"{printable(path)}, " if path else ""


def _count(model) -> int:
    return _all_values(model.trainable_variables)


def _all_values(variables) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
