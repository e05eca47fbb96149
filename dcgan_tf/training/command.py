"""`dcgan-tf train`: what is to be trained is agreed on, then trained, then shown."""

import contextlib
import signal

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import disk_errors_in_one_line
from dcgan_tf.common.pixels import spread
from dcgan_tf.config.checks import check
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.sizes import enlarging_text
from dcgan_tf.pictures.animation import animate
from dcgan_tf.pictures.curves import write_curves
from dcgan_tf.pictures.images import write_png
from dcgan_tf.pictures.sheet import sheet_of_run
from dcgan_tf.runs.best import find_best
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import differences, identity, read_settings, write_settings
from dcgan_tf.runs.state import architectures, remove_old_states, save_state
from dcgan_tf.training import closing, rollback
from dcgan_tf.training.loop import loop
from dcgan_tf.training.machine.cluster import Cluster, from_environment
from dcgan_tf.training.machine.devices import (
    check_precision,
    local_devices,
    make_strategy,
    sum_over_workers,
)
from dcgan_tf.training.machine.meeting import meeting
from dcgan_tf.training.machine.signals import StopRequest
from dcgan_tf.training.machine.tuning import settle_precision, settle_xla
from dcgan_tf.training.plan import Plan, open_run, plan_run
from dcgan_tf.training.recorder import Recorder
from dcgan_tf.training.resume import goes_on, resume
from dcgan_tf.training.start import load_start, start
from dcgan_tf.training.summary import summary
from dcgan_tf.training.trainer import Trainer
from dcgan_tf.training.trial import not_enough_memory
from dcgan_tf.training.watchdog import Collapse


def train(flags: TrainConfig) -> int:
    """Trains, or goes on training, the run that `flags` describes; with the other workers where TF_CONFIG names some.

    flags: in range, see `config.checks`; where there are other workers, that is found out here.

    Returns 0 when it is done, or the number of the signal that stopped it, after all is saved.

    Raises:
        UserError: something the user can mend; the run folder is as it was, or holds a whole checkpoint.
        LostWorker: another worker is gone; the run folder holds a whole checkpoint.
    """
    cluster = from_environment()
    with contextlib.ExitStack() as held:
        with meeting(cluster, differences) as agree:
            if cluster.size > 1:
                check(flags)  # A mistake that is found within the meeting ends the other workers, too.
            nets, known = load_start(flags, cluster)
            plan, resumes = _decide(flags, known, cluster, held)
            agree(_agreed(plan, resumes))
        try:
            return _train(plan, flags.precision == "auto", resumes, nets, cluster)
        except tf.errors.ResourceExhaustedError as error:
            raise not_enough_memory(plan) from error
        except tf.errors.OpError as error:
            if cluster.size == 1:
                raise
            raise cluster.lost(error, printable(plan.folder.path)) from error


def _decide(flags: TrainConfig, known, cluster: Cluster, held: contextlib.ExitStack) -> tuple[Plan, bool]:
    """(plan, whether it resumes the run in its folder), decided by the chief while it holds the folder's lock, which goes
    to `held`. A dry run and other workers write nothing, and take no lock."""
    devices = local_devices()
    on_processor = devices[0].startswith("CPU")
    flags, source, folder = open_run(flags, known, on_processor=on_processor)
    had_lock, writes = folder.lock.exists(), cluster.is_chief and not flags.dry_run
    lock = contextlib.ExitStack()
    if writes:
        lock.enter_context(folder.locked())
    try:
        begun = read_settings(folder)
        replicas = cluster.size * len(devices)
        plan = plan_run(flags, source, folder, begun, known, replicas, on_processor=on_processor)
        check_precision(flags.precision)
        resumes = not flags.dry_run and goes_on(plan, begun)
    except UserError:
        if writes and not had_lock:
            folder.remove_lock()  # A command that is refused leaves nothing behind.
        lock.close()
        raise
    held.enter_context(lock)
    return plan, resumes


def _agreed(plan: Plan, resumes: bool) -> dict[str, object]:
    """What must be the same on all workers, by the name to show to the user."""
    states = plan.folder.saved_steps() if resumes else []
    return identity(plan.settings) | {
        "--dry-run": plan.config.dry_run,
        "--on-collapse": plan.config.on_collapse,
        "the last step": plan.last_step,
        "the first step": states[-1] if states else plan.first_step,
        "the devices": len(local_devices()),
        "the versions": ", ".join(f"{name} {version}" for name, version in plan.settings.versions.items()),
    }


def _train(plan: Plan, precision_is_free: bool, resumes: bool, nets, cluster: Cluster) -> int:
    """nets: what to start from, unless the run is resumed; None where they are still to be loaded."""
    strategy, dry_run = make_strategy(cluster), plan.config.dry_run
    precision = settle_precision(plan.config.precision, precision_is_free, strategy)
    plan = plan.with_precision(precision.name)
    with strategy.scope():
        if resumes:
            current, gan, step = _resume(plan, strategy, cluster)
            if cluster.is_chief:
                # A run that was killed may have left one too many.
                remove_old_states(plan.folder, step, {plan.kept_state, find_best(plan.folder).get("step")})
        else:
            current, (gan, step) = plan, start(plan, precision.name, nets)
        if step >= plan.last_step and not dry_run:
            if cluster.is_chief:
                if not _has_history(plan.folder):  # The run was killed before it had drawn it.
                    _draw_history(plan.folder)
                say(closing.done(plan))
            return 0
        trainer = Trainer(current, gan, step, cluster)
        if cluster.is_chief:
            say("compiling the training step ...")
        seconds = settle_xla(gan, trainer.trial(), 5 if dry_run else 2)
    if cluster.is_chief:
        say(summary(current, gan, precision, seconds, step, cluster.size))
        if enlarged := enlarging_text(plan.source, is_free=not (plan.config.generator or plan.config.discriminator)):
            say(enlarged)
    if dry_run:
        return 0
    with closing.told_when_broken_off(plan) if cluster.is_chief else contextlib.nullcontext():
        if cluster.is_chief:
            _write_beginning(plan, gan, step, resumes)
        with StopRequest() as stop:
            stopped_by = _run(trainer, stop)
        # Who sends another signal than Ctrl-C, such as a cluster, kills soon after.
        if cluster.is_chief and stopped_by in (None, signal.SIGINT):
            _draw_history(plan.folder)
    if cluster.is_chief:
        say(closing.stopped(plan, stopped_by) if stopped_by else closing.done(plan))
    return stopped_by or 0


def _resume(plan: Plan, strategy: tf.distribute.Strategy, cluster: Cluster):
    """(plan, gan, step) of the newest state, the same on all workers."""
    with strategy.scope():
        current, gan, step = resume(plan, plan.config.precision)
    if round(sum_over_workers(strategy, step)) != step * cluster.size:
        raise UserError(f"{printable(plan.folder.path)}: the workers do not read the same states: share the folder")
    return current, gan, step


def _run(trainer: Trainer, stop: StopRequest) -> int | None:
    """Trains to the end, or until it is stopped, going back where the run collapses. Returns the signal that stopped it."""
    while True:
        plan, gan, cluster = trainer.plan, trainer.gan, trainer.cluster
        try:
            with contextlib.ExitStack() as recording:
                recorder = recording.enter_context(contextlib.closing(Recorder(trainer))) if cluster.is_chief else None
                loop(trainer, recorder, stop)
            return trainer.stopped_by
        except Collapse as collapse:
            if cluster.is_chief:
                rollback.go_back(plan, trainer.step, str(collapse))
            sum_over_workers(gan.strategy, 0)  # This waits for the chief: nobody reads before it has written.
            plan, again, step = _resume(plan, gan.strategy, cluster)
            again.use_xla(gan.xla)
            trainer = Trainer(plan, again, step, cluster)
            if cluster.is_chief:
                way = "starting over" if step == plan.first_step else f"going back to step {step:,}, on"
                say(f"{way} with learning rate {plan.learning_rate:g} and other random numbers")


def _write_beginning(plan: Plan, gan, step: int, resumes: bool) -> None:
    """What a run's folder holds before its first step.

    What a run has left that was killed before its first state goes first: none of it belongs to the settings that are
    written then.
    """
    folder = plan.folder
    if not resumes:
        with disk_errors_in_one_line(folder.path):
            for left_over in (folder.best, folder.rollbacks, *(path for _, _, path in folder.named_pictures())):
                left_over.unlink(missing_ok=True)
        for epoch in folder.saved_epochs():
            folder.remove_models(epoch)
    write_settings(folder, plan.settings)
    if not resumes and plan.rolls_back:
        save_state(folder, step, gan, architectures(gan))  # A collapse may send the run back to it.
    reals = plan.source.read(shown_reals(plan))
    write_png(folder.reals, sheet_of_run(reals, plan.settings))


def shown_reals(plan: Plan) -> np.ndarray:
    """The indices of the real images that are shown: evenly spread over all, or over each class. A class of fewer images
    than a row has shows some twice."""
    rows, columns = plan.preset.grid
    if not plan.preset.classes:
        return spread(len(plan.source), rows * columns)
    members = [np.flatnonzero(plan.source.classes.numbers == number) for number in plan.preset.shown_classes]
    return np.concatenate([own[np.arange(columns) * len(own) // columns] for own in members])


def _has_history(folder: RunFolder) -> bool:
    """Whether `_draw_history` has been done since the last line of the log."""
    made = [folder.losses, *([folder.film("gif")] if any(folder.named_pictures()) else [])]
    lines = folder.log.stat().st_mtime_ns if folder.log.exists() else 0
    return all(path.exists() and path.stat().st_mtime_ns >= lines for path in made)


def _draw_history(folder: RunFolder) -> None:
    """losses.png and training.gif, from what the run has logged and drawn so far."""
    write_curves(folder)
    if any(folder.named_pictures()):
        say(f"all is saved; making {folder.film('gif')} ...")
        animate(folder.path)
