"""At the ends of epochs: how good the pictures are, and which epoch is the best."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from dcgan_tf.config.presets import Preset
from dcgan_tf.data.source import ImageSource
from dcgan_tf.generators.generator import Generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import diversity, swd
from dcgan_tf.training.cadence import Cadence
from dcgan_tf.training.plan import Plan

# `dcgan-tf evaluate --set-best` measures with the same numbers of images.
SCORED_IMAGES = swd.TRAINING_IMAGES  # At most half of the set.
PAIRED_IMAGES, PAIRED_REALS = diversity.TRAINING_IMAGES, diversity.TRAINING_REALS
# Where no flag says how often, measuring may take these shares of the training time.
MAX_WATCHING_SHARE, MAX_SCORING_SHARE = 0.01, 0.03
GUESSED_SCORING_SECONDS = 5.0  # It stands for the cost of an SWD until one has been measured.


@dataclass(frozen=True)
class Verdict:
    """What was measured after an epoch.

    scores      diversity, and now and then swd, by the names they have in log.jsonl
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

    def __init__(self, plan: Plan, pictures: Callable):
        """pictures: latents to images, of the net as it is then."""
        every = plan.config.evaluate_every
        self._plan, self._pictures = plan, pictures
        self._measures, self._measure = every != 0 and swd.fits(plan.source), None
        # Diversity is cheap to measure and soon shows a collapse, so it is measured more often than SWD.
        self._watching = Cadence(every, MAX_WATCHING_SHARE)
        self._scoring = Cadence(every, MAX_SCORING_SHARE, guess=GUESSED_SCORING_SECONDS)
        self.best = plan.folder.read_best()

    def judge(
        self, epoch: int, step: int, last_epoch: int, epoch_seconds: float, keep: Callable[[], None]
    ) -> Verdict | None:
        """Measures what is due; None where nothing is.

        epoch_seconds: what an epoch's steps take. keep: saves the models of the epoch; called where it is the best so far,
        before best.json names it.
        """
        if not self._measures:
            return None
        is_scored = self._scoring.is_due(epoch, last_epoch, epoch_seconds)
        if not is_scored and not self._watching.is_due(epoch, last_epoch, epoch_seconds):
            return None
        if self._measure is None:
            self._measure = Measure(self._plan.source, self._plan.preset, self._pictures, self._plan.config.seed)
            self._measure.diversity()  # The first call traces the generator's graph; left out of the timing, it does not count as a usual cost.
        with self._watching.timed():
            self._measure.renew()
            scores = {"diversity": self._measure.diversity()}
        if not is_scored:
            return Verdict(scores, self.best.get("epoch"), False, "")
        with self._scoring.timed():
            scores["swd"] = self._measure.swd()
        # A run that was killed after this measurement and before its state measures the best again.
        is_best = scores["swd"] < self.best.get("swd", math.inf) or self.best.get("step") == step
        if is_best:
            keep()
            self.best = {"epoch": epoch, "step": step, **scores, "swd_of_real_images": self._measure.floor}
            self._plan.folder.write_best(self.best)
        return Verdict(scores, self.best["epoch"], is_best, self._sentence(epoch, scores, is_best))

    def holds_better(self, epoch: int, step: int) -> bool:
        """Whether the models of the epoch are the best so far, measured at another step than this: a run that stopped
        within the epoch measured it there."""
        return self.best.get("epoch") == epoch and self.best.get("step") != step

    def _sentence(self, epoch: int, scores: dict[str, float], is_best: bool) -> str:
        best, what = self.best, "the best so far"
        if not is_best:
            when = (
                f"epoch {best['epoch']}"
                if best["epoch"] != epoch
                else f"step {best.get('step', 0):,} of the same epoch"
            )
            what = f"the best is {when}, {best['swd']:.1f}"
        return (
            f"epoch {epoch}: SWD {scores['swd']:.1f} (real images {self._measure.floor:.1f}), "
            f"diversity {scores['diversity']:.0%}; {what}"
        )


class Measure:
    """Measures the generator of the moment, always by the same latents and against the same real images.

    Its SWD is what `dcgan-tf evaluate --images 1024` says of the saved generator.
    """

    def __init__(self, source: ImageSource, preset: Preset, pictures: Callable, seed: int):
        """pictures: latents [N, Z] to images, uint8 [N, H, W, C].

        Raises:
            UserError: too few images for it, or too small ones.
        """
        self._swd, self._seed = swd.SWD(source, SCORED_IMAGES, seed), seed
        self._generator = Generator("the generator", preset.latent_dim, preset.image_shape, preset.latents, pictures)
        self._real_distance = diversity.mean_pairwise_distance(source, PAIRED_REALS, seed)
        self.renew()

    def renew(self) -> None:
        """To be called where the generator has changed."""
        self._samples = Samples(self._generator, max(self._swd.images, PAIRED_IMAGES), self._seed)

    @property
    def floor(self) -> float:
        """The SWD of as many other real images, which a perfect generator would have."""
        return swd.mean(self._swd.floor())

    def swd(self) -> float:
        """The sliced Wasserstein distance times 1000, the mean over levels."""
        return swd.mean(self._swd.score(self._samples))

    def diversity(self) -> float:
        """The mean distance of two pictures from each other, as a share of that of two real images."""
        # At least one level: real images that are all alike would make a division by zero.
        return diversity.mean_pairwise_distance(self._samples, PAIRED_IMAGES) / max(self._real_distance, 1.0)
