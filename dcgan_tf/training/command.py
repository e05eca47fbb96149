"""The loop: restore, step, log, sample, save."""

import contextlib
import signal
import time
from pathlib import Path

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.pixels import spread
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.gan.step import GAN
from dcgan_tf.pictures import images
from dcgan_tf.pictures.animation import animate
from dcgan_tf.pictures.curves import write_curves
from dcgan_tf.runs.folder import locked, sample_pictures
from dcgan_tf.runs.settings import differences, write_config
from dcgan_tf.runs.state import save_nets, save_state
from dcgan_tf.training import rollback
from dcgan_tf.training.cadence import is_due
from dcgan_tf.training.console import say
from dcgan_tf.training.machine.cluster import Cluster, from_environment, meeting
from dcgan_tf.training.machine.devices import describe_device, local_devices, make_strategy, sum_over_workers
from dcgan_tf.training.machine.signals import StopRequest
from dcgan_tf.training.machine.tuning import Precision, fastest_precision, settle_xla
from dcgan_tf.training.plan import Plan, make_plan, settings
from dcgan_tf.training.start import agreed, build_gan, known_precision, load_nets, load_start, resumes
from dcgan_tf.training.summary import summary
from dcgan_tf.training.trainer import Chief, Worker
from dcgan_tf.training.watchdog import Collapse

LOG_EVERY = 10  # steps
STATE_SECONDS = 600  # the most work that a crash in a long epoch can cost


def train(config: TrainConfig) -> int:
    """Trains, or goes on training, the run that `config` describes; with the other workers where TF_CONFIG names some.

    Returns 0 when it is done, or the number of the signal that stopped it, after all is saved.

    Raises:
        UserError: something the user can mend; the run folder is as it was, or holds a whole checkpoint.
        LostWorker: another worker is gone; the run folder holds a whole checkpoint.
    """
    cluster = from_environment()
    with contextlib.ExitStack() as held:
        with meeting(cluster, differences) as agree:
            nets, start = load_start(config, cluster)
            devices = local_devices()
            replicas = cluster.size * len(devices)
            plan = make_plan(config, start, replicas, on_processor=devices[0].startswith("CPU"))
            precision = known_precision(plan)
            goes_on = not config.dry_run and resumes(plan, precision)
            if cluster.is_chief and not config.dry_run:
                held.enter_context(locked(plan.run_dir))
            agree(agreed(plan, precision, goes_on))
        try:
            return _train(plan, precision, goes_on, nets, cluster)
        except tf.errors.ResourceExhaustedError as error:
            raise UserError(
                f"not enough memory on {describe_device()} for batches of {plan.batch_size}: give a lower --batch-size, "
                "or end what else uses it"
            ) from error
        except tf.errors.OpError as error:
            if cluster.size == 1:
                raise
            raise cluster.lost(error, printable(plan.run_dir)) from error


def _train(plan: Plan, precision: Precision | None, goes_on: bool, nets, cluster: Cluster) -> int:
    """nets: what to start from, unless the run goes on; None where they are still to be loaded."""
    strategy = make_strategy(cluster)
    precision = precision or fastest_precision(strategy)
    with strategy.scope():
        if goes_on:
            current, gan, step = _resume(plan, precision.name, strategy, cluster)
        else:
            gan = build_gan(plan, precision.name, nets or load_nets(plan.config))
            current, step = plan, plan.first_step
        if step >= plan.last_step and not plan.config.dry_run:
            if cluster.is_chief:
                say(f"{plan.run_dir} is done: {step:,} steps; to go on, give a larger --epochs or --max-steps")
            return 0
        worker = Worker(current, gan, step, cluster)
        seconds = settle_xla(gan, worker.trial(), 5 if plan.config.dry_run else 2)
    if cluster.is_chief:
        say(summary(current, gan, precision, seconds, step, cluster.size))
    if plan.config.dry_run:
        return 0
    if cluster.is_chief:
        write_config(plan.run_dir, settings(plan, precision.name))
        save_nets(plan.run_dir, gan)
        if not goes_on:
            for name in ("best.json", "rollbacks.json"):  # of a run that left no state
                (plan.run_dir / name).unlink(missing_ok=True)
            if plan.rolls_back:
                save_state(plan.run_dir, step, gan)  # to start over from
        _write_reals(plan)
    with StopRequest() as stop:
        worker = _run(current, precision.name, gan, step, cluster, stop)
    if cluster.is_chief and worker.stopped_by != signal.SIGTERM:  # whoever sends that will not wait for long
        _draw_history(plan.run_dir)
    return worker.stopped_by or 0


def _resume(plan: Plan, precision: str, strategy: tf.distribute.Strategy, cluster: Cluster):
    """(plan, gan, step) of the newest state, the same on all workers."""
    with strategy.scope():
        current, gan, step = rollback.resume(plan, precision)
    if round(sum_over_workers(strategy, step)) != step * cluster.size:
        raise UserError(f"{printable(plan.run_dir)}: the workers do not read the same states: share the folder")
    return current, gan, step


def _run(plan: Plan, precision: str, gan: GAN, step: int, cluster: Cluster, stop: StopRequest) -> Worker:
    """Trains to the end or until it is stopped, going back where the run collapses."""
    while True:
        worker = (Chief if cluster.is_chief else Worker)(plan, gan, step, cluster)
        try:
            with contextlib.closing(worker):
                _loop(worker, stop)
            return worker
        except Collapse as collapse:
            if cluster.is_chief:
                rollback.go_back(plan, worker.step, str(collapse))
            sum_over_workers(gan.strategy, 0)  # nobody reads before the chief has written
            plan, gan, step = _resume(plan, precision, gan.strategy, cluster)
            gan.use_xla(worker.gan.xla)
            if cluster.is_chief:
                way = "starting over" if step == plan.first_step else f"going back to step {step:,}, on"
                say(f"{way} with learning rate {plan.learning_rate:g} and other random numbers")


def _loop(worker: Worker, stop: StopRequest) -> None:
    plan = worker.plan
    for step, real in worker.batches(worker.step):
        metrics = worker.update(real, step, stop)
        epoch_ends = worker.step % plan.steps_per_epoch == 0 or worker.step == plan.last_step
        is_logged = epoch_ends or is_due(worker.step, LOG_EVERY, plan.last_step, first=True)
        if is_logged:
            worker.log(metrics)
        if epoch_ends:
            worker.end_epoch()
        if worker.stopped_by:
            worker.check(metrics)
            worker.save_state()
            break
        if is_logged and time.monotonic() - worker.state_time > STATE_SECONDS:
            worker.save_state()


def _write_reals(plan: Plan) -> None:
    """picture/reals.png: real images, evenly spread over the set, in the grid of the samples."""
    rows, columns = plan.preset.grid
    reals = plan.source.read(spread(len(plan.source), rows * columns))
    images.write_png(plan.run_dir / "picture" / "reals.png", images.grid(reals, rows, columns))


def _draw_history(run_dir: Path) -> None:
    """losses.png and training.gif, from what the run has logged and drawn so far."""
    write_curves(run_dir / "log.jsonl", run_dir / "losses.png")
    if sample_pictures(run_dir):
        say(f"making {run_dir / 'training.gif'} ...")
        animate(run_dir)
