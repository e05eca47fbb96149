"""What is to be exported, and where to: the nets are found and loaded, the target is checked; nothing is written."""

import re
from dataclasses import dataclass
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import checksum
from dcgan_tf.common.text import shape_text
from dcgan_tf.config.commands import ExportConfig
from dcgan_tf.config.settings import Settings
from dcgan_tf.export.judge import Judge
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators.find import KINDS, Found, find, latent_distribution
from dcgan_tf.generators.generator import tell_latents
from dcgan_tf.generators.keras_net import load_keras
from dcgan_tf.nets.conditional import inputs_of
from dcgan_tf.nets.opening import open_to_train
from dcgan_tf.nets.ranges import Range, for_signed_images
from dcgan_tf.nets.surgery import as_logits, known_classes


@dataclass(frozen=True)
class Job:
    """What is exported, and where to.

    out            the folder that the artifacts are published in
    name           the model's name, for a server and in file names
    epoch          the epoch of the generator, None where it is not known
    origin         the same for people, see `Found.origin`
    made_from      the checksums of the files of the nets, by "generator" and "discriminator"
    settings       those of the run that trained it; None where they are not known
    distribution   of the latents, "normal" or "uniform"
    discriminator  None where there is none, or it has no score for a single image
    """

    out: Path
    name: str
    epoch: int | None
    origin: str
    made_from: dict[str, str]
    settings: Settings | None
    distribution: str
    generator: object
    discriminator: Judge | None
    writer: SavedModelWriter


def prepare(config: ExportConfig) -> Job:
    """Finds and loads the nets, and checks the target; writes nothing.

    Raises:
        UserError: the source is no generator, the discriminator does not fit it, or the target cannot be used.
    """
    found = find(config.source, config.epoch)
    if found.kind != "keras":
        raise UserError(f"{printable(config.source)}: is an exported model already: {KINDS}")
    generator, made = load_keras(found, config.file, config.latents, config.value_range)
    takes, image_shape = inputs_of(generator), generator.output_shape[1:]
    made_from = {"generator": checksum(found.path)}
    judge = _discriminator_path(config, found)
    discriminator = None
    if judge is not None:
        discriminator = _discriminator(judge, generator, made)
        made_from["discriminator"] = checksum(judge)
    out = _target(config, found)
    said = found.settings and found.settings.preset.latents
    distribution = latent_distribution(config.latents, said, takes.latent_dim, image_shape)
    if said is None and config.latents == "auto":
        tell_latents(found.name, distribution)
    return Job(
        out=out,
        name=model_name(out),
        epoch=found.epoch,
        origin=found.origin,
        made_from=made_from,
        settings=found.settings,
        distribution=distribution,
        generator=generator,
        discriminator=discriminator,
        writer=SavedModelWriter(generator, distribution, discriminator),
    )


def _discriminator_path(config: ExportConfig, found: Found) -> Path | None:
    """The discriminator that was asked for or lies beside the generator; None where there is none for single images."""
    if config.discriminator is not None:
        return Path(config.discriminator)
    # A discriminator that judges packs of images has no score for a single one.
    return found.discriminator if found.packing == 1 else None


def _discriminator(path: Path, generator, made: Range) -> Judge:
    """The discriminator in a file. made: the range of the images that it was trained on."""
    shown = printable(path)
    net, _ = as_logits(open_to_train(path, "discriminator"), path)
    try:
        judge = Judge(for_signed_images(net, made))
    except UserError as error:
        raise UserError(f"{shown}: {error}") from error
    takes, makes = judge.image_shape, generator.output_shape[1:]
    if takes != makes:
        raise UserError(
            f"{shown}: takes images of {shape_text(takes)}, but the generator makes "
            f"{shape_text(makes)}: give the discriminator that was trained with it"
        )
    knows, draws = known_classes(judge.net), inputs_of(generator).classes
    if knows not in (0, draws):
        raise UserError(
            f"{shown}: knows {knows} classes, but the generator draws {draws or 'none'}: give the discriminator that was "
            "trained with it"
        )
    return judge


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
