"""What a run starts from: new nets, saved nets, or the state in its folder; and in which precision."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.versions import versions
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.saved import load_model
from dcgan_tf.nets.surgery import as_logits, check_discriminator, check_generator, with_dtype, without_gain
from dcgan_tf.runs.folder import epoch_of, saved_epochs, saved_steps
from dcgan_tf.runs.settings import differences, identity, read_config
from dcgan_tf.runs.state import NETS, restore_state, saved_nets
from dcgan_tf.training.console import say
from dcgan_tf.training.machine.cluster import Cluster
from dcgan_tf.training.machine.devices import local_devices
from dcgan_tf.training.machine.tuning import Precision
from dcgan_tf.training.plan import Plan, Start, settings

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def load_start(config: TrainConfig, cluster: Cluster):
    """(nets, start): the saved (generator or None, discriminator or None) that the flags name, and what the plan has to
    know of them, None where the flags name none.

    Of several workers, nets is None: TensorFlow connects them only before its first work, so that another process looks
    at the files, and `load_nets` has to be called later.

    Raises:
        UserError: a file is no such net, or the two do not go together.
    """
    if not _paths(config):
        return (None, None), None
    if cluster.size > 1:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return None, pool.submit(_start, config).result()
    nets = load_nets(config)
    return nets, _start(config, nets)


def load_nets(config: TrainConfig):
    """(generator or None, discriminator or None): the saved nets that the flags name."""
    nets = {name: load_model(path) for name, path in _paths(config).items()}
    generator, discriminator = nets.get("generator"), nets.get("discriminator")
    if generator is not None:
        check_generator(generator, config.generator)
        generator = without_gain(generator)
    if discriminator is not None:
        discriminator, _ = as_logits(discriminator, config.discriminator)
    return generator, discriminator


def _start(config: TrainConfig, nets=None) -> Start:
    generator, discriminator = nets or load_nets(config)
    epochs = {epoch_of(path) for path in _paths(config).values()}
    if len(epochs) > 1:
        raise UserError(
            f"--generator {printable(config.generator)} and --discriminator {printable(config.discriminator)} "
            "are of different epochs: give two files of one epoch"
        )
    return Start(
        image_shape=generator.output_shape[1:] if generator is not None else discriminator.input_shape[1:],
        latent_dim=generator.input_shape[-1] if generator is not None else None,
        epoch=epochs.pop() or 0,
    )


def _paths(config: TrainConfig) -> dict[str, str]:
    return {name: getattr(config, name) for name in NETS if getattr(config, name)}


def build_gan(plan: Plan, precision: str, nets=(None, None)) -> GAN:
    """The nets as given (float32), or new ones; with new optimizers."""
    config, shape = plan.config, plan.source.image_shape
    generator, discriminator = nets
    if generator is None:
        generator = build_generator(plan.preset, config.seed)
    else:
        check_generator(generator, config.generator, shape)
    if discriminator is None:
        discriminator = build_discriminator(plan.preset, config.seed)
    else:
        check_discriminator(discriminator, config.discriminator, shape, plan.preset.packing)
    generator, discriminator = (with_dtype(net, POLICIES[precision]) for net in (generator, discriminator))
    return GAN(
        plan.preset,
        generator,
        discriminator,
        plan.recipe,
        learning_rate=plan.learning_rate,
        seed=plan.seed,
        loss_scaling=precision == "float16",
    )


def known_precision(plan: Plan) -> Precision | None:
    """What the nets compute in, as asked or as the run there began; None where it is to be measured.

    Raises:
        UserError: float16 where it does not work.
    """
    asked = plan.config.precision
    if asked == "float16" and local_devices() == ["CPU:0"]:
        raise UserError("--precision float16: is for GPUs, and there is none here: give bfloat16 or float32")
    if asked != "auto":
        return Precision(asked)
    before = (read_config(plan.run_dir) or {}).get("config", {}).get("precision")
    return Precision(before, "as this run began") if before in POLICIES else None


def agreed(plan: Plan, precision: Precision | None, goes_on: bool) -> dict[str, object]:
    """What must be the same on all workers, by the name to show to the user."""
    states = saved_steps(plan.run_dir) if goes_on else []
    return identity(settings(plan, _name(precision))) | {
        "--dry-run": plan.config.dry_run,
        "--on-collapse": plan.config.on_collapse,
        "the last step": plan.last_step,
        "the first step": states[-1] if states else plan.first_step,
        "the devices": len(local_devices()),
        "the versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }


def _name(precision: Precision | None) -> str:
    return precision.name if precision else "auto"


def resumes(plan: Plan, precision: Precision | None) -> bool:
    """Whether the run folder holds a run to go on with.

    Raises:
        UserError: --resume says otherwise, or the run there has other settings.
    """
    folder, asked = printable(plan.run_dir), plan.config.resume
    there = read_config(plan.run_dir)
    if there is None and (saved_epochs(plan.run_dir) or saved_steps(plan.run_dir)):
        raise UserError(
            f"--run-dir {folder}: holds saved models, but no config.json to resume them with: start from them with "
            "--generator and --discriminator and another --run-dir"
        )
    if there is not None and asked == "never":
        raise UserError(f"--resume never: {folder} holds a run already: give another --run-dir")
    if there is None or not saved_steps(plan.run_dir):
        if asked == "must":
            raise UserError(f"--resume must: {folder} holds no run: check --run-dir, or leave out --resume")
        return False
    other = differences(identity(there), identity(settings(plan, _name(precision))))
    if other:
        raise UserError(
            f"{folder} was trained with other settings: {'; '.join(other)}: give the same ones, or another --run-dir"
        )
    return True


def restore(plan: Plan, precision: str) -> tuple[GAN, int]:
    """The newest state that can be read, and its step."""
    steps = saved_steps(plan.run_dir)
    for step in reversed(steps):
        try:
            gan = build_gan(plan, precision, saved_nets(plan.run_dir))
            restore_state(plan.run_dir, step, gan)
            return gan, step
        except (OSError, ValueError, LookupError, AssertionError, tf.errors.OpError) as error:
            first_line = str(error).partition("\n")[0]
            say(f"the state of step {step} cannot be read: {first_line}")
    raise UserError(
        f"{printable(plan.run_dir / 'state')}: none of its states can be read: start from a saved epoch with "
        "--generator and --discriminator and another --run-dir"
    )
