"""What was to be reached, beside what published programs reach, and what the results say."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.quality.tables import Results, best_of, mark_of, measures

ABOUT = """What was to be reached with `--recipe best`, beside an anchor: what others have published, or the tutorial recipe for
the same time. A study that is missing here has not been run."""

MMGENERATION = "mmgeneration's DCGAN, four times as wide: mean SWD 11.32, MS-SSIM 0.1395"
PACGAN = "the PacGAN paper: DCGAN 99 modes, KL 3.40; PacDCGAN2 1,000 modes, KL 0.06"
TUTORIAL = "the tutorial recipe for the same time"


@dataclass(frozen=True)
class Target:
    """judge: (results of the tutorial recipe, of the best one) -> (what was reached, whether that is the target)."""

    studies: tuple[str, ...]
    anchor: str
    wanted: str
    judge: Callable[[list[dict], list[dict]], tuple[str, bool]]


def _published(tutorial, best):
    swd, similarity = best_of(best, "swd", "mean"), best_of(best, "msssim", "mean")
    real = best[0]["scores"]["best"]["measures"]["msssim"]["real"]["mean"]
    text = f"mean SWD {swd:.2f}, MS-SSIM {similarity:.4f} (real images {real:.4f})"
    return text, swd < 8 and similarity <= 0.1395


def _all_modes(tutorial, best):
    found = [result["scores"]["best"]["stacked_modes"] for result in best]
    fewest, divergence = min(one["covered"] for one in found), max(one["divergence"] for one in found)
    beside = [result["scores"]["best"]["stacked_modes"] for result in tutorial]
    text = f"{fewest:,} modes, KL {divergence:.3f}"
    if beside:
        most, least = max(one["covered"] for one in beside), min(one["divergence"] for one in beside)
        text += f" (tutorial: {most:,}, {least:.3f})"
    return text, fewest == 1000 and divergence < 0.1


def _no_worse(tutorial, best):
    before, after = (best_of(results, "swd", "mean") for results in (tutorial, best))
    return f"SWD {before:.1f}, now {after:.1f}", after <= before


TARGETS = (
    Target(("mnist64",), MMGENERATION, "mean SWD under 8, MS-SSIM no higher", _published),
    Target(("stacked",), PACGAN, "1,000 modes, KL under 0.1", _all_modes),
    Target(("mnist28", "fashion28"), TUTORIAL, "SWD no worse", _no_worse),
)  # fmt: skip
MAX_END_TO_BEST_RATIO = 1.05


def rows(results: Results) -> list[dict[str, str]]:
    """results: as `load_results` gives them. A line for each target whose study has been run."""
    found = []
    for target in TARGETS:
        for study in target.studies:
            tutorial, best = (results.get(study, {}).get((variant, 1)) for variant in ("tutorial", "best"))
            if best and (tutorial or target.anchor is not TUTORIAL):
                text, reached = target.judge(tutorial or [], best)
                found.append(_row(study + mark_of(best), target.anchor, target.wanted, text, reached))
    for study, of_study in results.items():
        for (variant, times), runs in of_study.items():
            if variant == "best" and times > 1:
                ratios = [end_over_best(result) for result in runs]
                wanted = (
                    f"SWD at the end of a run {times} times as long at most {MAX_END_TO_BEST_RATIO} times its own best"
                )
                text = ", ".join(f"{ratio:.2f}" for ratio in ratios)
                found.append(
                    _row(study + mark_of(runs), "its own best", wanted, text, max(ratios) <= MAX_END_TO_BEST_RATIO)
                )
    return found


def end_over_best(result: dict) -> float:
    """SWD of the last epoch over that of the best one."""
    best, last = (measures(result, epoch)["swd"]["mean"] for epoch in ("best", "newest"))
    return last / best


def _row(study: str, anchor: str, wanted: str, text: str, reached: bool) -> dict[str, str]:
    return {"on": study, "anchor": anchor, "target": wanted, "reached": text, "": "yes" if reached else "**no**"}
