"""The command export: artifacts are built in a hidden folder, verified there, and then published."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

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
from dcgan_tf.common.text import shape_text, size_text, table
from dcgan_tf.config.commands import ExportConfig
from dcgan_tf.config.settings import Settings
from dcgan_tf.export import convert, serving, verify
from dcgan_tf.export.card import model_card
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators.find import KINDS, Found, find, latent_distribution
from dcgan_tf.generators.generator import load_keras
from dcgan_tf.generators.latents import seed_latents
from dcgan_tf.nets.saved import load_model
from dcgan_tf.nets.surgery import as_logits

TABLE_HEAD = ("artifact", "size", "largest difference", "1 image", "64 images")


@dataclass(frozen=True)
class Job:
    """What is exported, and where to.

    out            the folder that the artifacts are published in
    name           the model's name, for a server and in file names
    epoch          the epoch of the generator, None where it is not known
    settings       those of the run that trained it; None where they are not known
    distribution   of the latents, "normal" or "uniform"
    discriminator  gives logits; None where there is none, or it has no score for a single image
    """

    out: Path
    name: str
    epoch: int | None
    settings: Settings | None
    distribution: str
    generator: object
    discriminator: object | None
    writer: SavedModelWriter


@dataclass(frozen=True)
class Artifact:
    """A file or folder that is made.

    kind      one of `runtimes.RUNTIMES`
    name      its name in the target folder
    quantize  how its weights are stored, as --quantize says it; None for float32
    """

    kind: str
    name: str
    quantize: str | None = None


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
        version = next_version(job.out, job.name, job.epoch)
        of_epoch = "" if job.epoch is None else f" of epoch {job.epoch}"
        say(f"exporting {printable(config.source)}{of_epoch} as version {version} to {printable(job.out)}")
        with staging_folder(job.out / str(version)) as stage:
            batching, max_batch_size = _batching(config, job)
            reports, faults = _build(config, job, version, stage, max_batch_size)
            is_served = any(artifact.kind == "savedmodel" for artifact in reports)
            if is_served:
                serving.write_companions(job.out, job.name, batching)
            rows = [_row(stage / artifact.name, report) for artifact, report in reports.items()]
            for artifact in reports:
                publish(stage / artifact.name, job.out / artifact.name)
    say(table([TABLE_HEAD, *rows], "<" * len(TABLE_HEAD)))
    newest = max(numbered(job.out), default=version)
    if is_served and newest > version:
        say(f"note: a server takes the highest version, {newest}; models.config says how to serve {version}")
    if faults:
        raise Mismatch("; ".join(faults))
    return 0


def next_version(out: Path, name: str, epoch: int | None) -> int:
    """The epoch where no export has that number yet, else one more than the highest."""
    numbers = set(numbered(out))
    files = (re.fullmatch(re.escape(name) + r"-(\d+)(-\w+)?\.(onnx|tflite)", path.name) for path in out.iterdir())
    numbers |= {int(match[1]) for match in files if match}
    return epoch if epoch is not None and epoch not in numbers else max(numbers, default=0) + 1


def prepare(config: ExportConfig) -> Job:
    """Finds and loads the nets, and checks the target; writes nothing.

    Raises:
        UserError: the source is no generator, the discriminator does not fit it, or the target cannot be used.
    """
    found = find(config.source, config.epoch)
    if found.kind != "keras":
        raise UserError(f"{printable(config.source)}: is an exported model already: {KINDS}")
    generator = load_keras(found)
    discriminator = _discriminator(config, found, generator)
    out = _target(config, found)
    latent_dim, image_shape = generator.input_shape[-1], generator.output_shape[1:]
    said = found.settings and found.settings.preset.latents
    distribution = latent_distribution(config.latents, said, latent_dim, image_shape)
    return Job(
        out=out,
        name=model_name(out),
        epoch=found.epoch,
        settings=found.settings,
        distribution=distribution,
        generator=generator,
        discriminator=discriminator,
        writer=SavedModelWriter(generator, distribution, discriminator),
    )


def _discriminator(config: ExportConfig, found: Found, generator):
    """The discriminator that was asked for or lies beside the generator; None where there is none for single images."""
    # A discriminator that judges packs of images has no score for a single one.
    path = config.discriminator or (found.discriminator if found.packing == 1 else None)
    if path is None:
        return None
    discriminator, _ = as_logits(load_model(path), path)
    takes, makes = discriminator.input_shape[1:], generator.output_shape[1:]
    if takes != makes:
        raise UserError(
            f"{printable(path)}: takes images of {shape_text(takes)}, but the generator makes "
            f"{shape_text(makes)}: give the discriminator that was trained with it"
        )
    return discriminator


def _target(config: ExportConfig, found: Found) -> Path:
    """The folder to export to: outside of the run's own, and of a name that can be written into files."""
    out = Path(config.out or Path("serving") / printable(found.name))
    if str(out) != printable(out):
        raise UserError(f"--out {printable(out)}: is not UTF-8: give another name")
    run = found.path.parent.resolve()
    if found.settings and run in (out.resolve(), *out.resolve().parents):
        raise UserError(
            f"--out {printable(out)}: lies in the run's own folder, which training writes to: "
            f"give another, such as serving/{printable(run.name)}"
        )
    return out


def model_name(out: Path) -> str:
    """The model's name: that of the target folder, with "-" for whatever is not in A-Z, a-z, 0-9 and _."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", out.resolve().name).strip("-") or "generator"


def _build(config: ExportConfig, job: Job, version: int, stage: Path, max_batch_size: int):
    """Writes and verifies the artifacts in `stage`.

    max_batch_size: the most images in one batch of a server.

    Returns ({artifact: report} of the sound ones, [what is wrong with each other one]).
    """
    try:
        expected = verify.reference(job.generator, job.distribution, job.discriminator)
    except ValueError as error:
        raise UserError(f"{printable(config.source)}: {error}: give a generator of an earlier epoch") from error
    card = model_card(job.name, job.epoch, job.settings, job.distribution, job.generator, job.writer.signatures)
    reports, faults = {}, []
    for artifact in artifacts(config, job.name, version):
        path, warmup_sizes, tolerance = stage / artifact.name, [], verify.MAX_FLOAT_DIFFERENCE
        say(f"making and checking {artifact.name} ...")
        try:
            if artifact.kind == "savedmodel":
                job.writer.write(path, card)
                warmup_sizes = [1, max_batch_size]
                serving.write_warmup(path, job.name, [_latents(job, count) for count in warmup_sizes])
            elif artifact.kind == "onnx":
                convert.to_onnx(job.generator, path, card)
            elif artifact.kind == "litert":
                convert.to_litert(job.generator, path, artifact.quantize)
                tolerance = config.quantized_tolerance if artifact.quantize else tolerance
            else:
                raise ValueError(f"nothing writes {artifact.kind}")
            reports[artifact] = verify.verify(artifact.kind, path, expected, warmup_sizes, tolerance)
        except Mismatch as mismatch:
            faults.append(f"{printable(job.out / artifact.name)}: {mismatch}: removed")
            if artifact.quantize and mismatch.difference and math.isfinite(mismatch.difference):
                faults[-1] += f"; --quantized-tolerance {1.1 * mismatch.difference:.2g} would let it pass"
    return reports, faults


def _latents(job: Job, count: int):
    """Latents [count, latent_dim], float32, of the seeds 1 to `count`."""
    return seed_latents(tf.range(1, count + 1), job.generator.input_shape[-1], job.distribution).numpy()


def artifacts(config: ExportConfig, name: str, version: int) -> list[Artifact]:
    """The artifacts that `config` asks for.

    The SavedModel comes last: a server takes it as soon as it is published, and all else is there by then.
    """
    asked = []
    if "onnx" in config.formats:
        asked.append(Artifact("onnx", f"{name}-{version}.onnx"))
    if "litert" in config.formats:
        asked.append(Artifact("litert", f"{name}-{version}.tflite"))
        asked += [Artifact("litert", f"{name}-{version}-{how}.tflite", how) for how in config.quantize]
    if "savedmodel" in config.formats:
        asked.append(Artifact("savedmodel", str(version)))
    return asked


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
    latent_dim, serve = job.generator.input_shape[-1], job.writer.functions["serving_default"]
    batching = serving.batching(serving.measure(lambda count: serve(tf.zeros([count, latent_dim]))["images"].numpy()))
    return batching, batching.max_batch_size


def _row(path: Path, report: verify.Report) -> tuple[str, ...]:
    """The cells of an artifact under TABLE_HEAD."""
    size = sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
    name = f"{path.name}/" if path.is_dir() else path.name
    differences = ", ".join(f"{output} {value:.2g}" for output, value in sorted(report.differences.items()))
    return (name, size_text(size), differences, *(f"{report.milliseconds[count]:,.1f} ms" for count in (1, 64)))
