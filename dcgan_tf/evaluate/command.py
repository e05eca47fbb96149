"""`dcgan-tf evaluate`: a trained generator, or every epoch of a run, measured against real images."""

from pathlib import Path
from typing import Literal

import numpy as np

from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out, locked_folder, remove_leftovers
from dcgan_tf.common.progress import Work
from dcgan_tf.common.versions import versions
from dcgan_tf.config.commands import MEASURES, NEED_FEATURES, EvaluateConfig
from dcgan_tf.config.flags import Epoch
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate.classifier import class_names
from dcgan_tf.evaluate.measures import Copies, Measure, RealImages, open_measures
from dcgan_tf.evaluate.pairs import draw_pairs
from dcgan_tf.evaluate.report import Evaluation, table, write_plot
from dcgan_tf.generators.find import Found, find
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics.features import FeatureSpace, open_features, open_outputs
from dcgan_tf.runs.folder import RunFolder

NUMBERS, COPIES, PLOT = "evaluation.json", "copies.png", "evaluation.png"  # the files in --out
SAMPLE_BATCH_IMAGES = 256  # The progress bar is redrawn after every so many samples.


def evaluate(config: EvaluateConfig) -> None:
    """Writes evaluation.json, copies.png and, of several epochs, evaluation.png; prints the table.

    The numbers are written after every epoch, so that an interrupted command keeps the epochs that it has measured.

    Raises:
        UserError: a value out of range; no such generator, epoch, images or features; fewer images than a measure needs;
            a place that cannot be written.
    """
    generators = find_generators(config.source, config.epoch)
    out = Path(config.out) if config.out else _default_out(config.source, generators[-1])
    check_out(out, is_folder=True)
    for name in (NUMBERS, COPIES, PLOT):
        check_out(out / name, is_folder=False)
    against = _open_real_images(config, generators[0])
    measures = open_measures(_measure_names(config, against), against)
    with locked_folder(out, "--out", "evaluation"):
        remove_leftovers(out)
        evaluation = Evaluation(out / NUMBERS, _about(config, against))
        last_samples = _measure_all(config, generators, measures, evaluation)
        pictures = _draw_pictures(out, evaluation, measures, last_samples)
    say(table(evaluation, [measure.name for measure in measures], [label(found) for found in generators]))
    _print_what_was_used(measures, against, generators[0])
    say(f"{printable(out)}: {', '.join([NUMBERS, *pictures])}")


def find_generators(source: str, epoch: Epoch | Literal["all"]) -> list[Found]:
    """The generators that `source` names, in the order of their epochs.

    epoch: as for `generators.find.find`, or "all" that a run has kept.

    Raises:
        UserError: there is no generator, or none of that epoch.
    """
    if epoch != "all":
        return [find(source, epoch)]
    if not _is_run(source, find(source)):
        raise UserError(f"--epoch all: {printable(source)} is not a run's folder with saved models: leave --epoch out")
    return [find(source, number) for number in RunFolder(Path(source)).saved_epochs()]


def label(found: Found) -> str:
    """The name of a generator in the table and in evaluation.json: its epoch where it has one."""
    return found.name if found.epoch is None else str(found.epoch)


def _measure_all(config: EvaluateConfig, generators: list[Found], measures: list[Measure], evaluation) -> Samples:
    """Fills the evaluation and writes it after every generator; returns the samples of the last one."""
    steps = len(measures) + len(generators) * (1 + len(measures))
    with Work("measuring", steps) as bar:
        for measure in measures:
            bar.describe(f"real images: {measure.name}")
            evaluation.begin(measure.name, measure.protocol, measure.real)
            bar.update()
        for found in generators:
            bar.describe(f"{printable(label(found))}: samples")
            samples = _draw_samples(config, found, max(measure.images for measure in measures))
            bar.update()
            for measure in measures:
                bar.describe(f"{printable(label(found))}: {measure.name}")
                evaluation.add(measure.name, label(found), measure.score(samples))
                bar.update()
            evaluation.write()
    return samples


def _draw_samples(config: EvaluateConfig, found: Found, count: int) -> Samples:
    """Samples of a generator, all made before they are measured, so that the bar shows the time that drawing takes."""
    samples = Samples(open_generator(str(found.path), latents=config.latents), count, config.seed)
    with Work(f"{printable(label(found))}: samples", count, "picture") as work:
        for start in range(0, count, SAMPLE_BATCH_IMAGES):
            indices = np.arange(start, min(start + SAMPLE_BATCH_IMAGES, count))
            samples.read(indices)
            work.update(len(indices))
    return samples


def _draw_pictures(out: Path, evaluation: Evaluation, measures: list[Measure], samples: Samples) -> list[str]:
    """Writes copies.png and evaluation.png where there is something to show; returns the names of those written."""
    written = []
    for measure in measures:
        if isinstance(measure, Copies):
            draw_pairs(measure.found, samples, measure.against.reals, out / COPIES)
            written.append(COPIES)
    if write_plot(evaluation, out / PLOT):
        written.append(PLOT)
    return written


def _print_what_was_used(measures: list[Measure], against: RealImages, generator: Found) -> None:
    used = ", ".join(f"{measure.name} {measure.images:,}" for measure in measures)
    say(f"generated images used: {used}; {len(against.reals):,} real images of {printable(against.reals.name)}")
    if generator.settings and generator.settings.data.fingerprint != against.reals.fingerprint:
        say("note: these are not the images that the run was trained on")


def _open_real_images(config: EvaluateConfig, generator: Found) -> RealImages:
    """The real images at the generator's size and channels, and the nets that measures compare them with."""
    settings = generator.settings  # None where the run is not known.
    image_shape = open_generator(str(generator.path), latents=config.latents).image_shape
    if config.data is None and settings is None:
        raise UserError(f"--data: must be given: {printable(config.source)} does not say what it was trained on")
    wanted = {"size": image_shape[:2], "channels": image_shape[2], "value_range": config.value_range}
    if config.data is None and config.value_range is None:
        wanted["value_range"] = settings.config.value_range
    data = config.data or settings.config.data
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


def _measure_names(config: EvaluateConfig, against: RealImages) -> list[str]:
    """The measures to take.

    Raises:
        UserError: the user asks for modes, and the net names no classes.
    """
    able = {name for name in MEASURES if name not in NEED_FEATURES or against.features}
    if against.classifier is None:
        able.discard("modes")
    if "modes" in (config.metrics or ()) and "modes" not in able:
        raise UserError(
            f"--metrics modes: {printable(config.features)} names no classes: give --features a file that "
            '"dcgan-tf train-features" made from labelled images'
        )
    return [name for name in MEASURES if name in (config.metrics or able)]


def _is_run(source: str, found: Found) -> bool:
    return found.kind == "keras" and Path(source).is_dir()


def _default_out(source: str, found: Found) -> Path:
    return RunFolder(Path(source)).evaluation if _is_run(source, found) else Path("evaluation") / found.name


def _about(config: EvaluateConfig, against: RealImages) -> dict:
    """The head of evaluation.json."""
    return {
        "source": config.source,
        "data": _about_images(against.reals),
        "held_out": against.held_out and _about_images(against.held_out),
        "features": against.features and against.features.name,
        "seed": config.seed,
        "versions": versions(),
    }


def _about_images(source: ImageSource) -> dict:
    return {
        "name": source.name,
        "images": len(source),
        "image_shape": list(source.image_shape),
        "fingerprint": source.fingerprint,
    }
