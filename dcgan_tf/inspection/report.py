"""What was found in a set of images, as a page of text."""

import collections
import textwrap

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.pixels import spread
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.text import first_three, plural, shape_text, size_text
from dcgan_tf.config.commands import InspectConfig
from dcgan_tf.config.recipes import described
from dcgan_tf.config.settings import Images, Settings
from dcgan_tf.config.settle import MAX_BEST_IMAGES, Facts, default_recipe, settle
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.inspection.findings import Findings
from dcgan_tf.inspection.sizes import histogram_text
from dcgan_tf.metrics import distances, msssim, swd, tones

LABEL_COLUMNS, COLUMNS = 11, 100
TONE_IMAGES = 256
MIN_SHARED_MARGIN = 0.2  # of the images
MIN_MARGIN_TO_TRIM = 0.5  # of the images
MIN_CUT_TO_TELL = 0.25  # of the area, in the median: then --crop pad is proposed.
MAX_CLASSES_TOLD = 12


def report(found: Findings, config: InspectConfig) -> str:
    """Up to about forty lines of at most 100 columns; commands alone may be longer."""
    return "\n".join(
        [*_set_rows(found), *_trouble_rows(found), *_training_rows(found, config), *verdict(found, config)]
    )


def row(label: str, text: str) -> str:
    """A label and what it says, wrapped below itself."""
    indent = " " * LABEL_COLUMNS
    return textwrap.fill(text, COLUMNS, initial_indent=f"{label:<{LABEL_COLUMNS}}", subsequent_indent=indent)


def command_row(label: str, command: str) -> str:
    """A label and a command, on one line however long: it is there to be copied."""
    return f"{label:<{LABEL_COLUMNS}}{command}"


def name_of(found: Findings, index: int) -> str:
    """What an image is called: its path in the folder, or its number from 0."""
    names = found.source.names
    return printable(names[index]) if names is not None else f"image {index}"


def _named(found, indices) -> str:
    return first_three(name_of(found, index) for index in indices[:4])


def _share(count, total) -> str:
    return f"{count:,} ({count / total:.1%})"


def _set_rows(found):
    source, sizes = found.source, found.sizes
    yield row("images", f"{len(source):,}, read as {shape_text(source.image_shape)}, values {source.values}")
    shorter, longer = found.looks["size"].min(axis=1), found.looks["size"].max(axis=1)
    yield row(
        "sizes",
        f"shorter side {shorter.min():,} to {shorter.max():,} pixels, longer {longer.min():,} to {longer.max():,}; by the shorter:",
    )
    yield textwrap.indent(histogram_text(sizes), " " * LABEL_COLUMNS)
    yield row(
        "shapes",
        f"width to height {sizes.median_ratio:.2f} in the median; {sizes.wide_share:.0%} wide, {sizes.tall_share:.0%} tall",
    )
    if found.files is not None:
        yield from _file_rows(found)
    if source.class_names is not None:
        yield row("classes", _classes(source))
    for note in source.notes:
        if "--drop-duplicates" not in note:  # Duplicates have a row of their own.
            yield row("note", note)


def _classes(source) -> str:
    counts = np.bincount(np.asarray(source.labels), minlength=len(source.class_names)).tolist()
    told = [f"{name} {count:,}" for name, count in zip(source.class_names, counts)][:MAX_CLASSES_TOLD]
    more = len(counts) - len(told)
    return ", ".join(told) + (f", and {more:,} more" if more else "")


def _file_rows(found):
    files = [file for file in found.files if file is not None]
    kinds = collections.Counter(f"{file.format} {file.mode} {file.bits} bits" for file in files).most_common()
    told = ", ".join(f"{kind} {count:,}" for kind, count in kinds[:6])
    yield row("files", told + (f", and {len(kinds) - 6} more kinds" if len(kinds) > 6 else ""))
    yield row("bytes", size_text(sum(file.bytes for file in files)))
    if transparent := sum(file.is_transparent for file in files):
        yield row("alpha", f"{plural(transparent, 'file')} with transparency, put on white")
    if turned := sum(file.is_turned for file in files):
        yield row("turned", f"{plural(turned, 'file')} with a turn in EXIF, which is applied")


def _trouble_rows(found):
    total = len(found.looks)
    yield row("equal", _copies(found.exact_copies, len(found.exact), total, "equal to an earlier one, pixel by pixel"))
    groups = sum(bool((~group.mirrored[1:]).any()) for group in found.near)
    yield row("near", _copies(found.near_copies, groups, total, "the same picture as an earlier one"))
    if found.mirrored_copies:
        yield row("mirrored", f"{found.mirrored_copies:,} show an earlier picture mirrored")
    for label, indices in (("flat", found.flat), ("black", found.black), ("white", found.white)):
        if len(indices):
            yield row(label, f"{_share(len(indices), total)}: {_named(found, indices)}")
    if found.is_soft:
        yield row("blurry", "half of the images or more are soft: most likely they were enlarged")
    if len(found.blurry):
        yield row("blurry", f"{_share(len(found.blurry), total)}: {_named(found, found.blurry)}")
    if len(found.other):
        kind = "grey among colour" if found.looks["is_grey"][found.other[0]] else "colour among grey"
        yield row("mixed", f"{_share(len(found.other), total)} {kind}: {_named(found, found.other)}")
    shared = [margin for margin in found.margins if margin.image_share >= MIN_SHARED_MARGIN]
    if shared:
        sides = (f"{m.side} {m.colour} {m.width_share:.0%} wide in {m.image_share:.0%}" for m in shared)
        yield row("margins", "flat in many images: " + ", ".join(sides))
    yield row("oddest", _named(found, found.odd))


def _copies(copies, groups, total, what) -> str:
    return f"{_share(copies, total)} {what}, in {plural(groups, 'group')}" if copies else "none"


def _training_rows(found, config):
    source = found.source
    if config.reading.crop in ("center", "random"):
        cut = found.cut_share()
        yield row(
            "crop",
            f"{config.reading.crop} cuts off {np.median(cut):.0%} of the area in the median, {cut.max():.0%} at most",
        )
    else:
        yield row("crop", f"{config.reading.crop}: nothing is cut off")
    try:
        settings = _settings(found, config)
    except UserError as error:
        yield row("training", printable(error))
    else:
        chosen = settings.config
        yield row("preset", f"{settings.preset.name} for {shape_text(source.image_shape)}")
        few = "up to" if len(source) <= MAX_BEST_IMAGES else "more than"
        why = f"{default_recipe(len(source))}, as there are {few} {MAX_BEST_IMAGES:,} images"
        yield row("recipe", "; ".join(filter(None, (why, described(settings.recipe)))))
        yield row(
            "steps",
            f"{settings.steps_per_epoch:,} an epoch, in batches of {chosen.batch_size}, for {chosen.epochs:,} epochs",
        )
    if few := _too_few(source):
        yield row("too few", f"images, or too small, to measure {', '.join(few)}")
    yield command_row("time, disk", f"{program()} train {printable(quoted(config.data))} --dry-run says them")


def _settings(found, config) -> Settings:
    source = found.source
    images = Images(source.name, len(source), tuple(source.image_shape), source.values, "")
    flags = TrainConfig(
        config.data, image_size=config.image_size, value_range=config.value_range, reading=config.reading
    )
    sample = spread(len(source), TONE_IMAGES)
    return settle(flags, Facts(images, lambda: tones.clipped(tones.histograms(source, sample)), ""))


def _too_few(source) -> list[str]:
    """The measures that so many images are too few for; half of those are compared with the other half where needed."""
    few = [] if swd.fits(source) else ["swd"]
    few += [] if len(source) >= msssim.MIN_IMAGES else ["msssim"]
    return few + [name for name, least in distances.MIN_IMAGES.items() if len(source) < least]


def verdict(found: Findings, config: InspectConfig) -> list[str]:
    """At most three lines: what to do, as commands."""
    flags = _flags(found, config)
    data = printable(quoted(config.data))
    left_out = len(found.looks) - len(found.clean)
    lines = []
    if config.out is not None and found.source.home is not None:
        data = printable(quoted(f"@{config.out}"))
    elif left_out > found.exact_copies and found.source.home is not None:
        lines.append(
            command_row(
                "first", f"{program()} inspect {data}{_given(config)} --out clean.txt (leaves out {left_out:,}), then"
            )
        )
        data = "@clean.txt"
    elif found.exact_copies:
        flags += " --drop-duplicates"
    lines.append(command_row("next", f"{program()} train --data {data}{flags}"))
    if others := list(_others(found, config)):
        lines.append(row("or", "with " + "; with ".join(others)))
    return lines


def _others(found, config):
    """Flags that may be wanted, and why."""
    reading = config.reading
    if reading.crop == "center" and np.median(found.cut_share()) >= MIN_CUT_TO_TELL:
        yield "--crop pad, so that nothing is cut off"
    if reading.trim == "off" and max(margin.image_share for margin in found.margins) >= MIN_MARGIN_TO_TRIM:
        yield "--trim on, which cuts off the flat margins that many images have"
    are_tinted = len(found.other) and not found.looks["is_grey"][found.other[0]]
    if reading.channels is None and found.source.image_shape[-1] == 3 and are_tinted:
        yield f"--channels 1, as little of the set has colour ({plural(len(found.other), 'image')})"


def _given(config) -> str:
    """The flags about the images that were given, as they have to be repeated."""
    words, reading = "", config.reading
    if config.value_range is not None:
        words += " --value-range " + " ".join(f"{value:g}" for value in config.value_range)
    if reading.crop != "center":
        words += f" --crop {reading.crop}"
    words += " --trim on" if reading.trim == "on" else ""
    for name in ("border_colour", "channels"):
        if getattr(reading, name) is not None:
            words += f" --{name.replace('_', '-')} {printable(quoted(str(getattr(reading, name))))}"
    if reading.classes:
        words += " --classes " + " ".join(printable(quoted(name)) for name in reading.classes)
    words += " --drop-duplicates" if reading.drop_duplicates else ""
    return words + (" --frames all" if reading.frames == "all" else "")


def _flags(found, config) -> str:
    height, width = found.source.image_shape[:2]
    is_told = found.source.size_is_chosen or config.image_size is not None
    side = f"{height}" if height == width else f"{height} {width}"
    return (f" --image-size {side}" if is_told else "") + _given(config)
