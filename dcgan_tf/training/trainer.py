"""A run under way: its steps, and what the chief of its workers writes of them."""

import math
import signal
import time

import numpy as np

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.data.pipeline import batches
from dcgan_tf.gan.randomness import fixed_latents
from dcgan_tf.gan.step import GAN
from dcgan_tf.generators.sampler import Sampler
from dcgan_tf.pictures import images
from dcgan_tf.runs.folder import saved_steps
from dcgan_tf.runs.log import RunLog
from dcgan_tf.runs.state import save_state
from dcgan_tf.training.cadence import Cadence, is_due
from dcgan_tf.training.console import Progress
from dcgan_tf.training.judge import Judge
from dcgan_tf.training.machine.cluster import Cluster
from dcgan_tf.training.machine.devices import sum_over_workers
from dcgan_tf.training.machine.signals import StopRequest
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.saver import ModelSaver
from dcgan_tf.training.watchdog import Collapse

STATE_SECONDS_AT_LEAST = 30  # between full states, unless --save-every says how often
SAMPLE_BATCH = 64  # images generated at once for the sample pictures
TENSORBOARD_GRIDS = 50  # of a run, about; TensorBoard shows ten of them


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
        return batches(plan.source, plan.order, start, plan.last_step, cluster.index, cluster.size)

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
        size = self.plan.order.size_of(int(step))
        return self.gan.shared_step(images, step, tf.constant(size, tf.int64), tf.constant(stops))

    def save_state(self) -> None:
        self.state_time = time.monotonic()

    def close(self) -> None:
        pass

    # All workers do the following at the same steps.

    def check(self, metrics) -> dict[str, float]:
        """The metrics of the last step as numbers.

        Raises:
            Collapse: one is not finite, and the run is to go back.
            UserError: one is not finite.
        """
        values = {name: float(value) for name, value in metrics.items()}
        if not all(map(math.isfinite, values.values())):
            reason = f"the losses became NaN between steps {self._sound_step} and {self.step}"
            self._go_back(reason if self._may_go_back() else None)
            states = saved_steps(self.plan.run_dir)
            raise UserError(
                f"{reason}: give a lower --learning-rate"
                f" (it is {self.plan.learning_rate:g}) or --precision float32, and another --run-dir; "
                + (f"the last sound state, of step {states[-1]}, is kept" if states else "no state was saved yet")
            )
        self._sound_step = self.step
        return values

    def log(self, metrics) -> None:
        self.check(metrics)

    def end_epoch(self) -> None:
        """Raises Collapse where the pictures are lost, and the run is to go back."""
        self._go_back(None)

    def _may_go_back(self) -> bool:
        return False

    def _go_back(self, reason: str | None) -> None:
        """Ends the steps of all workers with a Collapse where the chief gives a reason; the others give none."""
        if self.plan.rolls_back and sum_over_workers(self.gan.strategy, reason is not None) > 0:
            raise Collapse(reason)


class Chief(Worker):
    """The worker that writes and prints; the only one, mostly."""

    def __init__(self, plan: Plan, gan: GAN, step: int, cluster: Cluster):
        super().__init__(plan, gan, step, cluster)
        config = plan.config
        self.progress = Progress(step, plan.last_step, plan.steps_per_epoch, plan.epochs)
        self._state_step = None
        self._latents = fixed_latents(plan.preset, config.seed)
        self._log = RunLog(plan.run_dir, step)
        self._saver = ModelSaver(plan.run_dir, gan, config.keep_last, config.keep_every)
        self._sampling, self._saving = Cadence(config.sample_every, 0.01), Cadence(config.save_every, 0.02)
        self._sampler = Sampler(gan)
        self._judge = Judge(plan, self._pictures, self._log, self.progress, self._keep_best)
        self._rate_from()
        self._epoch_from()

    def update(self, images, step, stop: StopRequest):
        metrics = super().update(images, step, stop)
        self.progress.step()
        return metrics

    @property
    def epoch(self) -> int:
        """The epoch that the last step belongs to, counted from 1."""
        return math.ceil(self.step / self.plan.steps_per_epoch)

    def log(self, metrics) -> None:
        values = self.check(metrics)
        seconds = time.perf_counter() - self._rate_time
        values["images_per_sec"] = (self.step - self._rate_step) * self.plan.batch_size / seconds
        self._rate_from()
        self._log.scalars(self.step, self.epoch, values)
        self.progress.numbers(values)

    def end_epoch(self) -> None:
        """Pictures and checkpoints, where they are due; a run that ends within an epoch counts it as ended."""
        config, total = self.plan.config, math.ceil(self.plan.last_step / self.plan.steps_per_epoch)
        seconds = (time.perf_counter() - self._epoch_time) * self.plan.steps_per_epoch / (self.step - self._epoch_step)
        self.progress.line()
        if self._sampling.is_due(self.epoch, total, seconds):
            with self._sampling.timed():
                self._sample()
        saved = self._judge.end_epoch(self.epoch, self.step, total, seconds)
        self._go_back(self._judge.collapse)
        if saved:
            self._saver.delete_old()  # the best before was kept until this one was named
        if self._saving.is_due(self.epoch, total, seconds):
            with self._saving.timed():
                if not saved:
                    self._save_models()
                # The models of later epochs are made again where a killed run goes on from an older state.
                old = time.monotonic() - self.state_time > STATE_SECONDS_AT_LEAST
                if config.save_every or old or self._state_step is None or self.epoch == total:
                    self.save_state()
        self._rate_from()
        self._epoch_from()

    def save_state(self) -> None:
        """A state that is there is not written again."""
        if self._state_step == self.step:
            return
        first = self.plan.first_step if self.plan.rolls_back else None
        save_state(self.plan.run_dir, self.step, self.gan, first)
        self.state_time, self._state_step = time.monotonic(), self.step

    def close(self) -> None:
        self.progress.close()
        self._log.close()

    def _pictures(self, latents):
        return self._sampler.pictures(latents, self.step)

    def _save_models(self) -> None:
        self._saver.save(self.epoch, self._sampler.net(self.step))

    def _keep_best(self) -> None:
        self._save_models()
        if self.plan.rolls_back:
            self.save_state()

    def _may_go_back(self) -> bool:
        return self._judge.may_go_back()

    def _sample(self) -> None:
        starts = range(0, len(self._latents), SAMPLE_BATCH)
        pictures = [self._pictures(self._latents[at : at + SAMPLE_BATCH]).numpy() for at in starts]
        grid = images.grid(np.concatenate(pictures), *self.plan.preset.grid)
        images.write_png(self.plan.run_dir / "picture" / f"image_at_epoch_{self.epoch:04d}.png", grid)
        if is_due(self.epoch, max(1, self.plan.epochs // TENSORBOARD_GRIDS), self.plan.epochs, first=True):
            self._log.picture(self.epoch, grid)

    def _epoch_from(self) -> None:
        self._epoch_step, self._epoch_time = self.step, time.perf_counter()

    def _rate_from(self) -> None:
        self._rate_step, self._rate_time = self.step, time.perf_counter()
