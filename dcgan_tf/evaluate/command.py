"""`dcgan-tf evaluate`: a trained generator, or every epoch of a run, measured against real images."""

from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out, locked_folder
from dcgan_tf.common.versions import versions
from dcgan_tf.config.commands import MEASURES, NEED_FEATURES, EvaluateConfig
from dcgan_tf.config.flags import Epoch
from dcgan_tf.config.settings import Settings
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.evaluate.classifier import class_names
from dcgan_tf.evaluate.measures import Against, Copies, Measure, open_measures
from dcgan_tf.evaluate.pairs import draw_pairs
from dcgan_tf.evaluate.report import Evaluation, table, write_plot
from dcgan_tf.generators.find import Found, find
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics.features import FeatureSpace, open_features, open_outputs
from dcgan_tf.runs.folder import RunFolder

MADE_AT_ONCE = 256  # images between two steps of the bar


def evaluate(config: EvaluateConfig) -> None:
    """Writes evaluation.json, copies.png and, of several epochs, evaluation.png; prints the table.

    The numbers are written after every epoch, so that an interrupted command has done something.

    Raises:
        UserError: a value out of range; no such generator, epoch, images or features; fewer images than a measure needs;
            a place that cannot be written.
    """
    generators = find_generators(config.source, config.epoch)
    out = Path(config.out) if config.out else _default_out(config.source, generators[-1])
    check_out(out, is_folder=True)
    first = open_generator(str(generators[0].path), latents=config.latents)
    against = _open_images(config, generators[0].settings, first.image_shape)
    measures = open_measures(_names(config, against), against)
    with locked_folder(out, "--out", "evaluation"):
        evaluation = Evaluation(out / "evaluation.json", _about(config, against))
        samples, written = _measure_all(config, generators, measures, evaluation), ["evaluation.json"]
        for measure in measures:
            if isinstance(measure, Copies):
                draw_pairs(measure.found, samples, against.reals, out / "copies.png")
                written.append("copies.png")
        if write_plot(evaluation, out / "evaluation.png"):
            written.append("evaluation.png")
    print(table(evaluation, [measure.name for measure in measures], [label(found) for found in generators]))
    used = ", ".join(f"{measure.name} {measure.images:,}" for measure in measures)
    print(f"generated images used: {used}; {len(against.reals):,} real images of {printable(against.reals.name)}")
    if _trained_on_others(generators[0].settings, against.reals):
        print("note: these are not the images that the run was trained on")
    print(f"{printable(out)}: {', '.join(written)}")


def find_generators(source: str, epoch: Epoch | Literal["all"]) -> list[Found]:
    """What `source` names, in the order of epochs.

    epoch: as for `models.find`, or "all" that a run has kept.

    Raises:
        UserError: there is no generator, or not of that epoch.
    """
    if epoch != "all":
        return [find(source, epoch)]
    if not _is_run(source, find(source)):
        raise UserError(f"--epoch all: {printable(source)} is not a run's folder with saved models: leave --epoch out")
    return [find(source, number) for number in RunFolder(Path(source)).saved_epochs()]


def label(found: Found) -> str:
    """What a generator is called in the table and in evaluation.json: its epoch where it has one."""
    return found.name if found.epoch is None else str(found.epoch)


def _measure_all(config: EvaluateConfig, generators: list[Found], measures: list[Measure], evaluation) -> Samples:
    """Fills the evaluation and writes it; returns the samples of the last generator."""
    count = max(measure.images for measure in measures)
    steps = len(measures) + len(generators) * (1 + len(measures))
    with tqdm(total=steps, leave=False, dynamic_ncols=True, disable=None) as bar:
        for measure in measures:
            bar.set_description(f"real images: {measure.name}")
            evaluation.begin(measure.name, measure.protocol, measure.real)
            bar.update()
        for found in generators:
            bar.set_description(f"{label(found)}: samples")
            samples = Samples(open_generator(str(found.path), latents=config.latents), count, config.seed)
            for start in range(0, count, MADE_AT_ONCE):
                samples.read(np.arange(start, min(start + MADE_AT_ONCE, count)))
                bar.refresh()
            bar.update()
            for measure in measures:
                bar.set_description(f"{label(found)}: {measure.name}")
                evaluation.add(measure.name, label(found), measure.score(samples))
                bar.update()
            evaluation.write()
    return samples


def _open_images(config: EvaluateConfig, settings: Settings | None, shape: tuple[int, int, int]) -> Against:
    """The real images at the generator's size and channels, and the features.

    settings: of the run that made the generator; None where they are not known.
    """
    if config.data is None and settings is None:
        raise UserError(f"--data: must be given: {printable(config.source)} does not say what it was trained on")
    wanted = {"size": shape[:2], "channels": shape[2], "value_range": config.value_range}
    if config.data is None and config.value_range is None:
        wanted["value_range"] = settings.config.value_range
    data = config.data or settings.config.data
    reals = open_source(data, **wanted)
    held_out = None
    if config.held_out is not None:
        try:
            held_out = open_source(config.held_out, **wanted)
        except UserError as error:
            raise UserError(str(error).replace("--data", "--held-out")) from error
    features, classifier = (None, None) if config.features is None else open_both(config.features)
    return Against(reals, data, held_out, features, classifier, config.images, config.seed)


def open_both(features: str) -> tuple[FeatureSpace, FeatureSpace | None]:
    """The feature space of a net and, where the net names its classes, what it says of each class.

    Raises:
        UserError: no such net.
    """
    space = open_features(features)
    try:
        class_names(features)
    except UserError:
        return space, None
    return space, open_outputs(features)


def _names(config: EvaluateConfig, against: Against) -> list[str]:
    """The measures to take.

    Raises:
        UserError: classes are asked for of a net that names none.
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


def _trained_on_others(settings: Settings | None, reals: ImageSource) -> bool:
    return settings is not None and settings.data.fingerprint != reals.fingerprint


def _is_run(source: str, found: Found) -> bool:
    return found.kind == "keras" and Path(source).is_dir()


def _default_out(source: str, found: Found) -> Path:
    return RunFolder(Path(source)).evaluation if _is_run(source, found) else Path("evaluation") / found.name


def _about(config: EvaluateConfig, against: Against) -> dict:
    """The head of evaluation.json."""
    return {
        "source": config.source,
        "data": _images(against.reals),
        "held_out": against.held_out and _images(against.held_out),
        "features": against.features and against.features.name,
        "seed": config.seed,
        "versions": versions(),
    }


def _images(source: ImageSource) -> dict:
    return {
        "name": source.name,
        "images": len(source),
        "image_shape": list(source.image_shape),
        "fingerprint": source.fingerprint,
    }
