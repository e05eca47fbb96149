"""Refuses what a command cannot do, before anything is read or written: values out of range, flags that do not go together."""

import functools
import math
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.commands import (
    IMAGENET,
    MEASURES,
    NEED_FEATURES,
    NO_FEATURES,
    AnimateConfig,
    EvaluateConfig,
    ExportConfig,
    GenerateConfig,
    InterpolateConfig,
    TrainFeaturesConfig,
    film_format,
)
from dcgan_tf.config.declared import flags_of
from dcgan_tf.config.flags import ALL_CLASSES, flag
from dcgan_tf.config.net_file import NetFile
from dcgan_tf.config.ranges import Range
from dcgan_tf.config.reading import REFLECT, Reading
from dcgan_tf.config.train import TrainConfig

MAX_IMAGE_SIDE = 4096  # pixels; a batch of larger images, and nets for them, fit into no memory.


def check(config) -> None:
    """Refuses the flags of any command that cannot be done as asked.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    _check_texts(config)
    _check_ranges(config)
    _check_by_field(config)
    _TOGETHER.get(type(config), lambda config: None)(config)


def _check_by_field(config) -> None:
    for name, refuse in _BY_FIELD.items():
        if getattr(config, name, None) is not None:
            refuse(getattr(config, name))


def _check_texts(config) -> None:
    """An empty text is most often a variable of the shell that was never set; it names no file, no folder and no images."""
    for declared in flags_of(type(config)):
        value = functools.reduce(getattr, declared.path, config)
        if not isinstance(value, str) or (value and "\0" not in value):
            continue
        if value:
            raise UserError(
                f"{declared.called} {printable(value)}: holds a NUL character, which no name can: give another"
            )
        raise UserError(
            f"{declared.called}: is empty: give a name" + (", or leave it out" if declared.default is None else "")
        )


def _check_ranges(config) -> None:
    """By the ranges that stand beside the fields, also of a group of flags within."""
    hints = get_type_hints(type(config), include_extras=True)
    for declared in fields(config):
        value = getattr(config, declared.name)
        if is_dataclass(value):
            _check_ranges(value)
        for allowed in getattr(hints[declared.name], "__metadata__", ()):
            if isinstance(allowed, Range) and value is not None and not allowed.holds(value):
                raise UserError(f"{flag(declared.name)} {value:{allowed.form}}: must be {allowed.words}")


# ---- flags whose range is more than a number's, by the name of the field


def _check_reading(reading: Reading) -> None:
    _check_by_field(reading)
    if reading.border_colour is not None and reading.crop != "pad":
        raise UserError(f"--border-colour {printable(reading.border_colour)}: is for --crop pad: give both")


def _check_image_size(image_size: tuple[int, int]) -> None:
    if not (1 <= min(image_size) and max(image_size) <= MAX_IMAGE_SIDE):
        height, width = image_size
        raise UserError(
            f"--image-size {height} {width}: must be a height and a width from 1 to {MAX_IMAGE_SIDE} pixels"
        )


def _check_border_colour(colour: str) -> None:
    if colour == REFLECT:
        return
    from PIL import ImageColor

    try:
        ImageColor.getrgb(colour)
    except ValueError:
        raise UserError(
            f"--border-colour {printable(colour)}: is no colour: give a name such as white, #rrggbb, or {REFLECT}"
        ) from None


def _check_value_range(value_range: tuple[float, float], name: str = "--value-range") -> None:
    low, high = value_range
    if not (low < high and math.isfinite(high - low)):
        raise UserError(f"{name} {low:g} {high:g}: the first number must be below the second, both finite")


def _check_labels(labels: tuple[str, ...]) -> None:
    """What a class is called, and how many there are, is known when the net is opened."""
    for label in labels:
        if not label.strip() or "\0" in label:
            shown = printable(label) if label.strip() else '""'
            raise UserError(f"--labels {shown}: is no class: give names or numbers of classes, such as 3, or all")


def _check_file(file: NetFile) -> None:
    if file.preset is not None and file.net is not None:
        raise UserError(f"--preset {file.preset} --net {printable(file.net)}: give one of them, as both name the net")


def _check_epoch(epoch: int | str) -> None:
    if isinstance(epoch, int) and epoch < 1:
        raise UserError(f"--epoch {epoch}: must be at least 1")


_BY_FIELD = {
    "image_size": _check_image_size,
    "value_range": _check_value_range,
    "generator_range": functools.partial(_check_value_range, name="--generator-range"),
    "labels": _check_labels,
    "file": _check_file,
    "epoch": _check_epoch,
    "border_colour": _check_border_colour,
    "reading": _check_reading,
}


# ---- flags that must go together, by command


def _check_train(config: TrainConfig) -> None:
    if config.on_collapse == "rollback" and config.evaluate_every == 0:
        raise UserError("--on-collapse rollback: goes back to the best epoch: let --evaluate-every find one")


def _check_export(config: ExportConfig) -> None:
    if not config.formats:
        raise UserError("--formats: names none: give one or more of savedmodel, onnx, litert")
    if not config.inputs:
        raise UserError("--inputs: names none: give latents, seeds or both")
    if "seeds" in config.inputs and "onnx" not in config.formats:
        raise UserError(
            "--inputs seeds: is for ONNX: add onnx to --formats, or leave it out (a SavedModel takes seeds, too)"
        )
    if "latents" not in config.inputs and "litert" in config.formats:
        raise UserError(
            f"--inputs {' '.join(config.inputs)}: LiteRT cannot take seeds, as it has no float64 to draw with: "
            "give --inputs latents seeds"
        )
    if config.quantize and "litert" not in config.formats:
        raise UserError(f"--quantize {' '.join(config.quantize)}: is for LiteRT: add litert to --formats")


def _check_picture_size(config: AnimateConfig | GenerateConfig | InterpolateConfig) -> None:
    if config.size is not None and config.scale is not None:
        raise UserError(
            f"--size {config.size} --scale {config.scale}: give one of them: --size enlarges smoothly, --scale sharply"
        )


def _check_generate(config: GenerateConfig) -> None:
    _check_picture_size(config)
    if config.seed + config.count > 2**31:
        raise UserError(f"--seed {config.seed} --count {config.count}: the last seed must be below 2147483648")


def _check_interpolate(config: InterpolateConfig) -> None:
    _check_picture_size(config)
    seeds = " ".join(["--seeds", *map(str, config.seeds)])
    if not all(0 <= seed < 2**31 for seed in config.seeds):
        raise UserError(f"{seeds}: each must be at least 0 and below 2147483648")
    if not config.seeds or (len(config.seeds) == 1 and len(config.labels) < 2 and config.labels != (ALL_CLASSES,)):
        raise UserError(
            f"{seeds}: must be at least 2 seeds, such as --seeds 1 2, or one and 2 classes or more, such as --seeds 1 "
            "--labels cat dog"
        )
    # Of "all", how many there are is known when the net is opened.
    stops = {"seeds": len(config.seeds), "classes in --labels": len(config.labels)}
    most = max(stops, key=stops.get)
    if config.frames < stops[most]:
        raise UserError(f"--frames {config.frames}: must be at least the number of {most}, {stops[most]}")
    if film_format(config.out) not in ("gif", "mp4"):
        raise UserError(f"--out {printable(config.out)}: must end in .gif or .mp4")


def _check_train_features(config: TrainFeaturesConfig) -> None:
    if Path(config.out).suffix.lower() != ".keras":
        raise UserError(f"--out {printable(config.out)}: must end in .keras")


def _check_evaluate(config: EvaluateConfig) -> None:
    if config.metrics == ():
        raise UserError(f"--metrics: names none: give one or more of {', '.join(MEASURES)}")
    without = [name for name in config.metrics or () if name in NEED_FEATURES]
    if without and config.features == NO_FEATURES:
        raise UserError(
            f"--metrics {' '.join(without)} --features {NO_FEATURES}: give features, or leave these metrics out"
        )
    uses_held_out = config.metrics is None or {"copies", "class-accuracy"} & set(config.metrics)
    if config.held_out is not None and not uses_held_out:
        raise UserError("--held-out: is for copies and class-accuracy: add one of them to --metrics")
    if config.seed + config.seeds > 2**31:
        raise UserError(f"--seed {config.seed} --seeds {config.seeds}: the last seed must be below 2147483648")
    if config.set_best and config.epoch == "all" and not _tells_best(config):
        raise UserError(
            "--set-best: the best of all is told by swd, or by kid in the features of imagenet: add one to --metrics, or "
            "give one --epoch"
        )


def _tells_best(config: EvaluateConfig) -> bool:
    tell = ("swd", "kid") if config.features in (None, IMAGENET) else ("swd",)
    return config.metrics is None or any(name in config.metrics for name in tell)


_TOGETHER = {
    TrainConfig: _check_train,
    AnimateConfig: _check_picture_size,
    ExportConfig: _check_export,
    GenerateConfig: _check_generate,
    InterpolateConfig: _check_interpolate,
    TrainFeaturesConfig: _check_train_features,
    EvaluateConfig: _check_evaluate,
}
