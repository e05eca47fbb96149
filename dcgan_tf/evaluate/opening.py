"""What `dcgan-tf evaluate` compares: the generators that it is given, and real images of their shape."""

from pathlib import Path
from typing import Literal

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.commands import EvaluateConfig
from dcgan_tf.config.flags import Epoch
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate.against import RealImages
from dcgan_tf.evaluate.classifier import class_names
from dcgan_tf.generators.find import Found, find
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.metrics.features import FeatureSpace, open_features, open_outputs
from dcgan_tf.runs.folder import RunFolder, check_is_no_run


def find_generators(source: str, epoch: Epoch | Literal["all"]) -> list[Found]:
    """The generators that `source` names, in the order of their epochs.

    epoch: as for `generators.find.find`, or "all" that a run has kept.

    Raises:
        UserError: there is no generator, or none of that epoch.
    """
    if epoch != "all":
        return [find(source, epoch)]
    if not is_run(source, find(source)):
        raise UserError(f"--epoch all: {printable(source)} is not a run's folder with saved models: leave --epoch out")
    return [find(source, number) for number in RunFolder(Path(source)).saved_epochs()]


def label(found: Found) -> str:
    """The name of a generator in the table and in evaluation.json: its epoch where it has one."""
    return found.name if found.epoch is None else str(found.epoch)


def is_run(source: str, found: Found) -> bool:
    return found.kind == "keras" and Path(source).is_dir()


def default_out(source: str, found: Found) -> Path:
    return RunFolder(Path(source)).evaluation if is_run(source, found) else Path("evaluation") / found.name


def open_real_images(config: EvaluateConfig, generator: Found) -> RealImages:
    """The real images at the generator's size and channels, and the nets that measures compare them with."""
    settings = generator.settings  # None where the run is not known.
    image_shape = open_generator(str(generator.path), latents=config.latents).image_shape
    if config.data is None and settings is None:
        raise UserError(f"--data: must be given: {printable(config.source)} does not say what it was trained on")
    wanted = {"size": image_shape[:2], "channels": image_shape[2], "value_range": config.value_range}
    if config.data is None and config.value_range is None:
        wanted["value_range"] = settings.config.value_range
    data = config.data or settings.config.data
    check_is_no_run(data)
    reals = open_source(data, **wanted)
    held_out = None if config.held_out is None else _open_held_out(config.held_out, wanted)
    features, classifier = (None, None) if config.features is None else open_features_and_classifier(config.features)
    return RealImages(reals, data, held_out, features, classifier, config.images, config.seed)


def _open_held_out(held_out: str, wanted: dict) -> ImageSource:
    try:
        return open_source(held_out, **wanted)
    except UserError as error:
        raise UserError(str(error).replace("--data", "--held-out")) from error


def open_features_and_classifier(path: str) -> tuple[FeatureSpace, FeatureSpace | None]:
    """The feature space of a net and, where its file names the classes, its outputs, a logit for each class.

    Raises:
        UserError: no such net.
    """
    features = open_features(path)
    try:
        class_names(path)
    except UserError:
        return features, None
    return features, open_outputs(path)
