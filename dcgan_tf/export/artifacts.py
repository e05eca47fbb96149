"""The files and folders that an export makes, by the formats that are asked for, and the model card of each."""

from dataclasses import dataclass

from dcgan_tf.config.commands import ExportConfig
from dcgan_tf.export.card import model_card
from dcgan_tf.export.job import Job
from dcgan_tf.export.signatures import converted_signatures


@dataclass(frozen=True)
class Artifact:
    """A file or folder that is made.

    kind      one of `runtimes.RUNTIMES`
    name      its name in the target folder
    quantize  how its weights are stored, as --quantize says it; None for float32
    takes     "latents" or "seeds"; a SavedModel takes both
    """

    kind: str
    name: str
    quantize: str | None = None
    takes: str = "latents"


def artifacts(config: ExportConfig, name: str, version: int) -> list[Artifact]:
    """The artifacts that `config` asks for.

    The SavedModel comes last: a server takes it as soon as it is published, and all else is there by then.
    """
    asked = []
    if "onnx" in config.formats:
        if "latents" in config.inputs:
            asked.append(Artifact("onnx", f"{name}-{version}.onnx"))
        if "seeds" in config.inputs:
            asked.append(Artifact("onnx", f"{name}-{version}-seeds.onnx", takes="seeds"))
    if "litert" in config.formats:
        asked.append(Artifact("litert", f"{name}-{version}.tflite"))
        asked += [Artifact("litert", f"{name}-{version}-{how}.tflite", how) for how in config.quantize]
    if "savedmodel" in config.formats:
        asked.append(Artifact("savedmodel", str(version)))
    return asked


def card_of(config: ExportConfig, job: Job, artifact: Artifact) -> dict:
    """The model card of an artifact. It says all that decides its content, so that an equal card means an equal artifact."""
    signatures = job.writer.signatures
    if artifact.kind != "savedmodel":
        signatures = converted_signatures(signatures, artifact.takes)
    card = model_card(job.name, job.epoch, job.settings, job.distribution, job.generator, signatures)
    card["made_from"] = job.made_from
    if artifact.quantize:
        card["quantized"] = {"weights": artifact.quantize, "tolerance": config.quantized_tolerance}
    return card


def cards(config: ExportConfig, job: Job, version: int) -> dict[tuple[str, str], dict]:
    """{(kind, name): model card} of all artifacts that `config` asks for, as a version of that number."""
    asked = artifacts(config, job.name, version)
    return {(artifact.kind, artifact.name): card_of(config, job, artifact) for artifact in asked}
