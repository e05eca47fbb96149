"""Small nets of our own that know classes, and the folder of a run that has trained such."""

from dataclasses import replace
from pathlib import Path

from dcgan_tf.config.presets import Layer, Preset
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.saved import save_model
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import write_settings
from support.settings import settings
from support.small_nets import shake

IMAGE_SHAPE, LATENTS = (8, 8, 1), 6
_GENERATOR = (
    Layer("dense", 2 * 2 * 4, then="relu"), Layer("reshape", shape=(2, 2, 4)),
    Layer("deconv", 4, (4, 4), (2, 2), "class_bn relu"), Layer("deconv", 1, (4, 4), (2, 2), "tanh"),
)  # fmt: skip
_DISCRIMINATOR = (Layer("conv", 4, (4, 4), (2, 2), "leaky:0.2"), Layer("flatten"), Layer("dense", 1))


def class_preset(judge: str, classes: int) -> Preset:
    """judge: "projection" or "auxiliary"."""
    return replace(
        settings(image_shape=IMAGE_SHAPE, latents="normal").preset,
        generator=_GENERATOR,
        discriminator=_DISCRIMINATOR,
        latent_dim=LATENTS,
        classes=classes,
        class_judge=judge,
    )


def class_nets(judge: str, classes: int) -> tuple:
    """(generator, discriminator), whose weights are all different."""
    preset = class_preset(judge, classes)
    return shake(build_generator(preset)), shake(build_discriminator(preset))


def class_run(folder: Path, judge: str, names: tuple[str, ...], epoch: int = 2) -> Path:
    """The folder of a run with the nets of one epoch. names: of its classes."""
    folder.mkdir(parents=True)
    files = RunFolder(folder)
    generator, discriminator = class_nets(judge, len(names))
    save_model(generator, files.generator(epoch))
    save_model(discriminator, files.discriminator(epoch))
    of_run = settings(image_shape=IMAGE_SHAPE, latents="normal", name=folder.name)
    data = replace(of_run.data, class_names=names)
    write_settings(files, replace(of_run, data=data, preset=class_preset(judge, len(names))))
    return folder
