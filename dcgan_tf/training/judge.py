"""How good the pictures of a run are, and which epoch is the best.

Some twelve measurements of SWD are to take no more than their share of a run's time. So the effort for each is settled
at the first and is in best.json: measurements of different efforts do not compare.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from dcgan_tf.metrics import swd
from dcgan_tf.metrics.words import PHRASES, how_far
from dcgan_tf.training import schedule
from dcgan_tf.training.cadence import Cadence
from dcgan_tf.training.measure import EFFORTS, FULL_EFFORT, Effort, Measure, affordable
from dcgan_tf.training.plan import Plan

RUBBISH = PHRASES[0][1]  # Nobody is glad to read that such pictures are the best so far.
# Where no flag says how often, measuring may take these shares of the training time.
MAX_WATCHING_SHARE, MAX_SCORING_SHARE = 0.01, 0.03
GUESSED_SECONDS_AN_IMAGE = 0.003  # That SWD takes for a small one, on two processors; a generator's time comes on top.
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

    scores      diversity, and now and then swd with its effort, by the names they have in log.jsonl
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
        self._measures, self._measure = every != 0 and swd.fits(plan.source), None
        # Diversity is cheap to measure and soon shows a collapse, so it is measured more often than SWD.
        self._watching, self._scoring = Cadence(every, MAX_WATCHING_SHARE), schedule.of_measurements(plan)
        self._scored_step = None
        self._cost, self._spent = None, 0.0  # What the last SWD took, and all together, in seconds.
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
        if self._measure is None and self._guessed_seconds(now) <= max_seconds:
            self._measure = self._settled(now)
        if self._measure is None or (self._cost or 0.0) > max_seconds:
            return None
        return self._score(now, keep, keeps_rubbish=True)

    def holds_better(self, epoch: int, step: int) -> bool:
        """Whether the models of the epoch are the best so far, measured at another step than this, within the epoch."""
        return self.best.get("epoch") == epoch and self.best.get("step") != step

    def _watch(self, now: Moment) -> dict[str, float]:
        if self._measure is None:
            self._measure = self._settled(now)
        with self._watching.timed():
            self._measure.renew()
            return {"diversity": self._measure.diversity()}

    def _score(self, now: Moment, keep: Callable[[], None], *, keeps_rubbish: bool) -> Verdict:
        scores = self._watch(now)
        start = time.perf_counter()
        effort = self._measure.effort
        scores |= {"swd": self._measure.swd(), "swd_images": effort.images, "swd_directions": effort.directions}
        self._cost = time.perf_counter() - start
        self._spent, self._scored_step = self._spent + self._cost, now.step
        # A run that was killed after this measurement and before its state measures the best again.
        is_best = scores["swd"] < self.best.get("swd", math.inf) or self.best.get("step") == now.step
        meaning = how_far(scores["swd"], self._measure.floor, effort.images)
        is_best = is_best and (keeps_rubbish or meaning != RUBBISH)
        if is_best:
            keep()
            self.best = {
                "epoch": now.epoch,
                "step": now.step,
                "diversity": scores["diversity"],
                "swd": scores["swd"],
                "swd_of_real_images": self._measure.floor,
                "images": effort.images,
                "directions": effort.directions,
            }
            self._plan.folder.write_best(self.best)
        return Verdict(scores, self.best.get("epoch"), is_best, self._sentence(now, scores, meaning, is_best))

    def _is_affordable(self, now: Moment) -> bool:
        if self._plan.config.evaluate_every or self._cost is None or now.step == self._plan.last_step:
            return True
        share = MAX_SCORING_SHARE * now.seconds * (now.step - self._first_step)
        return self._spent + self._cost <= OVERDRAFT_FACTOR * share

    def _settled(self, now: Moment) -> "Measure":
        """The measure with the effort that the best was measured with, else with what the run has time for."""
        if effort := self._given_effort():
            measure = self._measure_with(effort)
            measure.diversity()  # The first call traces the generator's graph: it takes longer than all that follow.
            return measure
        measure, half = self._measure_with(EFFORTS[-1]), len(self._plan.source) // 2
        steps, seconds = self._plan.last_step - self._plan.first_step, measure.seconds_an_image()
        effort = affordable(seconds, half, MAX_SCORING_SHARE * now.seconds * steps)
        self._cost = effort.cost(half) * seconds
        return measure if effort == EFFORTS[-1] else self._measure_with(effort)

    def _given_effort(self) -> Effort | None:
        """That with which the run has been measured, or is to be; None where its time decides."""
        if "swd" in self.best:
            held = Effort(*(int(self.best.get(name, getattr(FULL_EFFORT, name))) for name in ("images", "directions")))
            if held.images >= swd.MIN_IMAGES and 0 < held.directions <= swd.DIRECTIONS:
                return held  # Earlier versions always made the full effort, and did not say so.
        return FULL_EFFORT if self._plan.config.evaluate_every else None

    def _guessed_seconds(self, now: Moment) -> float:
        """What the first measurement takes: of real images, of others of them, and of generated ones."""
        effort = self._given_effort() or EFFORTS[-1]
        trained = 3 * effort.images / schedule.IMAGES_LIKE_A_TRAINED_ONE / self._plan.batch_size  # in steps
        return 3 * effort.cost(len(self._plan.source) // 2) * GUESSED_SECONDS_AN_IMAGE + trained * now.seconds

    def _measure_with(self, effort: Effort) -> "Measure":
        plan = self._plan
        return Measure(plan.source, plan.preset, self._pictures, plan.config.seed, effort)

    def _sentence(self, now: Moment, scores: dict[str, float], meaning: str, is_best: bool) -> str:
        best, what = self.best, ""
        if is_best and meaning != RUBBISH:
            what = "; the best so far"
        elif not is_best and "swd" in best:
            what = f"; the best is {self._when(best['epoch'], best.get('step'), now.epoch)}, {best['swd']:.1f}"
        return (
            f"{self._when(now.epoch, now.step)}: SWD {scores['swd']:.1f} (real images {self._measure.floor:.1f}): "
            f"{meaning}, diversity {scores['diversity']:.0%}{what}"
        )

    def _when(self, epoch: int, step: int | None, this_epoch: int | None = None) -> str:
        if step is None or step in (epoch * self._plan.steps_per_epoch, self._plan.last_step):
            return f"epoch {epoch}"
        return f"step {step:,}" + (" of the same epoch" if epoch == this_epoch else f" of epoch {epoch}")
