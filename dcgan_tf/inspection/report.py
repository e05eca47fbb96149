"""What is in a set of images, as a page of text: rows with a name each."""

from typing import NamedTuple

import numpy as np

from dcgan_tf.common.errors import printable
from dcgan_tf.common.text import first_three, plural, shape_text
from dcgan_tf.config.fitting import sensible_side
from dcgan_tf.config.reading import Reading
from dcgan_tf.config.recipes import described
from dcgan_tf.data.source import ImageSource
from dcgan_tf.inspection import plain
from dcgan_tf.inspection.duplicates import NearGroup
from dcgan_tf.inspection.margins import common_margins
from dcgan_tf.inspection.oddest import oddest
from dcgan_tf.inspection.sizes import histogram_text, sizes_of
from dcgan_tf.training.plan import Plan

NAME_COLUMNS = 12
MIN_MARGIN_IMAGE_SHARE = 0.1  # of the images; rarer margins are none of the set
ODD_IMAGES = 5
MIN_NAMED_CLASSES = 12  # More are counted alone.
MIN_CUT_SHARE = 0.2  # of the median image
MIN_TRIM_SHARE = 0.5  # of the images have a margin
MIN_GREY_SHARE = 0.9
MAX_ADVICE = 3


class Found(NamedTuple):
    """What was found in a set.

    looks  LOOK [N]
    equal  groups of images with equal pixels, see `duplicates.exact_groups`
    near   groups of images of one picture, see `duplicates.near_groups`
    """

    source: ImageSource
    looks: np.ndarray
    equal: list[np.ndarray]
    near: list[NearGroup]


def report(found: Found, reading: Reading, plan: Plan | None, problem: str) -> str:
    """The page of a set.

    reading: the flags so far. plan: how the images would be trained on with them; None where they cannot be: `problem`.
    """
    source, looks, equal, near = found
    rows = [
        ("images", _counted(source)),
        ("sizes", _sizes(looks)),
        ("classes", _classes(source)),
        ("values", source.values),
        ("duplicates", _duplicates(source, equal)),
        ("near copies", _near(source, near)),
        ("plain", _plain(source, looks)),
        ("blurry", _blurry(source, looks)),
        ("colour", _colour(source, looks)),
        ("margins", _margins(looks)),
        ("oddest", _oddest(source, looks)),
        *(("note", note) for note in source.notes if not (note.endswith(" read") or "--drop-duplicates" in note)),
        ("training", _training(plan) if plan else problem),
        *(("to do", text) for text in _to_do(found, reading)[:MAX_ADVICE]),
    ]
    return "\n".join(_row(name, text) for name, text in rows if text)


def _row(name: str, text: str) -> str:
    """Names of files may hold anything, so each line is made printable; only a histogram has several."""
    lines = [printable(line) for line in text.split("\n")] if name == "sizes" else [printable(text)]
    heads = [name, *[""] * (len(lines) - 1)]
    return "\n".join(f"{head:<{NAME_COLUMNS}} {line}".rstrip() for head, line in zip(heads, lines))


def _name(source, index) -> str:
    return f"image {index}" if source.names is None else source.names[index]


def _named(source, indices) -> str:
    return f"{len(indices):,} ({first_three(_name(source, int(i)) for i in indices)})"


def _counted(source):
    return f"{len(source):,} in {source.name}"


def _sizes(looks):
    sizes, shorter = sizes_of(looks), looks["size"].min(axis=1)
    if len(np.unique(looks["size"], axis=0)) == 1:
        return f"all {shape_text(sizes.smallest[0])} (height x width)"
    low, high = shorter.min(), shorter.max()
    shapes = [
        f"{share:.0%} {word}" for share, word in ((sizes.wide_share, "wide"), (sizes.tall_share, "tall")) if share
    ]
    said = ", ".join([f"the median is {sizes.median_ratio:.2f} times as wide as high", *shapes])
    sides = f"shorter side {low}" if low == high else f"shorter side {low} to {high}"
    return f"{sides}; {said}" + ("" if low == high else f"\n{histogram_text(sizes)}")


def _classes(source):
    if source.labels is None:
        return ""
    labels, counts = np.unique(source.labels, return_counts=True)
    if len(labels) > MIN_NAMED_CLASSES:
        return f"{len(labels):,}, of {counts.min():,} to {counts.max():,} images"
    names = source.class_names or list(range(int(labels.max()) + 1))
    return ", ".join(f"{names[label]} {count:,}" for label, count in zip(labels, counts))


def _duplicates(source, equal):
    if not equal:
        return "none"
    extra = sum(len(group) - 1 for group in equal)
    shown = first_three(" = ".join(_name(source, int(i)) for i in group[:3]) for group in equal)
    return f"{plural(extra, 'image')} with the pixels of another one, of {plural(len(equal), 'picture')}: {shown}"


def _near(source, near):
    if not near:
        return "none"
    mirrored = sum(int(group.mirrored.sum()) for group in near)
    extra = sum(len(group.indices) - 1 for group in near)
    shown = first_three(" ~ ".join(_name(source, int(i)) for i in group.indices[:3]) for group in near)
    return f"{plural(extra, 'image')} of a picture that is there otherwise, {mirrored:,} of them mirrored: {shown}"


def _plain(source, looks):
    kinds = (("flat", plain.is_flat), ("nearly black", plain.is_nearly_black), ("nearly white", plain.is_nearly_white))
    found = [(word, np.flatnonzero(told(looks))) for word, told in kinds]
    return "; ".join(f"{word} {_named(source, indices)}" for word, indices in found if len(indices))


def _blurry(source, looks):
    if plain.is_soft_all_over(looks):
        return "most images: they may have been enlarged before"
    indices = np.flatnonzero(plain.is_blurry(looks))
    return _named(source, indices) if len(indices) else ""


def _colour(source, looks):
    grey = int(looks["is_grey"].sum())
    if grey == len(looks):
        return "all grey"
    others = plain.other_coloured(looks)
    if not len(others):
        return "all in colour"
    return f"{grey:,} grey, {len(looks) - grey:,} in colour: the fewer are {_named(source, others)}"


def _margins(looks):
    found = [margin for margin in common_margins(looks) if margin.image_share >= MIN_MARGIN_IMAGE_SHARE]
    return "; ".join(
        f"{m.side} {m.colour}, of {m.image_share:.0%} of the images, {m.width_share:.0%} wide" for m in found
    )


def _oddest(source, looks):
    indices, _ = oddest(looks, ODD_IMAGES)
    return ", ".join(_name(source, int(i)) for i in indices)


def _training(plan: Plan):
    recipe = described(plan.recipe)
    return (
        f"at {shape_text(plan.source.image_shape)}, net {plan.preset.name}, {plural(plan.steps_per_epoch, 'step')} of "
        f"{plan.batch_size} images an epoch, {plural(plan.epochs, 'epoch')}" + (f"; {recipe}" if recipe else "")
    )


def _to_do(found: Found, reading: Reading) -> list[str]:
    """What to give, the most important first."""
    source, looks, equal, near = found
    advice = []
    copies = bool(equal) or any((~group.mirrored[1:]).any() for group in near)
    if copies or plain.is_flat(looks).any():
        advice.append(
            "--out clean.txt writes a list without duplicates and flat images; or train with --drop-duplicates"
        )
    grey = looks["is_grey"].mean()
    if reading.channels is None and MIN_GREY_SHARE <= grey < 1:
        advice.append("--channels 1: nearly all images are grey, and the few others make the whole set colour")
    margins = [margin.image_share for margin in common_margins(looks)]
    if reading.trim == "off" and max(margins) >= MIN_TRIM_SHARE:
        advice.append("--trim on cuts off the flat margins that many images have")
    share = _share_cut_off(source, looks)
    if reading.crop == "center" and share >= MIN_CUT_SHARE:
        height, width = _shape_for(source, looks)
        advice.append(
            f"{share:.0%} of the median image is cut off: --image-size {height} {width}, or --crop random, pad or stretch"
        )
    return advice


def _share_cut_off(source, looks) -> float:
    """Of the median image, by --crop center."""
    height, width = source.image_shape[:2]
    ratios = looks["size"][:, 1] / looks["size"][:, 0] / (width / height)
    return float(np.median(1 - np.minimum(ratios, 1 / ratios)))


def _shape_for(source, looks) -> tuple[int, int]:
    """(H, W) with the shorter side of the source and the shape of the median image."""
    side, ratio = min(source.image_shape[:2]), float(np.median(looks["size"][:, 1] / looks["size"][:, 0]))
    longer = sensible_side(side * max(ratio, 1 / ratio))
    return (side, longer) if ratio >= 1 else (longer, side)
