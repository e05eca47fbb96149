"""Notices when a training goes wrong, from what it has logged so far. No TensorFlow."""

LEARNED = 0.25  # of real images' diversity, which healthy runs reach in 300 steps; below, there is nothing to lose
ALIKE = 0.5  # of the diversity that was, and of real images'
WORSE = 1.5  # times the best SWD, twice in a row
CERTAIN = 0.001  # D's mean error in probability
LONG = 1000  # steps


class Collapse(Exception):
    """The pictures of a run are lost; on the chief of its workers, the message says how that shows."""


def collapsed(lines: list[dict]) -> str | None:
    """How a collapse shows in the last measured epoch, in words; None where there is none.

    lines: of log.jsonl, or like them, oldest first: of measured epochs, with epoch, diversity and now and then swd.
    """
    measured = [line for line in lines if "diversity" in line]
    if not measured:
        return None
    *before, last = measured
    most = max(before, key=lambda line: line["diversity"], default=last)
    if most["diversity"] >= LEARNED and last["diversity"] < ALIKE * min(most["diversity"], 1):
        return (
            f"the pictures have become alike: their diversity was {most['diversity']:.0%} of real images' after epoch "
            f"{most['epoch']}, and is {last['diversity']:.0%}"
        )
    scored = [line for line in measured if "swd" in line]
    best = min(scored, key=lambda line: line["swd"], default=None)
    if "swd" in last and len(scored) > 2 and min(line["swd"] for line in scored[-2:]) > WORSE * best["swd"]:
        return (
            f"the pictures have become worse: their SWD was {best['swd']:.1f} after epoch {best['epoch']}, and is "
            f"{last['swd']:.1f}"
        )
    return None


def stuck(lines: list[dict]) -> str | None:
    """That the pictures have never been diverse in a long time, in words; None where they have, or it is too early."""
    measured = [line for line in lines if "diversity" in line]
    if not measured or measured[-1]["step"] < LONG or any(line["diversity"] >= LEARNED for line in measured):
        return None
    diversity, step = measured[-1]["diversity"], measured[-1]["step"]
    return f"the pictures are still alike: their diversity is {diversity:.0%} of real images' after {step:,} steps"


def saturated(lines: list[dict]) -> bool:
    """Whether the discriminator has told all images apart for a long time, so that the generator learns little."""
    steps = [line for line in lines if "d_real" in line]
    since = next((line["step"] for line in reversed(steps) if not _is_certain(line)), 0)
    return bool(steps) and steps[-1]["step"] - since >= LONG


def _is_certain(line: dict) -> bool:
    return line["d_real"] > 1 - CERTAIN and line["d_fake"] < CERTAIN
