"""Refuses what a command cannot do, before anything is read or written. No TensorFlow."""

import math
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.commands import (
    MEASURES,
    NEED_FEATURES,
    Epoch,
    EvaluateConfig,
    ExportConfig,
    GenerateConfig,
    InterpolateConfig,
    PrepareConfig,
    TrainFeaturesConfig,
    film_format,
)
from dcgan_tf.config.train import Switches, TrainConfig, flag


def check_train(config: TrainConfig) -> None:
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
    if config.on_collapse == "rollback" and config.evaluate_every == 0:
        raise UserError("--on-collapse rollback: goes back to the best epoch: let --evaluate-every find one")
    _check_switches(config.switches)
    _check_image_flags(config)


def check_export(config: ExportConfig) -> None:
    """Refuses values out of range and flags that do not go together.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    if not config.formats:
        raise UserError("--formats: names none: give one or more of savedmodel, onnx, litert")
    _check_epoch(config.epoch)
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


def check_train_features(config: TrainFeaturesConfig) -> None:
    """Refuses values out of range.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    if Path(config.out).suffix.lower() != ".keras":
        raise UserError(f"--out {printable(config.out)}: must end in .keras")
    if config.epochs is not None and config.epochs < 1:
        raise UserError(f"--epochs {config.epochs}: must be at least 1")
    if not 0 <= config.seed < 2**31:
        raise UserError(f"--seed {config.seed}: must be at least 0 and below 2147483648")
    _check_image_flags(config)


def check_evaluate(config: EvaluateConfig) -> None:
    """Refuses values out of range and flags that do not go together.

    Raises:
        UserError: naming the flag, the value and what would be right.
    """
    if config.metrics == ():
        raise UserError(f"--metrics: names none: give one or more of {', '.join(MEASURES)}")
    without = [name for name in config.metrics or () if name in NEED_FEATURES and config.features is None]
    if without:
        raise UserError(
            f"--metrics {' '.join(without)}: needs --features: inception, or a Keras file such as "
            '"dcgan-tf train-features" makes'
        )
    if config.held_out is not None and config.metrics is not None and "copies" not in config.metrics:
        raise UserError("--held-out: is for copies: add copies to --metrics")
    _check_epoch(config.epoch)
    if config.images is not None and config.images < 1:
        raise UserError(f"--images {config.images}: must be at least 1")
    if not 0 <= config.seed < 2**31:
        raise UserError(f"--seed {config.seed}: must be at least 0 and below 2147483648")
    if config.out == "":
        raise UserError("--out: is empty: give a folder")
    _check_value_range(config)


def _check_switches(switches: Switches) -> None:
    for name, least in (("penalty_every", 1), ("packing", 1)):
        value = getattr(switches, name)
        if value is not None and value < least:
            raise UserError(f"{flag(name)} {value}: must be at least {least}")
    for name in ("r1", "r2", "gradient_penalty", "instance_noise"):
        value = getattr(switches, name)
        if value is not None and not 0 <= value < math.inf:
            raise UserError(f"{flag(name)} {value:g}: must be 0 or more")
    if switches.tanh_gain is not None and not 1 <= switches.tanh_gain <= 2:
        raise UserError(f"--tanh-gain {switches.tanh_gain:g}: must be at least 1 and at most 2, such as 1.05")
    if switches.ema is not None and not 0 <= switches.ema < 1:
        raise UserError(f"--ema {switches.ema:g}: must be at least 0 and below 1, such as 0.995")
    if switches.d_learning_rate is not None and not 0 < switches.d_learning_rate < 1:
        raise UserError(f"--d-learning-rate {switches.d_learning_rate}: must be above 0 and below 1, such as 0.0002")


def _check_image_flags(config: TrainConfig | PrepareConfig | TrainFeaturesConfig) -> None:
    if config.image_size is not None and min(config.image_size) < 1:
        height, width = config.image_size
        raise UserError(f"--image-size {height} {width}: must be a height and a width of at least 1 pixel")
    _check_value_range(config)


def _check_value_range(config: TrainConfig | PrepareConfig | TrainFeaturesConfig | EvaluateConfig) -> None:
    low, high = config.value_range or (0, 1)
    if not (low < high and math.isfinite(high - low)):
        raise UserError(f"--value-range {low:g} {high:g}: the first number must be below the second, both finite")


def _check_generator_flags(config: GenerateConfig | InterpolateConfig) -> None:
    if not 0 < config.truncation <= 1:
        raise UserError(f"--truncation {config.truncation:g}: must be above 0 and at most 1, such as 0.7")
    _check_epoch(config.epoch)


def _check_epoch(epoch: Epoch) -> None:
    if isinstance(epoch, int) and epoch < 1:
        raise UserError(f"--epoch {epoch}: must be at least 1")
