"""What was found in a set of images, as a page of text."""

import collections
import textwrap

import numpy as np

from dcgan_tf.common.errors import printable
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.text import first_three, plural, shape_text, size_text, time_text
from dcgan_tf.config.commands import InspectConfig
from dcgan_tf.config.recipes import described
from dcgan_tf.config.settle import MAX_BEST_IMAGES, default_recipe
from dcgan_tf.data.ranges import range_flag
from dcgan_tf.data.sizes import size_flag
from dcgan_tf.inspection.findings import Findings
from dcgan_tf.inspection.outlook import Outlook
from dcgan_tf.inspection.sizes import histogram_text
from dcgan_tf.metrics import distances, msssim, swd

LABEL_COLUMNS, COLUMNS = 11, 100
MIN_SHARED_MARGIN = 0.2  # of the images
MIN_MARGIN_TO_TRIM = 0.5  # of the images
MIN_CUT_TO_TELL = 0.25  # of the area, in the median: then --crop pad is proposed.
MAX_CLASSES_TOLD = 12
MIN_IMAGES_OF_A_CLASS = 200  # A training on fewer is not proposed.


def report(found: Findings, config: InspectConfig, outlook: Outlook) -> str:
    """Up to about forty lines of at most 100 columns; commands alone may be longer."""
    training = _training_rows(found, config, outlook)
    return "\n".join([*_set_rows(found), *_trouble_rows(found), *training, *verdict(found, config)])


def row(label: str, text: str) -> str:
    """A label and what it says, wrapped below itself."""
    indent = " " * LABEL_COLUMNS
    start = f"{label:<{LABEL_COLUMNS}}"
    return textwrap.fill(text, COLUMNS, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False)


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
    if source.labels is not None:
        yield row("classes", _classes(source.class_counts))
    for note in source.notes:
        if "--drop-duplicates" not in note:  # Duplicates have a row of their own.
            yield row("note", note)


def _classes(counts: dict[str, int]) -> str:
    told = [f"{name} {count:,}" for name, count in counts.items()][:MAX_CLASSES_TOLD]
    more = len(counts) - len(told)
    return ", ".join(told) + (f", and {more:,} more" if more else "")


def _file_rows(found):
    files = found.files
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
        yield row("mixed", f"{_share(len(found.other), total)} {kind}, as stored: {_named(found, found.other)}")
    shared = [margin for margin in found.margins if margin.image_share >= MIN_SHARED_MARGIN]
    if shared:
        sides = (f"{m.side} {m.colour} {m.width_share:.0%} wide in {m.image_share:.0%}" for m in shared)
        yield row("margins", "flat in many images: " + ", ".join(sides))
    yield row("oddest", _named(found, found.odd))


def _copies(copies, groups, total, what) -> str:
    return f"{_share(copies, total)} {what}, in {plural(groups, 'group')}" if copies else "none"


def _training_rows(found, config, outlook):
    source = found.source
    if config.reading.crop in ("center", "random"):
        cut = found.cut_share()
        yield row(
            "crop",
            f"{config.reading.crop} cuts off {np.median(cut):.0%} of the area in the median, {cut.max():.0%} at most",
        )
    else:
        yield row("crop", f"{config.reading.crop}: nothing is cut off")
    if outlook.plan is not None:
        yield from _plan_rows(outlook.plan)
    if outlook.costs is not None:
        seconds_per_step, seconds, disk_bytes = outlook.costs
        yield row("time", f"about {time_text(seconds)} on this machine ({seconds_per_step:.3g} s a step)")
        yield row("disk", f"about {size_text(disk_bytes)}")
    if outlook.why_not:
        yield row("training", outlook.why_not)
    if few := _too_few(source):
        yield row("too few", f"images, or too small, to measure {', '.join(few)}")


def _plan_rows(plan):
    preset, images = plan.preset, len(plan.source)
    is_own = preset.family == preset.name
    why = "made for images of this shape" if is_own else "as no preset was made for images of this shape"
    yield row("preset", f"{preset.in_words}; {why}")
    if images <= MAX_BEST_IMAGES:
        why = f"as for all sets of up to {MAX_BEST_IMAGES:,} images: on such it came nearest to real ones"
    else:
        why = f"as there are more than {MAX_BEST_IMAGES:,} images, on which best was not measured"
    yield row("recipe", "; ".join(filter(None, (f"{default_recipe(images)}, {why}", described(plan.recipe)))))
    yield row(
        "steps", f"{plan.steps_per_epoch:,} an epoch, in batches of {plan.batch_size}, for {plan.epochs:,} epochs"
    )


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
    reading, source = config.reading, found.source
    if source.hardly_used is not None:
        yield f"{range_flag(*source.hardly_used[:2])}, as the values use little of their range"
    if source.shape_of_most is not None:
        yield f"{size_flag(source.shape_of_most)}, the shape of most images"
    if reading.crop == "center" and np.median(found.cut_share()) >= MIN_CUT_TO_TELL:
        yield "--crop pad, so that nothing is cut off"
    if reading.trim == "off" and max(margin.image_share for margin in found.margins) >= MIN_MARGIN_TO_TRIM:
        yield "--trim on, which cuts off the flat margins that many images have"
    are_tinted = len(found.other) and not found.looks["is_grey"][found.other[0]]
    if reading.channels is None and source.image_shape[-1] == 3 and are_tinted:
        yield f"--channels 1, as little of the set has colour ({plural(len(found.other), 'image')})"
    if not reading.classes and source.labels is not None:
        name, count = max(source.class_counts.items(), key=lambda item: item[1])
        if MIN_IMAGES_OF_A_CLASS <= count < len(source):
            yield f"--classes {printable(quoted(name))}, to train on that class alone ({count:,} images)"


def _given(config) -> str:
    """The flags about the images that were given, as they have to be repeated."""
    words, reading = "", config.reading
    if config.value_range is not None:
        words += f" {range_flag(*config.value_range)}"
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
    is_told = found.source.size_is_chosen or config.image_size is not None
    size = size_flag(found.source.image_shape[:2])
    return (f" {size}" if is_told else "") + _given(config)
