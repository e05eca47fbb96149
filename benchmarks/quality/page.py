"""Makes docs/quality.md and its plots from all results in benchmarks/quality/results/: `python -m benchmarks.quality.page`."""

import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks.common import ROOT, table
from benchmarks.quality import targets
from benchmarks.quality.run import RESULTS
from benchmarks.quality.studies import NOW, STUDIES, VARIANTS
from benchmarks.quality.targets import measures

DOCS = ROOT / "docs"
HEAD = """# What each switch gives

Made by `python -m benchmarks.quality.page` from the results in `benchmarks/quality/results/`, which
`python -m benchmarks.quality.run STUDY` adds to; the images are real ones that are no part of this repository.

Every row of a table trained for the same time: so many steps of the tutorial recipe, and of another as many whole epochs as
take no longer, by what a step takes ("cost", measured in turn in one process); "x3" went on until it was three times as
long. SWD is the distance from real images, lower is better, at the best epoch and at the last one, the mean of several sets
of pictures, none of them that by which the best epoch was chosen; "real" is what as many other real images score, as good
as it gets; "above real" is what the best epoch has beyond that, as a share of the tutorial's. MS-SSIM is how alike two
pictures are, and should be near that of real images. FID, KID, precision and recall are taken in the features of a small
net, not of Inception: they compare within a table only, and there, where several nets were made on several machines,
between rows of the same "net". "tones" is how far apart the values of all pixels are, in levels of 0 to 255, and "clipped"
the share of them that are black or white. "nearer" is the share of pictures that are nearer to a training image than half
of the real images are to another: above 50% they lean on it, and flat pictures do, too; "copied" should be about 1%.
A ° marks what was measured when the moving average of the generator had the averages of the statistics of batch
normalization, and not its own, as since then: it is better now, most of all early
([findings.md](findings.md#why-the-average-has-statistics-of-its-own)). [evaluation.md](evaluation.md) tells more. With one seed,
differences of a few points of SWD say nothing.
"""


ONE_SWITCH = """The recipe `best` at 32x32, and the same with one thing changed, for the same time, at their best epochs; all else is in the
tables of `faces32` and `paintings32` below. The last column is SWD over that of `best`, the mean of both sets."""
ABLATED = ("faces32", "paintings32")


def main() -> None:
    results = load_results()
    parts = [HEAD]
    if reached := targets.rows(results):
        parts.append(f"## Targets\n\n{targets.ABOUT}\n\n{table(reached)}\n")
    if alone := one_switch(results):
        parts.append(f"## One switch at a time\n\n{ONE_SWITCH}\n\n{table(alone)}\n")
    for study in (name for name in STUDIES if name in results):
        order = sorted(results[study], key=_order)
        nets = nets_of(results[study], order)
        rows = [row(run, results[study]) | _net(results[study][run], nets) for run in order]
        plot = DOCS / f"quality-{study}.png"
        _draw(results[study], plot)
        runs = [one for of in results[study].values() for one in of]
        parts.append(
            f"{_about(study, runs)}\n\n{table([_real(runs) | _net(runs[-1:], nets), *rows])}\n\n![SWD over time]({plot.name})\n"
        )
        if pictures := _pictures(study):
            parts.append(f"{table([pictures])}\n")
        if any("stacked_modes" in one["scores"]["best"] for one in runs):
            parts.append(f"{table(_modes(results[study]))}\n")
    (DOCS / "quality.md").write_text("\n".join(parts))


def load_results() -> dict[str, dict[tuple[str, int], list[dict]]]:
    """{study: {(variant, how many times as long): a result for each seed}}."""
    results = defaultdict(lambda: defaultdict(list))
    for path in sorted(RESULTS.glob("*/*.json")):
        result = json.loads(path.read_text())
        results[result["study"]][result["variant"], result["times"]].append(result)
    return results


def nets_of(of_study: dict, order: list[tuple[str, int]]) -> dict[str, str]:
    """{what tells a feature net from others: its letter}, in the order of the rows."""
    found = dict.fromkeys(result["features"] for run in order for result in of_study[run] if result["features"])
    return dict(zip(found, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def name_of(run: tuple[str, int]) -> str:
    variant, times = run
    return variant if times == 1 else f"{variant}, x{times}"


def _order(run: tuple[str, int]):
    variant, times = run
    return list(VARIANTS).index(variant), times


def _about(study: str, runs: list[dict]) -> str:
    shape = "x".join(map(str, runs[0]["data"]["image_shape"]))
    machines = sorted({f"{run['machine']['processor']}, {run['precision']}" for run in runs})
    of_tutorial = [run["batch_size"] for run in runs if run["variant"] == "tutorial"]
    batches = f", in batches of {of_tutorial[0]}" if of_tutorial else ""
    return (
        f"## {study}\n\n{runs[0]['data']['images']:,} images of {shape}, the time of {STUDIES[study].steps:,} steps of the "
        f"tutorial recipe{batches}; on {'; '.join(machines)}."
    )


def one_switch(results: dict) -> list[dict[str, str]]:
    """A line for each variant of the best recipe that was tried on both sets of photographs, the lower SWD first."""
    of_sets = {study: results.get(study, {}) for study in ABLATED}
    tried = [(name, 1) for name in NOW if name.startswith("best") and all((name, 1) in of for of in of_sets.values())]
    if ("best", 1) not in tried:
        return []
    swd = {run: np.array([targets.best_of(of[run], "swd", "mean") for of in of_sets.values()]) for run in tried}
    ratios = {run: np.mean(swd[run] / swd["best", 1]) for run in tried}
    lines = []
    for run in sorted(tried, key=ratios.get):
        cells = {"recipe": run[0] + targets.mark_of([result for of in of_sets.values() for result in of[run]])}
        for study, of in of_sets.items():
            shown = row(run, of) | _net(of[run], nets_of(of, tried))
            cells |= {
                f"{study}: {head}": shown[head] for head in ("SWD, best", "FID", "recall", "net") if head in shown
            }
        lines.append(cells | {"SWD, of best's": f"{ratios[run]:.2f}"})
    return lines


# Head of the column -> (epoch, measure, key, factor, digits)
COLUMNS = {
    "SWD, best": ("best", "swd", "mean", 1, 1),
    "SWD, last": ("newest", "swd", "mean", 1, 1),
    "tones": ("best", "tones", "distance", 1, 1),
    "clipped, %": ("best", "tones", "clipped", 100, 1),
    "MS-SSIM": ("best", "msssim", "mean", 1, 3),
    "FID": ("best", "fid", "fid", 1, 1),
    "KID": ("best", "kid", "kid", 1, 2),
    "precision": ("best", "precision-recall", "precision", 1, 2),
    "recall": ("best", "precision-recall", "recall", 1, 2),
    "distance": ("best", "diversity", "distance", 1, 1),
    "nearer, %": ("best", "copies", "share_nearer", 100, 0),
    "copied, %": ("best", "copies", "share_copied", 100, 1),
}


def row(run: tuple[str, int], of_study: dict) -> dict[str, str]:
    """A line of a study's table: the mean over seeds, and in brackets the smallest and the largest."""
    results = of_study[run]
    cells = {
        "recipe": name_of(run) + targets.mark_of(results),
        "seeds": str(len(results)),
        "cost": f"{np.mean([result['cost'] for result in results]):.2f}",
    }
    tutorial = of_study.get(("tutorial", 1))
    share = targets.above_real(results) / targets.above_real(tutorial) if tutorial else None
    for head, (epoch, *where, factor, digits) in COLUMNS.items():
        cells[head] = _spread([_number(measures(result, epoch), *where, factor) for result in results], digits)
        if head == "SWD, best":
            cells["above real"] = "" if share is None else f"{share:.0%}"
    return cells


def _net(results: list[dict], nets: dict[str, str]) -> dict[str, str]:
    """Which nets are meant, where there are several."""
    meant = {nets[result["features"]] for result in results if result["features"]}
    return {"net": ", ".join(sorted(meant))} if len(nets) > 1 else {}


def _number(found: dict, measure: str, key: str, factor: float) -> float | None:
    value = found.get(measure, {}).get(key)  # Of flat pictures copies cannot be told.
    return None if value is None else factor * value


def _spread(values: list[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    spread = f" ({min(known):.{digits}f}..{max(known):.{digits}f})" if len(known) > 1 else ""
    return f"{np.mean(known):.{digits}f}{spread}"


def _real(runs: list[dict]) -> dict[str, str]:
    """The line of real images: the same for all but for features, where the newest run's are shown."""
    found = {name: measure["real"] for name, measure in runs[-1]["scores"]["best"]["measures"].items()}
    cells = {"recipe": "(real images)", "seeds": "", "cost": ""}
    for head, (epoch, *where, factor, digits) in COLUMNS.items():
        cells[head] = _spread([_number(found, *where, factor)], digits) if epoch == "best" else ""
        if head == "SWD, best":
            cells["above real"] = ""
    return cells


def _pictures(study: str) -> dict[str, str]:
    """The last pictures of the runs where they may be shown, by the name of the result."""
    paths = sorted((RESULTS / study).glob("*.png"), reverse=True)  # the tutorial's first
    return {path.stem: f"![{path.stem}]({os.path.relpath(path, DOCS)})" for path in paths}


def _modes(of_study: dict) -> list[dict[str, str]]:
    rows = []
    for run in sorted(of_study, key=_order):
        for epoch in ("best", "newest"):
            found = [result["scores"][epoch]["stacked_modes"] for result in of_study[run]]
            covered, divergence = ([one[key] for one in found] for key in ("covered", "divergence"))
            rows.append({
                "recipe": name_of(run),
                "epoch": {"best": "best by SWD", "newest": "last"}[epoch],
                f"modes of {found[0]['of']:,}": _spread(covered, 0),
                "KL": _spread(divergence, 3),
            })  # fmt: skip
    return rows


def _draw(of_study: dict, path: Path) -> None:
    """SWD while training and, where it is known, KID, against time in steps of the tutorial recipe."""
    has_kid = any(result["kid_curve"] for results in of_study.values() for result in results)
    figure = Figure(figsize=(9, 8 if has_kid else 5), dpi=100, layout="constrained")
    panels = figure.subplots(2 if has_kid else 1, squeeze=False)[:, 0]
    for number, run in enumerate(sorted(of_study, key=_order)):
        for result in of_study[run]:
            style = dict(color=f"C{number % 10}", linestyle="-:"[number // 10 % 2])
            label = name_of(run) if result is of_study[run][0] else None
            curves = [[(point["step"], point["swd"]) for point in result["curve"]]]
            curves += [[(point["step"], point["kid"]) for point in result["kid_curve"]]]
            for axes, points in zip(panels, curves):
                if points:
                    steps, values = np.array(points).T
                    axes.plot(steps * result["cost"], values, **style, label=label)
    for axes, label in zip(panels, ("SWD of up to 1,024 pictures", "KID of up to 1,000 pictures")):
        axes.set(xlabel="time, in steps of the tutorial recipe", ylabel=label, yscale="log")
        axes.grid(alpha=0.25, which="both")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
        for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            set_formatter("{x:g}")
    panels[0].legend(frameon=False, bbox_to_anchor=(1, 1), loc="upper left")
    figure.savefig(path)


if __name__ == "__main__":
    main()
