"""The loop: restore, step, log, sample, save."""

import contextlib
import math
import signal
import time
from pathlib import Path

import numpy as np

from dcgan_tf import adapt, checkpoints, h5files, images
from dcgan_tf.animation import animate, sample_pictures
from dcgan_tf.backend import tf
from dcgan_tf.card import versions
from dcgan_tf.cluster import Cluster, from_environment, meeting
from dcgan_tf.config import TrainConfig
from dcgan_tf.curves import write_curves
from dcgan_tf.data.pipeline import batches
from dcgan_tf.data.pixels import spread
from dcgan_tf.devices import choose_precision, local_devices, make_strategy, same_everywhere
from dcgan_tf.errors import UserError, printable
from dcgan_tf.gan import GAN, fixed_latents
from dcgan_tf.networks import build_discriminator, build_generator
from dcgan_tf.plan import Plan, Start, identity, make_plan, settings
from dcgan_tf.progress import Progress
from dcgan_tf.runlog import RunLog
from dcgan_tf.schedule import batch_size_at, is_due
from dcgan_tf.signals import StopRequest
from dcgan_tf.summary import measure_step, summary

LOG_EVERY = 10  # steps
STATE_SECONDS = 600  # the most work that a crash in a long epoch can cost
SAMPLE_BATCH = 64  # images generated at once for the sample pictures
TENSORBOARD_GRIDS = 50  # of a run, about; TensorBoard shows ten of them
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def train(config: TrainConfig) -> int:
    """Trains, or goes on training, the run that `config` describes; with the other workers where TF_CONFIG names some.

    Returns 0 when it is done, or the number of the signal that stopped it, after all is saved.

    Raises:
        UserError: something the user can mend; the run folder is as it was, or holds a whole checkpoint.
        LostWorker: another worker is gone; the run folder holds a whole checkpoint.
    """
    cluster = from_environment()
    with contextlib.ExitStack() as held:
        with meeting(cluster, checkpoints.differences) as agree:
            nets, start = _load_start(config)
            replicas = cluster.size * len(local_devices())
            plan = make_plan(config, start, replicas)
            precision = _precision(plan, replicas)
            resumes = not config.dry_run and _resumes(plan, precision)
            if cluster.is_chief and not config.dry_run:
                held.enter_context(checkpoints.locked(plan.run_dir))
            agree(_agreed(plan, precision, resumes))
        try:
            return _train(plan, precision, nets if not resumes else None, cluster)
        except tf.errors.OpError as error:
            if cluster.size == 1:
                raise
            raise cluster.lost(error, printable(plan.run_dir)) from error


def _train(plan: Plan, precision: str, nets, cluster: Cluster) -> int:
    """nets: what to start from; None to go on with what the run folder holds."""
    strategy = make_strategy(cluster)
    with strategy.scope():
        gan, step = _restore(plan, precision) if nets is None else (_build_gan(plan, precision, nets), plan.first_step)
        if not same_everywhere(strategy, step):
            raise UserError(f"{printable(plan.run_dir)}: the workers do not read the same states: share the folder")
        if step >= plan.last_step and not plan.config.dry_run:
            if cluster.is_chief:
                print(f"{plan.run_dir} is done: {step:,} steps; to go on, give a larger --epochs or --max-steps")
            return 0
        worker = Worker(plan, gan, step, cluster)
        seconds = measure_step(gan, worker.trial(), 5 if plan.config.dry_run else 2)
    if cluster.is_chief:
        print(summary(plan, gan, precision, seconds, step, cluster.size), flush=True)
    if plan.config.dry_run:
        return 0
    if cluster.is_chief:
        checkpoints.write_config(plan.run_dir, settings(plan, precision))
        checkpoints.save_nets(plan.run_dir, gan)
        _write_reals(plan)
        worker = Chief(plan, gan, step, cluster)
    with StopRequest() as stop, contextlib.closing(worker):
        _loop(worker, stop)
    if cluster.is_chief and worker.stopped_by != signal.SIGTERM:  # whoever sends that will not wait for long
        _draw_history(plan.run_dir)
    return worker.stopped_by or 0


def _loop(worker: "Worker", stop: StopRequest) -> None:
    plan = worker.plan
    for step, real in worker.batches(worker.step):
        metrics = worker.update(real, step, stop)
        epoch_ends = worker.step % plan.steps_per_epoch == 0 or worker.step == plan.last_step
        if epoch_ends or is_due(worker.step, LOG_EVERY, plan.last_step, first=True):
            worker.log(metrics)
        if epoch_ends:
            worker.end_epoch()
        if worker.stopped_by or time.monotonic() - worker.state_time > STATE_SECONDS:
            worker.save_state(metrics)
        if worker.stopped_by:
            break


class Worker:
    """A run under way: its nets and how many updates are done. It writes and prints nothing: of several workers, all
    but the chief are no more than this.

    stopped_by: the signal after which all workers stop, at the same step.
    """

    def __init__(self, plan: Plan, gan: GAN, step: int, cluster: Cluster):
        self.plan, self.gan, self.step, self.cluster = plan, gan, step, cluster
        self.state_time, self.stopped_by = time.monotonic(), None
        self._somebody_stops = None  # of the step before
        self._sound_step = step  # the last at which all losses were finite

    def batches(self, start: int):
        """(step, this worker's share of the images) from step `start` on."""
        plan, cluster = self.plan, self.cluster
        return batches(
            plan.source, plan.batch_size, plan.preset.drop_remainder, plan.config.seed,
            start, plan.last_step, cluster.index, cluster.size,
        )  # fmt: skip

    def update(self, images, step, stop: StopRequest):
        """One step of all workers; returns its metrics."""
        if self.gan.replicas == 1:
            metrics = self.gan.train_step(images, step)
            self.stopped_by = stop.signal
        else:
            metrics = self._shared_step(images, step, stop.signal is not None)
            # That of the step before: it is there, so that nobody waits for the step at hand.
            if self._somebody_stops is not None and bool(self._somebody_stops):
                self.stopped_by = stop.signal or signal.SIGTERM
            self._somebody_stops = metrics.pop("stop")
        self.step += 1
        return metrics

    def trial(self):
        """One update on the first images, as a function."""
        step, images = next(self.batches(0))
        if self.gan.replicas == 1:
            return lambda: self.gan.train_step(images, step)
        return lambda: self._shared_step(images, step, False)

    def _shared_step(self, images, step, stops: bool):
        plan = self.plan
        size = batch_size_at(int(step), len(plan.source), plan.batch_size, plan.preset.drop_remainder)
        return self.gan.shared_step(images, step, tf.constant(size, tf.int64), tf.constant(stops))

    def log(self, metrics) -> None:
        self._finite(metrics)

    def end_epoch(self) -> None:
        pass

    def save_state(self, metrics=None) -> None:
        """metrics: of the last step, where they have not been logged."""
        if metrics is not None:
            self._finite(metrics)
        self.state_time = time.monotonic()

    def close(self) -> None:
        pass

    def _finite(self, metrics) -> dict[str, float]:
        values = {name: float(value) for name, value in metrics.items()}
        if not all(map(math.isfinite, values.values())):
            states = checkpoints.saved_steps(self.plan.run_dir)
            raise UserError(
                f"the losses became NaN between steps {self._sound_step} and {self.step}: give a lower --learning-rate"
                f" (it is {self.plan.learning_rate:g}) or --precision float32, and another --run-dir; "
                + (f"the last sound state, of step {states[-1]}, is kept" if states else "no state was saved yet")
            )
        self._sound_step = self.step
        return values


class Chief(Worker):
    """The worker that writes and prints; the only one, mostly."""

    def __init__(self, plan: Plan, gan: GAN, step: int, cluster: Cluster):
        super().__init__(plan, gan, step, cluster)
        config = plan.config
        self.progress = Progress(step, plan.last_step, plan.steps_per_epoch, plan.epochs)
        self._state_step = None
        self._latents = fixed_latents(plan.preset, config.seed)
        self._log = RunLog(plan.run_dir, step)
        self._saver = checkpoints.ModelSaver(plan.run_dir, gan, config.keep_last, config.keep_every)
        self._rate_from()

    def update(self, images, step, stop: StopRequest):
        metrics = super().update(images, step, stop)
        self.progress.step()
        return metrics

    @property
    def epoch(self) -> int:
        """The epoch that the last step belongs to, counted from 1."""
        return math.ceil(self.step / self.plan.steps_per_epoch)

    def log(self, metrics) -> None:
        values = self._finite(metrics)
        seconds = time.perf_counter() - self._rate_time
        values["images_per_sec"] = (self.step - self._rate_step) * self.plan.batch_size / seconds
        self._rate_from()
        self._log.scalars(self.step, self.epoch, values)
        self.progress.numbers(values)

    def end_epoch(self) -> None:
        """Pictures and checkpoints, where they are due; a run that ends within an epoch counts it as ended."""
        config, total = self.plan.config, math.ceil(self.plan.last_step / self.plan.steps_per_epoch)
        self.progress.line()
        if is_due(self.epoch, config.sample_every, total):
            self._sample()
        if is_due(self.epoch, config.save_every, total):
            self._saver.save(self.epoch)
            self.save_state()
        self._rate_from()

    def save_state(self, metrics=None) -> None:
        """metrics: of the last step, where they have not been logged. A state that is there is not written again."""
        if self._state_step == self.step:
            return
        if metrics is not None:
            self._finite(metrics)
        checkpoints.save_state(self.plan.run_dir, self.step, self.gan)
        self.state_time, self._state_step = time.monotonic(), self.step

    def close(self) -> None:
        self.progress.close()
        self._log.close()

    def _sample(self) -> None:
        floats = [
            self.gan.generator(self._latents[at : at + SAMPLE_BATCH], training=False).numpy()
            for at in range(0, len(self._latents), SAMPLE_BATCH)
        ]
        grid = images.grid(images.to_uint8(np.concatenate(floats)), *self.plan.preset.grid)
        images.write_png(self.plan.run_dir / "picture" / f"image_at_epoch_{self.epoch:04d}.png", grid)
        if is_due(self.epoch, max(1, self.plan.epochs // TENSORBOARD_GRIDS), self.plan.epochs, first=True):
            self._log.picture(self.epoch, grid)

    def _rate_from(self) -> None:
        self._rate_step, self._rate_time = self.step, time.perf_counter()


def _load_start(config: TrainConfig):
    """((generator or None, discriminator or None), Start or None): the saved nets that the flags name."""
    paths = {name: getattr(config, name) for name in checkpoints.NETS if getattr(config, name)}
    if not paths:
        return (None, None), None
    nets = {name: h5files.load_model(path) for name, path in paths.items()}
    epochs = {name: h5files.epoch_of(path) for name, path in paths.items()}
    if len(set(epochs.values())) > 1:
        raise UserError(
            f"--generator {printable(config.generator)} and --discriminator {printable(config.discriminator)} "
            "are of different epochs: give two files of one epoch"
        )
    generator, discriminator = nets.get("generator"), nets.get("discriminator")
    if generator is not None:
        adapt.check_generator(generator, config.generator)
    if discriminator is not None:
        discriminator, _ = adapt.as_logits(discriminator, config.discriminator)
    start = Start(
        image_shape=generator.output_shape[1:] if generator is not None else discriminator.input_shape[1:],
        latent_dim=generator.input_shape[-1] if generator is not None else None,
        epoch=next(iter(epochs.values())) or 0,
    )
    return (generator, discriminator), start


def _build_gan(plan: Plan, precision: str, nets=(None, None)) -> GAN:
    """The nets as given (float32), or new ones; with new optimizers."""
    config, shape = plan.config, plan.source.image_shape
    generator, discriminator = nets
    if generator is None:
        generator = build_generator(plan.preset, config.seed)
    else:
        adapt.check_generator(generator, config.generator, shape)
    if discriminator is None:
        discriminator = build_discriminator(plan.preset, config.seed)
    else:
        adapt.check_discriminator(discriminator, config.discriminator, shape)
    generator, discriminator = (adapt.with_dtype(net, POLICIES[precision]) for net in (generator, discriminator))
    return GAN(
        plan.preset,
        generator,
        discriminator,
        learning_rate=plan.learning_rate,
        seed=config.seed,
        loss_scaling=precision == "float16",
    )


def _precision(plan: Plan, replicas: int) -> str:
    precision = choose_precision(plan.config.precision, plan.source.image_shape)
    if precision == "float16" and replicas > 1:
        raise UserError("--precision float16: trains on one device only: give bfloat16 or float32")
    return precision


def _agreed(plan: Plan, precision: str, resumes: bool) -> dict[str, object]:
    """What must be the same on all workers, by the name to show to the user."""
    states = checkpoints.saved_steps(plan.run_dir) if resumes else []
    return identity(settings(plan, precision)) | {
        "--dry-run": plan.config.dry_run,
        "the last step": plan.last_step,
        "the first step": states[-1] if states else plan.first_step,
        "the devices": len(local_devices()),
        "the versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }


def _resumes(plan: Plan, precision: str) -> bool:
    """Whether the run folder holds a run to go on with.

    Raises:
        UserError: --resume says otherwise, or the run there has other settings.
    """
    folder, asked = printable(plan.run_dir), plan.config.resume
    there = checkpoints.read_config(plan.run_dir)
    if there is None and (checkpoints.saved_epochs(plan.run_dir) or checkpoints.saved_steps(plan.run_dir)):
        raise UserError(
            f"--run-dir {folder}: holds saved models, but no config.json to resume them with: start from them with "
            "--generator and --discriminator and another --run-dir"
        )
    if there is not None and asked == "never":
        raise UserError(f"--resume never: {folder} holds a run already: give another --run-dir")
    if there is None or not checkpoints.saved_steps(plan.run_dir):
        if asked == "must":
            raise UserError(f"--resume must: {folder} holds no run: check --run-dir, or leave out --resume")
        return False
    other = checkpoints.differences(identity(there), identity(settings(plan, precision)))
    if other:
        raise UserError(
            f"{folder} was trained with other settings: {'; '.join(other)}: give the same ones, or another --run-dir"
        )
    return True


def _restore(plan: Plan, precision: str) -> tuple[GAN, int]:
    """The newest state that can be read, and its step."""
    steps = checkpoints.saved_steps(plan.run_dir)
    for step in reversed(steps):
        try:
            gan = _build_gan(plan, precision, checkpoints.saved_nets(plan.run_dir))
            checkpoints.restore_state(plan.run_dir, step, gan)
            return gan, step
        except (OSError, ValueError, LookupError, AssertionError, tf.errors.OpError) as error:
            first_line = str(error).partition("\n")[0]
            print(f"the state of step {step} cannot be read: {first_line}")
    raise UserError(
        f"{printable(plan.run_dir / 'state')}: none of its states can be read: start from a saved epoch with "
        "--generator and --discriminator and another --run-dir"
    )


def _write_reals(plan: Plan) -> None:
    """picture/reals.png: real images, evenly spread over the set, in the grid of the samples."""
    rows, columns = plan.preset.grid
    reals = plan.source.read(spread(len(plan.source), rows * columns))
    images.write_png(plan.run_dir / "picture" / "reals.png", images.grid(reals, rows, columns))


def _draw_history(run_dir: Path) -> None:
    """losses.png and training.gif, from what the run has logged and drawn so far."""
    write_curves(run_dir / "log.jsonl", run_dir / "losses.png")
    if sample_pictures(run_dir):
        print(f"making {run_dir / 'training.gif'} ...", flush=True)
        animate(run_dir)
