"""Notices when a training goes wrong, from what it has logged so far. No TensorFlow."""

from collections.abc import Callable

import numpy as np

from dcgan_tf.runs.lines import Numbers

# Diversities are shares of the real images'. Healthy runs reach this one in 300 steps; below it there is nothing to lose.
MIN_LEARNED_DIVERSITY = 0.25
COLLAPSED_DIVERSITY_FACTOR = 0.5  # A diversity below half of the highest so far is a collapse.
WORSE_SWD_FACTOR = 1.5  # Two SWDs in a row above so many times the best are a collapse.
MAX_CERTAIN_ERROR = 0.001  # A discriminator with a smaller mean error in probability counts as certain.
PATIENCE_STEPS = 1000


class Collapse(Exception):
    """The pictures of a run are lost; on the chief of its workers, the message says how that shows."""


class Watchdog:
    """Decides what to warn of, each once as long as it holds, and when the run is to go back."""

    def __init__(self):
        self._has_collapsed = self._is_certain = self._is_stuck = (
            False  # Each is true once it has been said, while it holds.
        )

    def look(
        self, lines: Numbers, epoch: int, best_epoch: int | None, may_go_back: Callable[[], bool]
    ) -> tuple[list[str], str | None]:
        """(warnings, why the run is to go back or None), after an epoch that was measured.

        lines: of log.jsonl, oldest first, with d_real, d_fake, diversity and swd. best_epoch: the best so far.
        may_go_back: whether the run can.
        """
        warnings = []
        reason = collapsed(lines)
        if reason and not self._has_collapsed:
            warnings.append(reason)
            if may_go_back():
                return warnings, reason
        # Scores hover around the threshold: warn again only after a new best.
        self._has_collapsed = bool(reason) or (self._has_collapsed and epoch != best_epoch)
        if not self._is_stuck and (reason := stuck(lines)):
            self._is_stuck = True
            warnings.append(f"{reason}: a lower learning rate may help, see docs/training.md")
        if not self._is_certain and saturated(lines):
            self._is_certain = True
            warnings.append(
                f"the discriminator has been certain of all images for {PATIENCE_STEPS:,} steps, and the generator "
                "learns little from it: see docs/training.md"
            )
        return warnings, None


def collapsed(lines: Numbers) -> str | None:
    """How a collapse shows in the last measured epoch, in words; None where there is none.

    lines: of log.jsonl, oldest first; those of measured epochs have a diversity and now and then an swd.
    """
    diversity, swd = lines.column("diversity"), lines.column("swd")
    measured = np.flatnonzero(np.isfinite(diversity))
    if not len(measured):
        return None
    diversity, swd, epochs = diversity[measured], swd[measured], lines.epochs[measured]
    most = diversity[:-1].argmax() if len(measured) > 1 else 0
    limit = COLLAPSED_DIVERSITY_FACTOR * min(diversity[most], 1)
    if diversity[most] >= MIN_LEARNED_DIVERSITY and diversity[-1] < limit:
        return (
            f"the pictures have become alike: their diversity was {diversity[most]:.0%} of real images' after epoch "
            f"{epochs[most]}, and is {diversity[-1]:.0%}"
        )
    scored = np.flatnonzero(np.isfinite(swd))
    if len(scored) > 2 and np.isfinite(swd[-1]):
        best = scored[swd[scored].argmin()]
        if swd[scored[-2:]].min() > WORSE_SWD_FACTOR * swd[best]:
            return (
                f"the pictures have become worse: their SWD was {swd[best]:.1f} after epoch {epochs[best]}, and is "
                f"{swd[-1]:.1f}"
            )
    return None


def stuck(lines: Numbers) -> str | None:
    """That the pictures have never been diverse in a long time, in words; None where they have, or it is too early."""
    diversity = lines.column("diversity")
    measured = np.flatnonzero(np.isfinite(diversity))
    if not len(measured) or diversity[measured].max() >= MIN_LEARNED_DIVERSITY:
        return None
    last, step = diversity[measured[-1]], lines.steps[measured[-1]]
    if step < PATIENCE_STEPS:
        return None
    return f"the pictures are still alike: their diversity is {last:.0%} of real images' after {step:,} steps"


def saturated(lines: Numbers) -> bool:
    """Whether the discriminator has told all images apart for a long time, so that the generator learns little."""
    real, fake = lines.column("d_real"), lines.column("d_fake")
    logged = np.isfinite(real) & np.isfinite(fake)
    steps = lines.steps[logged]
    doubtful = steps[(real[logged] <= 1 - MAX_CERTAIN_ERROR) | (fake[logged] >= MAX_CERTAIN_ERROR)]
    since = doubtful[-1] if len(doubtful) else 0
    return bool(len(steps)) and bool(steps[-1] - since >= PATIENCE_STEPS)
