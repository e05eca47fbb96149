"""The nets of a run under way: which images come next, one update after the other, when all workers stop."""

import math
import signal
from collections.abc import Callable

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.data.pipeline import batches
from dcgan_tf.gan.step import GAN
from dcgan_tf.training.machine.cluster import Cluster
from dcgan_tf.training.machine.devices import sum_over_workers
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.watchdog import Collapse


class Diverged(UserError):
    """The losses are no numbers any more; the same steps would end the same."""


class Trainer:
    """Trains, and writes and prints nothing. Every worker of a cluster has one, and does the same with it.

    Attributes:
        step: how many updates are done.
        stopped_by: the signal after which all workers stop, at the same step; None while there was none.
    """

    def __init__(self, plan: Plan, gan: GAN, step: int, cluster: Cluster | None = None):
        """step: how many updates of `gan` are done. cluster: None for this process alone."""
        self.plan, self.gan, self.step = plan, gan, step
        self.cluster = cluster or Cluster()
        self.stopped_by = None
        self._stop_flag = None  # Whether any worker asked to stop, as a tensor of the previous step.
        self._last_finite_step = step

    @property
    def epoch(self) -> int:
        """The epoch that the last step belongs to, counted from 1."""
        return math.ceil(self.step / self.plan.steps_per_epoch)

    @property
    def last_epoch(self) -> int:
        return math.ceil(self.plan.last_step / self.plan.steps_per_epoch)

    @property
    def epoch_ends(self) -> bool:
        """Whether an epoch is done; a run that ends within one counts it as done."""
        return self.step % self.plan.steps_per_epoch == 0 or self.step == self.plan.last_step

    def batches(self, stop=None):
        """(step, this worker's share of the images, and of their labels where the nets know classes) for all steps that are
        left.

        stop: a `StopRequest`. Where its signal comes while images are waited for, which may take for ever, as from a
        network, the steps of a run without other workers end.
        """
        gives_up = (lambda: stop.signal is not None) if stop and self.cluster.size == 1 else None
        yield from self._batches(self.step, gives_up)
        if gives_up and gives_up() and self.step < self.plan.last_step:
            self.stopped_by = stop.signal

    def update(self, step, images, labels=(), stop=None) -> dict:
        """One update by all workers; returns its metrics, see `GAN.train_step`.

        step, images, labels: of `batches`; labels: () or (int32 [N],). stop: a `StopRequest`, whose signal stops all workers; None: nothing does.
        """
        asked = stop.signal if stop else None
        if self.gan.replicas == 1:
            metrics = self.gan.train_step(images, step, *labels)
            self.stopped_by = asked
        else:
            metrics = self._shared_step(step, images, labels, asked is not None)
            # Reads the stop flag of the previous step: reading the current one would block until the step is done.
            if self._stop_flag is not None and bool(self._stop_flag):
                self.stopped_by = asked or signal.SIGTERM
            self._stop_flag = metrics.pop("stop")
        self.step += 1
        return metrics

    def trial(self):
        """One update on the first images of the run, as a function that can be timed."""
        step, images, *labels = next(self._batches(0))
        if self.gan.replicas == 1:
            return lambda: self.gan.train_step(images, step, *labels)
        return lambda: self._shared_step(step, images, labels, False)

    def numbers(self, metrics, may_go_back: Callable[[], bool] | None) -> dict[str, float]:
        """The metrics of the last step as numbers. All workers must call this at the same step.

        may_go_back: whether the run goes back, asked only where one is not finite, as it reads files; only the chief
        knows, the others give None.

        Raises:
            Collapse: one is not finite, and the run is to go back.
            Diverged: one is not finite.
        """
        values = {name: float(value) for name, value in metrics.items()}
        if all(map(math.isfinite, values.values())):
            self._last_finite_step = self.step
            return values
        reason = f"the losses became NaN between steps {self._last_finite_step} and {self.step}"
        self.go_back_for(reason if may_go_back and may_go_back() else None)
        states = self.plan.folder.saved_steps()
        raise Diverged(
            f"{reason}: give a lower --learning-rate"
            f" (it is {self.plan.learning_rate:g}) or --precision float32, and another --run-dir; "
            + (f"the last sound state, of step {states[-1]}, is kept" if states else "no state was saved yet")
        )

    def go_back_for(self, reason: str | None) -> None:
        """Ends the steps of all workers where the chief gives a reason; the others give None. All must call this at the
        same step.

        Raises:
            Collapse: with the chief's reason.
        """
        if self.plan.rolls_back and sum_over_workers(self.gan.strategy, reason is not None) > 0:
            raise Collapse(reason)

    def _batches(self, start: int, gives_up=None):
        plan, cluster = self.plan, self.cluster
        share = (cluster.index, cluster.size)
        is_labelled = plan.preset.classes > 0
        return batches(plan.source, plan.order, start, plan.last_step, *share, gives_up, labelled=is_labelled)

    def _shared_step(self, step, images, labels, stops: bool) -> dict:
        size = self.plan.order.size_of(int(step))
        return self.gan.shared_step(images, step, tf.constant(size, tf.int64), tf.constant(stops), *labels)
