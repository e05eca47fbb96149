"""Notices when a training goes wrong, from what it has logged so far. No TensorFlow."""

from collections.abc import Callable

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
        self, lines: list[dict], epoch: int, best_epoch: int | None, may_go_back: Callable[[], bool]
    ) -> tuple[list[str], str | None]:
        """(warnings, why the run is to go back or None), after an epoch that was measured.

        lines: of log.jsonl, oldest first. best_epoch: the best so far. may_go_back: whether the run can.
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


def collapsed(lines: list[dict]) -> str | None:
    """How a collapse shows in the last measured epoch, in words; None where there is none.

    lines: of log.jsonl, or like them, oldest first: of measured epochs, with epoch, diversity and now and then swd.
    """
    measured = [line for line in lines if "diversity" in line]
    if not measured:
        return None
    *before, last = measured
    most = max(before, key=lambda line: line["diversity"], default=last)
    limit = COLLAPSED_DIVERSITY_FACTOR * min(most["diversity"], 1)
    if most["diversity"] >= MIN_LEARNED_DIVERSITY and last["diversity"] < limit:
        return (
            f"the pictures have become alike: their diversity was {most['diversity']:.0%} of real images' after epoch "
            f"{most['epoch']}, and is {last['diversity']:.0%}"
        )
    scored = [line for line in measured if "swd" in line]
    best = min(scored, key=lambda line: line["swd"], default=None)
    if "swd" in last and len(scored) > 2 and min(line["swd"] for line in scored[-2:]) > WORSE_SWD_FACTOR * best["swd"]:
        return (
            f"the pictures have become worse: their SWD was {best['swd']:.1f} after epoch {best['epoch']}, and is "
            f"{last['swd']:.1f}"
        )
    return None


def stuck(lines: list[dict]) -> str | None:
    """That the pictures have never been diverse in a long time, in words; None where they have, or it is too early."""
    measured = [line for line in lines if "diversity" in line]
    is_early = not measured or measured[-1]["step"] < PATIENCE_STEPS
    if is_early or any(line["diversity"] >= MIN_LEARNED_DIVERSITY for line in measured):
        return None
    diversity, step = measured[-1]["diversity"], measured[-1]["step"]
    return f"the pictures are still alike: their diversity is {diversity:.0%} of real images' after {step:,} steps"


def saturated(lines: list[dict]) -> bool:
    """Whether the discriminator has told all images apart for a long time, so that the generator learns little."""
    steps = [line for line in lines if "d_real" in line]
    since = next((line["step"] for line in reversed(steps) if not _is_certain(line)), 0)
    return bool(steps) and steps[-1]["step"] - since >= PATIENCE_STEPS


def _is_certain(line: dict) -> bool:
    return line["d_real"] > 1 - MAX_CERTAIN_ERROR and line["d_fake"] < MAX_CERTAIN_ERROR
