"""At which steps of a run pictures and measurements come: pure functions of the step, and of how long the run is.

So a run that is killed and resumed has those of a run that was never stopped. All steps but the last of the run and those
at the ends of epochs are multiples of 10, at which the loop logs anyway.
"""

from dataclasses import dataclass

from dcgan_tf.generators.sampler import STATISTICS_BATCH_SIZE, STATISTICS_BATCHES
from dcgan_tf.training.plan import Plan

PICTURES, MEASUREMENTS = 45, 12  # So many a run has, give or take a third.
# A picture takes as long as the training on an eighth of the images that the generator makes for it. It may take this
# share of the time of a short run; of one of 10,000 steps, the pictures take a tenth of that.
MAX_PICTURE_SHARE, IMAGES_LIKE_A_TRAINED_ONE = 0.1, 8
MIN_STEPS_APART, MIN_MEASURED_STEPS_APART = 10, 50
EARLY_STEPS = [digit * 10**power for power in range(1, 13) for digit in (1, 2, 5)]
ROUND_STEPS = [digit * 10**power for power in range(1, 13) for digit in (1, 2, 3, 5)]
# In runs whose pictures are further apart than so much of an epoch, they come at the ends of epochs.
WHOLE_EPOCHS_FROM = 0.7


@dataclass(frozen=True)
class Spread:
    """About `times` steps of a run, evenly spread: after every so many epochs, or where epochs are long, after every one
    and at round numbers of steps within it. The last step is always one of them.

    first, last     the run's; a step is a number of updates done
    least_apart     steps from one to the next, at least
    dense_at_start  also before the first step, and after 10, 20, 50, 100, 200, 500, ... of them, until the others come
    """

    first: int
    last: int
    steps_per_epoch: int
    times: int
    least_apart: int = MIN_STEPS_APART
    dense_at_start: bool = False

    def is_due(self, step: int) -> bool:
        if step == self.last or (self.dense_at_start and step == self.first):
            return True
        if not self.first < step < self.last:
            return False
        apart, is_round = self._apart()
        if self.dense_at_start and step in EARLY_STEPS and 3 * step <= 2 * apart:
            return True
        if not is_round:
            return step % apart == 0
        in_epoch = step % self.steps_per_epoch
        nearest_end = min(in_epoch, self.steps_per_epoch - in_epoch, self.last - step)
        return in_epoch == 0 or (step % apart == 0 and 2 * nearest_end >= apart)

    def _apart(self) -> tuple[int, bool]:
        """(steps from one to the next, whether that is a round number): else they are those of whole epochs."""
        wanted = max((self.last - self.first) / self.times, self.least_apart)
        if wanted > WHOLE_EPOCHS_FROM * self.steps_per_epoch:
            return max(1, round(wanted / self.steps_per_epoch)) * self.steps_per_epoch, False
        return next(steps for steps in ROUND_STEPS if steps >= max(0.75 * wanted, self.least_apart)), True


@dataclass(frozen=True)
class EveryEpochs:
    """After every multiple of `every` epochs, and after the last step; every = 0: never."""

    every: int
    first: int
    last: int
    steps_per_epoch: int

    def is_due(self, step: int) -> bool:
        if not self.every or step <= self.first:
            return False
        return step == self.last or step % (self.every * self.steps_per_epoch) == 0


def of_pictures(plan: Plan) -> Spread | EveryEpochs:
    """When the sample pictures of a run are drawn."""
    rows, columns = plan.preset.grid
    images = rows * columns + (STATISTICS_BATCHES * STATISTICS_BATCH_SIZE if plan.recipe.ema else 0)
    picture_steps = images / IMAGES_LIKE_A_TRAINED_ONE / plan.batch_size
    least_apart = max(MIN_STEPS_APART, round(picture_steps / MAX_PICTURE_SHARE))
    return _schedule(plan, plan.config.sample_every, PICTURES, least_apart, dense_at_start=True)


def of_measurements(plan: Plan) -> Spread | EveryEpochs:
    """When a run measures the SWD of its pictures."""
    return _schedule(plan, plan.config.evaluate_every, MEASUREMENTS, MIN_MEASURED_STEPS_APART)


def _schedule(plan: Plan, every: int | None, times: int, least_apart: int, *, dense_at_start: bool = False):
    if every is not None:
        return EveryEpochs(every, plan.first_step, plan.last_step, plan.steps_per_epoch)
    return Spread(plan.first_step, plan.last_step, plan.steps_per_epoch, times, least_apart, dense_at_start)
