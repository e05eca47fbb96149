"""What was to be reached, beside what published programs reach, and what the results say."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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


def measures(result: dict, epoch: str) -> dict:
    """{measure: its numbers} of the "best" or the "newest" epoch of a result."""
    found = result["scores"][epoch]["measures"]
    return {name: next(iter(measure["epochs"].values())) for name, measure in found.items()}


def best_of(results: list[dict], measure: str, key: str) -> float:
    """A measure of the best epoch, the mean over seeds."""
    return float(np.mean([measures(result, "best")[measure][key] for result in results]))


def above_real(results: list[dict]) -> float:
    """The SWD of the best epoch beyond that of real images, the mean over seeds."""
    real = [result["scores"]["best"]["measures"]["swd"]["real"]["mean"] for result in results]
    return best_of(results, "swd", "mean") - float(np.mean(real))


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


def _halved(tutorial, best):
    before, after = above_real(tutorial), above_real(best)
    recalls = [best_of(results, "precision-recall", "recall") for results in (tutorial, best)]
    text = f"{before:.1f} above real images, now {after:.1f}: {after / before:.0%}; recall {recalls[0]:.2f}, now {recalls[1]:.2f}"
    if len({result["features"] for result in (*tutorial, *best)}) > 1:
        text += " (in the features of two nets)"
    return text, after <= before / 2 and recalls[1] > recalls[0]


def _no_worse(tutorial, best):
    before, after = (best_of(results, "swd", "mean") for results in (tutorial, best))
    return f"SWD {before:.1f}, now {after:.1f}", after <= before


TARGETS = (
    Target(("mnist64",), MMGENERATION, "mean SWD under 8, MS-SSIM no higher", _published),
    Target(("stacked",), PACGAN, "1,000 modes, KL under 0.1", _all_modes),
    Target(("faces64", "paintings64", "paintings200"), TUTORIAL, "SWD above that of real images halved, recall higher", _halved),
    Target(("mnist28", "fashion28"), TUTORIAL, "SWD no worse", _no_worse),
)  # fmt: skip
MAX_END_TO_BEST_RATIO = 1.05


def rows(results: dict) -> list[dict[str, str]]:
    """results: as `quality_page.load_results` gives them. A line for each target whose study has been run."""
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


def mark_of(results: list[dict]) -> str:
    """What says that an average was measured before it had statistics of its own (`dcgan_tf.generators.sampler`)."""
    return " °" if any(result["recipe"]["ema"] and not result.get("own_statistics") for result in results) else ""


def _row(study: str, anchor: str, wanted: str, text: str, reached: bool) -> dict[str, str]:
    return {"on": study, "anchor": anchor, "target": wanted, "reached": text, "": "yes" if reached else "**no**"}
