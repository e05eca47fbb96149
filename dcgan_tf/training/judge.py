"""How good the pictures of a run are, and which epoch is the best.

Some twelve measurements are to take no more than their share of a run's time. So the effort for each is settled at the
first and is in best.json: measurements of different efforts do not compare.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from dcgan_tf.generators.quality import Quality
from dcgan_tf.metrics import swd
from dcgan_tf.metrics.words import PHRASES, how_far_from_real, shown, shown_beside
from dcgan_tf.runs.best import criterion, is_better
from dcgan_tf.runs.lines import as_in_log
from dcgan_tf.training import schedule
from dcgan_tf.training.cadence import Cadence
from dcgan_tf.training.effort import (
    LEAST_FEATURES_FACTOR,
    MAX_FEATURES_SHARE,
    MAX_SCORING_SHARE,
    guessed_seconds,
    settle,
)
from dcgan_tf.training.plan import Plan

RUBBISH = PHRASES[0][1]  # Nobody is glad to read that such pictures are the best so far.
MAX_WATCHING_SHARE = 0.01  # Where no flag says how often, diversity may take this share of the training time.
# A machine that is slower for a while skips no measurement until they take so many times their share.
OVERDRAFT_FACTOR = 2


@dataclass(frozen=True)
class Moment:
    """Where a run is: after `step` updates, in `epoch`, counted from 1; `seconds` is what a step takes."""

    step: int
    epoch: int
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """What was measured.

    scores      diversity, and now and then the rest of `dcgan_tf.runs.lines.SCORES`, as log.jsonl has them
    best_epoch  the best so far; None where no SWD was measured yet
    is_best     whether it is this one, now
    sentence    what to say of it; "" where only the diversity was measured
    """

    scores: dict[str, float]
    best_epoch: int | None
    is_best: bool
    sentence: str


class Judge:
    """Measures a run as often as its plan says, and writes best.json; where there are too few images, it does nothing.

    best: what best.json says of the best so far, see `RunFolder.write_best`; {} where nothing was measured.
    """

    def __init__(self, plan: Plan, pictures: Callable, step: int):
        """pictures: latents to images, of the net as it is then. step: where the run goes on."""
        every = plan.config.evaluate_every
        self._plan, self._pictures, self._first_step = plan, pictures, step
        self._measures, self._quality = every != 0 and swd.fits(plan.source), None
        # Diversity is cheap to measure and soon shows a collapse, so it is measured more often than SWD.
        self._watching, self._scoring = Cadence(every, MAX_WATCHING_SHARE), schedule.of_measurements(plan)
        self._scored_step = None
        self._cost, self._spent = None, 0.0  # What the last scores took, and all together, in seconds.
        self.best = plan.folder.read_best()

    def judge(self, now: Moment, keep: Callable[[], None]) -> Verdict | None:
        """Measures what is due; None where nothing is.

        keep: saves the models of the epoch; called where it is the best so far, before best.json names it. Within an epoch
            pictures that are nothing like real images are not worth that, and are not named.
        """
        if not self._measures:
            return None
        steps = self._plan.steps_per_epoch
        epoch_ends = now.step % steps == 0 or now.step == self._plan.last_step
        last_epoch = math.ceil(self._plan.last_step / steps)
        if self._scoring.is_due(now.step) and self._is_affordable(now):
            return self._score(now, keep, keeps_rubbish=epoch_ends)
        if epoch_ends and self._watching.is_due(now.epoch, last_epoch, now.seconds * steps):
            return Verdict(self._watch(now), self.best.get("epoch"), False, "")
        return None

    def judge_stopped(self, now: Moment, keep: Callable[[], None], max_seconds: float) -> Verdict | None:
        """Measures a run that is stopped, unless it just has been measured, or that would take longer than `max_seconds`."""
        if not self._measures or now.step == self._scored_step:
            return None
        if self._quality is None and guessed_seconds(self._plan, self.best, now.seconds) <= max_seconds:
            self._settle(now)
        if self._quality is None or (self._cost or 0.0) > max_seconds:
            return None
        return self._score(now, keep, keeps_rubbish=True)

    def holds_better(self, epoch: int, step: int) -> bool:
        """Whether the models of the epoch are the best so far, measured at another step than this, within the epoch."""
        return self.best.get("epoch") == epoch and self.best.get("step") != step

    def _settle(self, now: Moment) -> Quality:
        if self._quality is None:
            self._quality, self._cost = settle(self._plan, self._pictures, self.best, now.seconds)
        return self._quality

    def _watch(self, now: Moment) -> dict[str, float]:
        quality = self._settle(now)
        with self._watching.timed():
            quality.renew()
            return {"diversity": quality.diversity()}

    def _score(self, now: Moment, keep: Callable[[], None], *, keeps_rubbish: bool) -> Verdict:
        diversity, facts = self._watch(now), self._quality.of_reals | self._quality.effort.facts()
        start = time.perf_counter()
        scores = self._quality.scores()
        self._cost = time.perf_counter() - start
        self._spent, self._scored_step = self._spent + self._cost, now.step
        measured = {"epoch": now.epoch, "step": now.step} | diversity | scores | facts
        # A run that was killed after this measurement and before its state measures the best again.
        is_best = is_better(measured, self.best) or self.best.get("step") == now.step
        meaning = how_far_from_real(measured)
        is_best = is_best and (keeps_rubbish or meaning != RUBBISH)
        if is_best:
            keep()
            self.best = measured
            self._plan.folder.write_best(self.best)
        sentence = self._sentence(now, measured, meaning, is_best)
        return Verdict(as_in_log(measured), self.best.get("epoch"), is_best, sentence)

    def _is_affordable(self, now: Moment) -> bool:
        if self._plan.config.evaluate_every or self._cost is None or now.step == self._plan.last_step:
            return True
        has_features = self._quality is not None and self._quality.effort.feature_images
        share = MAX_SCORING_SHARE + (LEAST_FEATURES_FACTOR * MAX_FEATURES_SHARE if has_features else 0)
        share = share * now.seconds * (now.step - self._first_step)
        return self._spent + self._cost <= OVERDRAFT_FACTOR * share

    def _sentence(self, now: Moment, measured: dict, meaning: str, is_best: bool) -> str:
        best, what = self.best, ""
        if is_best and meaning != RUBBISH:
            what = "; the best so far"
        elif not is_best and (name := criterion(measured, best)):
            held = shown(name, best[name])
            what = (
                f"; the best is {self._when(best['epoch'], best.get('step'), now.epoch)}, {held.removeprefix('SWD ')}"
            )
        within = " within classes" if self._plan.preset.classes else ""
        numbers = f"{shown_beside(measured)}: {meaning}, diversity{within} {measured['diversity']:.0%}"
        return f"{self._when(now.epoch, now.step)}: {numbers}{what}"

    def _when(self, epoch: int, step: int | None, this_epoch: int | None = None) -> str:
        if step is None or step in (epoch * self._plan.steps_per_epoch, self._plan.last_step):
            return f"epoch {epoch}"
        return f"step {step:,}" + (" of the same epoch" if epoch == this_epoch else f" of epoch {epoch}")
