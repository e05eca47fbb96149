"""docs/quality-switches.md: what each switch gives, and older results."""

import os

import numpy as np

from benchmarks.common import table
from benchmarks.quality import figures, targets
from benchmarks.quality import run as runner
from benchmarks.quality.studies import NOW, PICTURES, STUDIES
from benchmarks.quality.tables import (
    OLD_AVERAGE,
    Results,
    Run,
    about,
    best_of,
    mark_of,
    measures,
    net_cell,
    nets_of,
    number,
    of_real_images,
    order_of,
    shown,
    spread,
    wrapped,
)

NAME = "quality-switches.md"
HEAD = f"""# What each switch gives

**These numbers are blind to what a picture shows.** The recipe `best` was chosen by them: by SWD, which sees colours and
textures alone, and by small nets that know nothing but the few classes of the set itself. A net that has seen the world was
not there yet. What it says of the recipes is in [quality.md](quality.md), and counts more.

Made by `python -m benchmarks.quality.page`, as that page is. Every row of a table trained for the same time: so many steps of
the tutorial recipe, and of another as many whole epochs as take no longer; "x3" went on until it was three times as long.

| column | what it says |
|---|---|
| cost | what a step takes, as a multiple of the tutorial's, measured in turn in one process |
| SWD | the distance from real images at the best epoch and at the last one, lower is better: the mean of several sets of pictures, none of them that by which the best epoch was chosen |
| above real | what the best epoch has beyond the SWD of real images, as a share of the tutorial's |
| tones; clipped | how far apart the values of all pixels are, in levels of 0 to 255; the share of them that are black or white |
| MS-SSIM, distance | how alike, and how far apart, two pictures are: both should be near those of real images |
| FID, KID, precision, recall | in the features of a net; they compare between rows of the same "net" only, which is made anew on each machine |
| nearer; copied | the share of pictures nearer to a training image than half of the real ones are to another; those that stick to one, about 1% by chance |

{OLD_AVERAGE}
[evaluation.md](evaluation.md) tells more. With one seed, differences of a few points of SWD say nothing.
"""
ONE_SWITCH = """The recipe `best` at 32x32, and the same with one thing changed, for the same time, at their best epochs; all else is in the
tables of `faces32` and `paintings32` below. The last column is SWD over that of `best`, the mean of both sets."""
ABLATED = ("faces32", "paintings32")

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


def page(results: Results, docs) -> str:
    """The page; its figures go to the folder `docs`. A study whose results are all in quality.md is left out."""
    parts = [HEAD]
    if reached := targets.rows(results):
        parts.append(f"## Targets\n\n{targets.ABOUT}\n\n{table(reached)}\n")
    if alone := one_switch(results):
        parts.append(f"## One switch at a time\n\n{ONE_SWITCH}\n\n{table(alone)}\n")
    for study in STUDIES:
        of_study = results.get(study, {})
        if of_study and not (study in PICTURES and set(of_study) <= {("tutorial", 1), ("best", 1)}):
            parts += _section(study, of_study, docs)
    return "\n".join(parts)


def _section(study: str, of_study: dict[Run, list[dict]], docs) -> list[str]:
    order = sorted(of_study, key=order_of)
    everything = [result for run in order for result in of_study[run]]
    nets = nets_of(everything)
    rows = [_real(everything[-1:], nets), *(row(run, of_study, nets) for run in order)]
    parts = [f"## {study}\n\n{wrapped(about(study, everything))}\n\n{table(rows)}\n"]
    if study not in PICTURES:  # whose figure is in quality.md
        plot = docs / f"quality-{study}.png"
        figures.all_variants(of_study, plot)
        parts.append(f"![SWD over time]({plot.name})\n")
    if sheets := _sheets(study, docs):
        parts.append(f"{table([sheets])}\n")
    if any("stacked_modes" in one["scores"]["best"] for one in everything):
        parts.append(f"{table(_modes(of_study))}\n")
    return parts


def one_switch(results: Results) -> list[dict[str, str]]:
    """A line for each variant of the best recipe that was tried on both sets of photographs, the lower SWD first."""
    of_sets = {study: results.get(study, {}) for study in ABLATED}
    tried = [(name, 1) for name in NOW if name.startswith("best") and all((name, 1) in of for of in of_sets.values())]
    if ("best", 1) not in tried:
        return []
    swd = {run: np.array([best_of(of[run], "swd", "mean") for of in of_sets.values()]) for run in tried}
    ratios = {run: np.mean(swd[run] / swd["best", 1]) for run in tried}
    nets = {study: nets_of([result for run in tried for result in of[run]]) for study, of in of_sets.items()}
    lines = []
    for run in sorted(tried, key=ratios.get):
        cells = {"recipe": run[0] + mark_of([result for of in of_sets.values() for result in of[run]])}
        for study, of in of_sets.items():
            cells_of_set = row(run, of, nets[study])
            heads = ("SWD, best", "FID", "recall", "net")
            cells |= {f"{study}: {head}": cells_of_set[head] for head in heads if head in cells_of_set}
        lines.append(cells | {"SWD, of best's": f"{ratios[run]:.2f}"})
    return lines


def row(run: Run, of_study: dict[Run, list[dict]], nets: dict[str, str]) -> dict[str, str]:
    """A line of a study's table: the mean over seeds, and in brackets the smallest and the largest."""
    results = of_study[run]
    cells = {
        "recipe": shown(run, results),
        "seeds": str(len(results)),
        "cost": f"{np.mean([result['cost'] for result in results]):.2f}",
    }
    tutorial = of_study.get(("tutorial", 1))
    share = _above_real(results) / _above_real(tutorial) if tutorial else None
    for head, (epoch, *where, factor, digits) in COLUMNS.items():
        cells[head] = spread([number(measures(result, epoch), *where, factor) for result in results], digits)
        if head == "SWD, best":
            cells["above real"] = "" if share is None else f"{share:.0%}"
    return cells | net_cell(results, nets)


def _above_real(results: list[dict]) -> float:
    """The SWD of the best epoch beyond that of real images, the mean over seeds."""
    return best_of(results, "swd", "mean") - float(
        np.mean([of_real_images(result)["swd"]["mean"] for result in results])
    )


def _real(newest: list[dict], nets: dict[str, str]) -> dict[str, str]:
    """The line of real images: the same for all but for features, where the newest run's are shown."""
    found = of_real_images(newest[0])
    cells = {"recipe": "(real images)", "seeds": "", "cost": ""}
    for head, (epoch, *where, factor, digits) in COLUMNS.items():
        cells[head] = spread([number(found, *where, factor)], digits) if epoch == "best" else ""
        if head == "SWD, best":
            cells["above real"] = ""
    return cells | net_cell(newest, nets)


def _sheets(study: str, docs) -> dict[str, str]:
    """The pictures of the runs where they may be shown, by the name of the result."""
    if study in PICTURES:
        return {}
    paths = sorted((runner.RESULTS / study).glob("*.png"), reverse=True)  # the tutorial's first
    return {path.stem: f"![{path.stem}]({os.path.relpath(path, docs)})" for path in paths}


def _modes(of_study: dict[Run, list[dict]]) -> list[dict[str, str]]:
    rows = []
    for run in sorted(of_study, key=order_of):
        for epoch in ("best", "newest"):
            found = [result["scores"][epoch]["stacked_modes"] for result in of_study[run]]
            covered, divergence = ([one[key] for one in found] for key in ("covered", "divergence"))
            rows.append({
                "recipe": shown(run, []),
                "epoch": {"best": "best by SWD", "newest": "last"}[epoch],
                f"modes of {found[0]['of']:,}": spread(covered, 0),
                "KL": spread(divergence, 3),
            })  # fmt: skip
    return rows
