"""A run that begins: with new nets, or with saved ones that the flags name."""

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.settle import Start
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.gan.step import GAN
from dcgan_tf.generators.find import find, latent_distribution
from dcgan_tf.generators.generator import tell_latents
from dcgan_tf.generators.keras_net import in_signed_range
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.conditional import discriminator_inputs_of, inputs_of
from dcgan_tf.nets.opening import open_to_train
from dcgan_tf.nets.ranges import SIGNED, Range, for_signed_images, input_range
from dcgan_tf.nets.surgery import (
    as_logits,
    check_discriminator,
    check_generator,
    in_dtype,
    known_classes,
    without_gain,
)
from dcgan_tf.nets.takeover import take_over
from dcgan_tf.runs.folder import NETS, epoch_of
from dcgan_tf.runs.settings import read_settings
from dcgan_tf.training.machine.cluster import Cluster
from dcgan_tf.training.plan import Plan, run_folder

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def start(plan: Plan, precision: str, nets=None) -> tuple[GAN, int]:
    """(gan, the step it begins at). nets: as of `load_start`; None where they are still to be loaded."""
    return build_gan(plan, precision, nets or load_nets(plan.config)), plan.first_step


def load_start(flags: TrainConfig, cluster: Cluster):
    """(nets, start): the saved (generator or None, discriminator or None) that the flags name, and what the plan has to
    know of them, None where the flags name none. Where a run that began from them goes on, they are not needed any more:
    nets are None, and its folder tells what the plan has to know.

    Of several workers, nets is None: TensorFlow connects them only before its first work, so that another process looks
    at the files, and `load_nets` has to be called later.

    Raises:
        UserError: a file is no such net, or the two do not go together.
    """
    if not _paths(flags):
        return (None, None), None
    if not flags.dry_run and (begun := _begun_from(flags)):
        return (None, None), begun
    if cluster.size > 1:
        # Ctrl-C goes to all processes of a terminal: the one that looks leaves the answer to it to this one.
        ignore = (signal.SIGINT, signal.SIG_IGN)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, spawn, initializer=signal.signal, initargs=ignore) as pool:
            try:
                return None, pool.submit(_known_of_nets, flags).result()
            except (KeyboardInterrupt, SystemExit):
                for child in multiprocessing.active_children():
                    child.terminate()  # The pool would wait for it.
                raise
    nets = load_nets(flags)
    return nets, _known_of_nets(flags, nets)


def _begun_from(flags: TrainConfig) -> Start | None:
    """What is known of the nets that the flags name from a run that began from them; None where there is none."""
    folder = run_folder(flags)
    begun = read_settings(folder) if folder.saved_steps() else None
    if begun is None or _paths(begun.config) != _paths(flags):
        return None
    latent_dim = begun.preset.latent_dim if flags.generator else None
    return Start(begun.data.image_shape, latent_dim, _epoch(flags))


def load_nets(flags: TrainConfig):
    """(generator or None, discriminator or None): the saved nets that the flags name."""
    preset = None if flags.preset == "auto" else flags.preset
    nets = {name: open_to_train(path, name, preset) for name, path in _paths(flags).items()}
    generator, discriminator, made = nets.get("generator"), nets.get("discriminator"), SIGNED
    if generator is not None:
        check_generator(generator, flags.generator)
        generator, made = _in_signed_range(without_gain(generator), flags)
    if discriminator is not None:
        discriminator, _ = as_logits(discriminator, flags.discriminator)
        discriminator = _for_signed_images(discriminator, flags.discriminator, made)
    return generator, discriminator


def _in_signed_range(generator, flags: TrainConfig):
    """(the generator with images in -1..1, in which training works; the range in which it made them)."""
    name, (distribution, _) = Path(flags.generator).stem, _distribution(flags, generator)
    adapted, made = in_signed_range(generator, name, distribution, flags.generator_range, "--generator-range")
    if made != SIGNED:
        note(f"{printable(name)} makes images in {made}: one more layer at its end turns them into -1..1, to train on")
    return adapted, made


def _for_signed_images(discriminator, path: str, made: Range):
    adapted = for_signed_images(discriminator, made)
    if adapted is not discriminator:
        note(
            f"{printable(Path(path).stem)} takes images in {input_range(discriminator) or made}: one more layer in front of "
            "it turns those of -1..1 into these"
        )
    return adapted


def _known_of_nets(flags: TrainConfig, nets=None) -> Start:
    generator, discriminator = nets or load_nets(flags)
    return Start(
        image_shape=generator.output_shape[1:] if generator is not None else _judged_shape(discriminator),
        latent_dim=inputs_of(generator).latent_dim if generator is not None else None,
        epoch=_epoch(flags),
        latents=_latents(flags, generator),
    )


def _judged_shape(discriminator) -> tuple[int, int, int]:
    return tuple(discriminator.inputs[discriminator_inputs_of(discriminator).latents].shape[1:])


def _latents(flags: TrainConfig, generator) -> str | None:
    """What a saved generator was trained on, which is said where it is a guess; None without one."""
    if generator is None:
        return None
    distribution, is_guess = _distribution(flags, generator)
    if is_guess:
        tell_latents(Path(flags.generator).stem, distribution)
    return distribution


def _distribution(flags: TrainConfig, generator) -> tuple[str, bool]:
    """(of the latents of a saved generator: as the flags or its run say, else as generators of its sizes have it; whether
    that is a guess)"""
    settings = find(flags.generator).settings
    said = settings and settings.preset.latents
    known = latent_distribution(flags.latents, said, inputs_of(generator).latent_dim, generator.output_shape[1:])
    return known, said is None and flags.latents == "auto"


def _epoch(flags: TrainConfig) -> int:
    """How many epochs the nets that the flags name have been trained for, by the names of their files."""
    epochs = {epoch_of(path) for path in _paths(flags).values()}
    if len(epochs) > 1:
        raise UserError(
            f"--generator {printable(flags.generator)} and --discriminator {printable(flags.discriminator)} "
            "are of different epochs: give two files of one epoch"
        )
    return epochs.pop() or 0


def _paths(flags: TrainConfig) -> dict[str, str]:
    return {name: getattr(flags, name) for name in NETS if getattr(flags, name)}


def _taken_over(net, old, path: str):
    """A new net of classes with the weights of one that knows none."""
    note(take_over(net, old, path))
    return net


def build_gan(plan: Plan, precision: str, nets=(None, None)) -> GAN:
    """The nets as given (float32), or new ones; with new optimizers."""
    config, shape = plan.config, plan.source.image_shape
    generator, discriminator = nets
    packing, classes = plan.preset.packing, plan.preset.classes
    if generator is None:
        generator = build_generator(plan.preset, config.seed)
    else:
        check_generator(generator, config.generator, shape)
        if classes and not inputs_of(generator).classes:
            generator = _taken_over(build_generator(plan.preset, config.seed), generator, config.generator)
        check_generator(generator, config.generator, classes=classes)
    if discriminator is None:
        discriminator = build_discriminator(plan.preset, config.seed)
    else:
        check_discriminator(discriminator, config.discriminator, shape, packing)
        if classes and not known_classes(discriminator):
            discriminator = _taken_over(
                build_discriminator(plan.preset, config.seed), discriminator, config.discriminator
            )
        check_discriminator(discriminator, config.discriminator, shape, packing, classes)
    generator, discriminator = (in_dtype(net, POLICIES[precision]) for net in (generator, discriminator))
    return GAN(
        plan.preset,
        generator,
        discriminator,
        plan.recipe,
        learning_rate=plan.learning_rate,
        seed=plan.seed,
        loss_scaling=precision == "float16",
    )
