"""The command export: artifacts are built in a hidden folder, verified there, and then published."""

import functools
import math
from pathlib import Path

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.common.console import say
from dcgan_tf.common.errors import Mismatch, UserError, printable
from dcgan_tf.common.files import (
    disk_errors_in_one_line,
    locked_folder,
    numbered,
    publish,
    remove_leftovers,
    staging_folder,
)
from dcgan_tf.common.text import size_text, table
from dcgan_tf.config.commands import ExportConfig
from dcgan_tf.export import convert, serving, verify
from dcgan_tf.export.artifacts import artifacts, card_of, cards
from dcgan_tf.export.card import label_names
from dcgan_tf.export.hints import next_commands
from dcgan_tf.export.job import Job, prepare
from dcgan_tf.export.numbering import next_version, same_version
from dcgan_tf.generators.latents import seed_latents
from dcgan_tf.nets.conditional import inputs_of

TABLE_HEAD = ("artifact", "size", "largest difference", "1 image", "64 images")


def export(config: ExportConfig) -> int:
    """Writes, checks and publishes what `config` asks for, and prints a table. Returns 0.

    Raises:
        UserError: something the user can mend; nothing is published.
        Mismatch: an artifact does not do what the Keras generator does. It is removed; the sound ones are published.
    """
    convert.check_packages(config.formats)
    job = prepare(config)
    with locked_folder(job.out, "--out", "export"), disk_errors_in_one_line(job.out):
        remove_leftovers(job.out)
        same = same_version(job.out, job.name, functools.partial(cards, config, job))
        if same is not None:
            batching, _ = _batching(config, job)
            _write_companions(config, job, batching)
            what = printable(config.source) if job.epoch is None else f"epoch {job.epoch}"
            say(
                f"{printable(job.out)}: version {same} is {what} already, whole and of the same options: nothing is exported"
            )
            _note_newest(job.out, same, "savedmodel" in config.formats)
            say(next_commands(job.out, artifacts(config, job.name, same), draws_classes=_draws_classes(job)))
            return 0
        version = next_version(job.out, job.name, job.epoch)
        of = f", {job.origin}," if job.origin else ""
        say(f"exporting {printable(config.source)}{of} as version {version} to {printable(job.out)}")
        with staging_folder(job.out / str(version)) as stage:
            batching, max_batch_size = _batching(config, job)
            reports, faults = _build(config, job, version, stage, max_batch_size)
            is_served = any(artifact.kind == "savedmodel" for artifact in reports)
            if is_served:
                _write_companions(config, job, batching)
            rows = [_row(stage / artifact.name, report) for artifact, report in reports.items()]
            for artifact in reports:
                publish(stage / artifact.name, job.out / artifact.name)
    say(table([TABLE_HEAD, *rows], "<" * len(TABLE_HEAD)))
    _note_newest(job.out, version, is_served)
    if reports:
        say(next_commands(job.out, list(reports), draws_classes=_draws_classes(job)))
    if faults:
        raise Mismatch("; ".join(faults))
    return 0


def _note_newest(out: Path, version: int, is_served: bool) -> None:
    """Says so where a server takes another version than this one."""
    newest = max(numbered(out), default=version)
    if is_served and newest > version:
        say(f"note: a server takes the highest version, {newest}; models.config says how to serve {version}")


def _build(config: ExportConfig, job: Job, version: int, stage: Path, max_batch_size: int):
    """Writes and verifies the artifacts in `stage`.

    max_batch_size: the most images in one batch of a server.

    Returns ({artifact: report} of the sound ones, [what is wrong with each other one]).
    """
    try:
        expected = verify.reference(job.generator, job.distribution, job.discriminator)
    except ValueError as error:
        raise UserError(f"{printable(config.source)}: {error}: give a generator of an earlier epoch") from error
    reports, faults = {}, []
    for artifact in artifacts(config, job.name, version):
        path, warmup_sizes, tolerance = stage / artifact.name, [], verify.MAX_FLOAT_DIFFERENCE
        card = card_of(config, job, artifact)
        say(f"making and checking {artifact.name} ...")
        try:
            if artifact.kind == "savedmodel":
                job.writer.write(path, card)
                warmup_sizes = [1, max_batch_size]
                serving.write_warmup(path, job.name, [_inputs(job, count) for count in warmup_sizes])
            elif artifact.kind == "onnx":
                convert.to_onnx(job.generator, path, card, job.distribution if artifact.takes == "seeds" else None)
            elif artifact.kind == "litert":
                convert.to_litert(job.generator, path, card, artifact.quantize)
                tolerance = config.quantized_tolerance if artifact.quantize else tolerance
            else:
                raise ValueError(f"nothing writes {artifact.kind}")
            reports[artifact] = verify.verify(artifact.kind, path, expected, warmup_sizes, tolerance, artifact.takes)
        except Mismatch as mismatch:
            faults.append(f"{printable(job.out / artifact.name)}: {mismatch}: removed")
            if artifact.quantize and mismatch.difference and math.isfinite(mismatch.difference):
                faults[-1] += f"; --quantized-tolerance {1.1 * mismatch.difference:.2g} would let it pass"
    return reports, faults


def _draws_classes(job: Job) -> bool:
    return inputs_of(job.generator).classes > 0


def _inputs(job: Job, count: int) -> dict[str, np.ndarray]:
    """What serving_default takes: latents [count, latent_dim], float32, of the seeds 1 to `count`, and labels [count],
    int32, where the generator draws classes."""
    takes = inputs_of(job.generator)
    inputs = {"latents": seed_latents(tf.range(1, count + 1), takes.latent_dim, job.distribution).numpy()}
    return inputs | ({"labels": np.arange(count, dtype=np.int32) % takes.classes} if takes.classes else {})


def _batching(config: ExportConfig, job: Job) -> tuple[serving.Batching | None, int]:
    """(how a server should batch, the most images in a batch).

    The first is None where a batching.config in the target says it already, or no SavedModel is asked for.
    """
    if "savedmodel" not in config.formats:
        return None, 0
    # A running server refuses a version whose warm-up asks for a larger batch than it was started with.
    kept = serving.kept_batch_size(job.out)
    if kept is not None:
        return None, kept
    say("measuring batches ...")
    serve = job.writer.functions["serving_default"]
    batching = serving.batching(serving.measure(lambda count: serve(*_inputs(job, count).values())["images"].numpy()))
    return batching, batching.max_batch_size


def _write_companions(config: ExportConfig, job: Job, batching: serving.Batching | None) -> None:
    if "savedmodel" in config.formats:
        classes = inputs_of(job.generator).classes
        serving.write_companions(job.out, job.name, batching, classes, label_names(job.settings, classes))


def _row(path: Path, report: verify.Report) -> tuple[str, ...]:
    """The cells of an artifact under TABLE_HEAD."""
    size = sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
    name = f"{path.name}/" if path.is_dir() else path.name
    differences = ", ".join(f"{output} {value:.2g}" for output, value in sorted(report.differences.items()))
    return (name, size_text(size), differences, *(f"{report.milliseconds[count]:,.1f} ms" for count in (1, 64)))
