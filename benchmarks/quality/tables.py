"""What both pages of results share: the results, their numbers, and what is said of a set of images."""

import json
import textwrap
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from benchmarks.quality import run
from benchmarks.quality.studies import IMAGENET, STUDIES, VARIANTS

Run = tuple[str, int]  # a variant, and how many times as long it was trained
Results = dict[str, dict[Run, list[dict]]]  # {study: {run: a result for each seed}}
OLD_AVERAGE = """A ° marks what was measured when the moving average of the generator had the averages of the statistics of batch
normalization, and not its own, as since then: it is better now, most of all early
([findings.md](findings.md#why-the-average-has-statistics-of-its-own))."""


def load_results() -> Results:
    results = defaultdict(lambda: defaultdict(list))
    for path in sorted(run.RESULTS.glob("*/*.json")):
        result = json.loads(path.read_text())
        results[result["study"]][result["variant"], result["times"]].append(result)
    return results


def order_of(of: Run) -> tuple[int, int]:
    variant, times = of
    return list(VARIANTS).index(variant), times


def shown(of: Run, results: list[dict]) -> str:
    """The name of a row."""
    variant, times = of
    return variant + (f", x{times}" if times > 1 else "") + mark_of(results)


def mark_of(results: list[dict]) -> str:
    """What says that an average was measured before it had statistics of its own (`dcgan_tf.generators.sampler`)."""
    return " °" if any(result["recipe"]["ema"] and not result.get("own_statistics") for result in results) else ""


def nets_of(results: list[dict]) -> dict[str, str]:
    """{what tells a feature net from others: how tables call it}: letters in the order of the results, and IMAGENET."""
    found = dict.fromkeys(one["features"] for one in results if one["features"] and one["features"] != IMAGENET)
    named = dict(zip(found, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return named | ({IMAGENET: IMAGENET} if any(one["features"] == IMAGENET for one in results) else {})


def net_cell(results: list[dict], nets: dict[str, str]) -> dict[str, str]:
    """A cell of the nets by which these were measured, where there are several."""
    meant = {nets[result["features"]] for result in results if result["features"]}
    return {"net": ", ".join(sorted(meant))} if len(nets) > 1 else {}


def measures(result: dict, epoch: str) -> dict:
    """{measure: its numbers} of the "best" or the "newest" epoch of a result."""
    found = result["scores"][epoch]["measures"]
    return {name: next(iter(measure["epochs"].values())) for name, measure in found.items()}


def of_real_images(result: dict) -> dict:
    """The same of real images."""
    return {name: measure["real"] for name, measure in result["scores"]["best"]["measures"].items()}


def best_of(results: list[dict], measure: str, key: str) -> float:
    """A measure of the best epoch, the mean over seeds."""
    return float(np.mean([measures(result, "best")[measure][key] for result in results]))


def number(found: dict, measure: str, key: str, factor: float = 1) -> float | None:
    value = found.get(measure, {}).get(key)  # Of flat pictures copies cannot be told.
    return None if value is None else factor * value


def spread(values: Sequence[float | None], digits: int) -> str:
    """The mean, and in brackets the smallest and the largest of several; "" where nothing is known."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    ends = f" ({min(known):.{digits}f}..{max(known):.{digits}f})" if len(known) > 1 else ""
    return f"{np.mean(known):.{digits}f}{ends}"


def about(study: str, results: list[dict]) -> str:
    """A sentence on the images of a study, and for how long it trained, on what."""
    shape = "x".join(map(str, results[0]["data"]["image_shape"]))
    machines = sorted({f"{result['machine']['processor']}, {result['precision']}" for result in results})
    of_tutorial = [result["batch_size"] for result in results if result["variant"] == "tutorial"]
    batches = f", in batches of {of_tutorial[0]}" if of_tutorial else ""
    return (
        f"{results[0]['data']['images']:,} images of {shape}, the time of {STUDIES[study].steps:,} steps of the tutorial "
        f"recipe{batches}; on {'; '.join(machines)}."
    )


def wrapped(text: str) -> str:
    """In lines as the other pages have them."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)
