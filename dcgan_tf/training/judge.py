"""At the ends of epochs: how good the pictures are, which epoch is the best, and whether the run has collapsed."""

import math
from collections.abc import Callable

from dcgan_tf.metrics import swd
from dcgan_tf.runs.folder import read_best, write_best
from dcgan_tf.runs.log import RunLog
from dcgan_tf.training import rollback, watchdog
from dcgan_tf.training.cadence import Cadence
from dcgan_tf.training.console import Progress
from dcgan_tf.training.measure import Measure
from dcgan_tf.training.plan import Plan


class Judge:
    """Measures a run as often as its plan says, and writes best.json; where there are too few images, it does nothing.

    collapse: why the run is to go back to its best epoch; None while it need not, or cannot.
    """

    def __init__(self, plan: Plan, pictures: Callable, log: RunLog, progress: Progress, keep: Callable[[], None]):
        """pictures: latents to images, of the net as it is then. keep: saves the models of the epoch, and what a
        rollback needs."""
        self._plan, self._pictures, self._log, self._progress, self._keep = plan, pictures, log, progress, keep
        every = plan.config.evaluate_every
        self._measures, self._measure = every != 0 and swd.fits(plan.source), None
        # Whether the pictures are still diverse is cheap, and soon shows a collapse.
        self._watching, self._measuring = Cadence(every, 0.01), Cadence(every, 0.03, guess=5.0)
        self._best = read_best(plan.run_dir)
        self.collapse = None
        self._lost = self._certain = self._stuck = False  # what has been said, and still holds

    def end_epoch(self, epoch: int, step: int, total: int, seconds: float) -> bool:
        """Measures what is due. Returns whether the pictures are the best so far, and were kept.

        total: the last epoch. seconds: what an epoch's steps take.
        """
        if not self._measures:
            return False
        scores_all, is_best = self._measuring.is_due(epoch, total, seconds), False
        if not scores_all and not self._watching.is_due(epoch, total, seconds):
            return False
        if self._measure is None:
            self._measure = Measure(self._plan.source, self._plan.preset, self._pictures, self._plan.config.seed)
            self._measure.diversity()  # traces the generator: no later one costs as much
        with self._watching.timed():
            self._measure.renew()
            scores = {"diversity": self._measure.diversity()}
        if scores_all:
            with self._measuring.timed():
                scores["swd"] = self._measure.swd()
                is_best = scores["swd"] < self._best.get("swd", math.inf)
                if is_best:
                    self._keep()
                    floor = self._measure.floor
                    self._best = {"epoch": epoch, "step": step, **scores, "swd_of_real_images": floor}
                    write_best(self._plan.run_dir, self._best)
            self._say(epoch, scores)
        self._log.scalars(step, epoch, scores)
        self._watch(epoch)
        return is_best

    def may_go_back(self) -> bool:
        """Whether a collapse sends the run back to its best epoch."""
        return self._plan.rolls_back and rollback.possible(self._plan)

    def _say(self, epoch: int, scores: dict[str, float]) -> None:
        best = self._best
        what = "the best so far" if best["epoch"] == epoch else f"the best is epoch {best['epoch']}, {best['swd']:.1f}"
        self._progress.say(
            f"epoch {epoch}: SWD {scores['swd']:.1f} (real images {self._measure.floor:.1f}), "
            f"diversity {scores['diversity']:.0%}; {what}"
        )

    def _watch(self, epoch: int) -> None:
        reason = watchdog.collapsed(self._log.lines)
        if reason and not self._lost:
            self._progress.say(f"warning: epoch {epoch}: {reason}")
            if self.may_go_back():
                self.collapse = reason
                return
        # Pictures hover about the limit; it is said again once they have been the best in between.
        self._lost = bool(reason) or (self._lost and epoch != self._best.get("epoch"))
        if not self._stuck and (reason := watchdog.stuck(self._log.lines)):
            self._stuck = True
            self._progress.say(
                f"warning: epoch {epoch}: {reason}: a lower learning rate may help, see docs/training.md"
            )
        if not self._certain and watchdog.saturated(self._log.lines):
            self._certain = True
            self._progress.say(
                f"warning: epoch {epoch}: the discriminator has been certain of all images for "
                f"{watchdog.LONG:,} steps, and the generator learns little from it: see docs/training.md"
            )
