"""Makes docs/quality.md, docs/quality-switches.md and their plots from all results in benchmarks/quality/results/:
`python -m benchmarks.quality.page`."""

import math
import operator
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from benchmarks.common import ROOT, table
from benchmarks.quality import figures, switches
from benchmarks.quality.run import result_path
from benchmarks.quality.scoring import KID_CURVE_IMAGES
from benchmarks.quality.studies import CONFIRMATION, PICTURES, STUDIES, TINY
from benchmarks.quality.tables import (
    OLD_AVERAGE,
    Results,
    about,
    load_results,
    measures,
    net_cell,
    nets_of,
    number,
    of_real_images,
    shown,
    spread,
    wrapped,
)
from dcgan_tf.common.text import plural
from dcgan_tf.metrics.words import NEAR_SWD

DOCS = ROOT / "docs"
HEAD = f"""# How good are the pictures?

The recipes `tutorial` and `best` train the same net for the same time. Their pictures are compared with real ones in the
features of a net that has learned to tell what photographs show (`--features imagenet`), which comes closer to what a person
sees than SWD does. Read each row against "real images": one half of them compared with the other half, in the same way. A
perfect generator would score the same. Every run is measured at the epoch that it calls its best itself, by what it measured
while it trained.

| column | better | what it says |
|---|---|---|
| KID x1000 | low | how unlike real images the pictures are; ± is the standard error |
| precision | high | the share of pictures that could be real images; pictures of one flat colour have the most, so read it beside recall |
| recall | high | the share of real images that could be pictures: low where kinds are missing |
| FID | low | as KID, but it depends on how many images a set has |
| SWD | low | how unlike colours and textures are; blind to what a picture shows |
| cost | | what a step takes, as a multiple of the tutorial's: the lower it is, the more steps fit in the same time |

Where there are several seeds, a cell has their mean, and in brackets the lowest and the highest. With one seed, a tenth of SWD
says nothing, nor does a KID less than three standard errors away. [evaluation.md](evaluation.md) tells how each number is made;
[quality-switches.md]({switches.NAME}), what each switch of a recipe gives, and older results.

This page is made by `python -m benchmarks.quality.page` from the results that `python -m benchmarks.quality.run STUDY` adds;
the images are real ones that are no part of this repository.
"""
BEST_EPOCH = f"""## Is the best epoch by SWD the best by KID?

Every row is a run, all of whose measured epochs were kept and measured anew, by at most {KID_CURVE_IMAGES:,} pictures: KID x1000
of the epoch that has the lowest SWD, of the one that has the lowest KID, and of the last. The rank correlation is 1 where SWD
and KID put the epochs in the same order, and 0 where the order by one says nothing of that by the other. A run goes by SWD
until that is below {NEAR_SWD} times that of real images, and from then on by KID
([why](findings.md#which-epoch-is-the-best)); the other table and the rings in the figures are of the epoch that it chose.
"""
TINY_HEAD = """## Tiny grey images

A net that knows photographs has little to say of digits of 8x8. These are compared by SWD, and in the features of a small
classifier of their own classes, so FID compares within a set only, and there between rows of the same net.
"""
KEPT = {name: (name, 1) for name in CONFIRMATION}  # This page shows these of each study.
# Head of the column -> (measure, key, digits)
STANDS = {
    "precision": ("precision-recall", "precision", 2),
    "recall": ("precision-recall", "recall", 2),
    "FID": ("fid", "fid", 1),
    "SWD": ("swd", "mean", 1),
}
OF_TINY = {name: STANDS[name] for name in ("SWD", "FID", "precision", "recall")}
OfRecipes = dict[str, list[dict]]  # {recipe: a result for each seed}


def main() -> None:
    results = load_results()
    (DOCS / "quality.md").write_text(page(results))
    (DOCS / switches.NAME).write_text(switches.page(results, DOCS))


def page(results: Results) -> str:
    """The page; its figures go to DOCS. A study without a result is left out."""
    parts, pictures, tiny = [HEAD], _of(results, PICTURES), _of(results, TINY)
    if pictures:
        rows = [row for study, of in pictures.items() for row in _stands(study, of)]
        parts.append(f"## Where we stand\n\n{table(rows)}\n")
        rows = best_epochs(pictures)
        parts.append(f"{BEST_EPOCH}\n{table(rows)}\n\n{_agreement(pictures)}\n")
    for study, of_recipes in pictures.items():
        parts.append(_section(study, of_recipes))
    if tiny:
        rows = [row for study, of in tiny.items() for row in _tiny(study, of)]
        marks = f"\n{OLD_AVERAGE}\n" if any("°" in row["recipe"] for row in rows) else ""
        parts.append(f"{TINY_HEAD}{marks}\n{table(rows)}\n")
    return "\n".join(parts)


def _of(results: Results, studies: Iterable[str]) -> dict[str, OfRecipes]:
    """{study: what is there of the recipes of this page}, without studies of which nothing is."""
    found = {}
    for study in studies:
        of_study = results.get(study, {})
        if of_recipes := {recipe: of_study[run] for recipe, run in KEPT.items() if run in of_study}:
            found[study] = of_recipes
    return found


def _stands(study: str, of_recipes: OfRecipes) -> list[dict[str, str]]:
    """Lines of real images and of every recipe, at the best epoch."""
    rows = []
    for recipe, found, cost in _rows(of_recipes):
        kid = spread([number(one, "kid", "kid", 1000) for one in found], 1)
        error = np.mean([number(one, "kid", "standard_error", 1000) for one in found])
        rows.append(
            {"set": study, "recipe": recipe, "KID x1000": f"{kid} ± {error:.1f}"} | _cells(found, STANDS) | cost
        )
    return rows


def _tiny(study: str, of_recipes: OfRecipes) -> list[dict[str, str]]:
    everything = [result for results in of_recipes.values() for result in results]
    nets = nets_of(everything)
    rows = []
    for (recipe, found, cost), results in zip(_rows(of_recipes), [everything[:1], *of_recipes.values()]):
        net = {"net": ""} | net_cell(results, nets)
        rows.append({"set": study, "recipe": recipe} | _cells(found, OF_TINY) | net | cost)
    return rows


def _rows(of_recipes: OfRecipes) -> Iterator[tuple[str, list[dict], dict[str, str]]]:
    """(name, the measures of each seed, cells of the cost) of real images and of every recipe."""
    first = next(iter(of_recipes.values()))[0]
    yield "(real images)", [of_real_images(first)], {"cost": "", "seeds": ""}
    for recipe, results in of_recipes.items():
        cost = f"{np.mean([result['cost'] for result in results]):.2f}"
        found = [measures(result, "best") for result in results]
        yield shown(KEPT[recipe], results), found, {"cost": cost, "seeds": str(len(results))}


def _cells(found: list[dict], columns: dict[str, tuple[str, str, int]]) -> dict[str, str]:
    return {
        head: spread([number(one, measure, key) for one in found], digits)
        for head, (measure, key, digits) in columns.items()
    }


def best_epochs(pictures: dict[str, OfRecipes]) -> list[dict[str, str]]:
    """A line for each run: KID at the epochs of the lowest SWD, of the lowest KID, and at the last."""
    lines = []
    for study, result in _runs(pictures):
        rows = result["kid_curve"]
        swds, kids = ([row[name] for row in rows] for name in ("swd", "kid"))
        several = any(other["seed"] for other in pictures[study][result["variant"]])
        lines.append({
            "set": study,
            "recipe": result["variant"] + (f", seed {result['seed']}" if several else ""),
            "lowest SWD": _kid_at(rows[int(np.argmin(swds))]),
            "lowest KID": _kid_at(rows[int(np.argmin(kids))]),
            "last": _kid_at(rows[-1]),
            "epochs": str(len(rows)),
            "rank correlation": f"{spearmanr(swds, kids).statistic:.2f}" if len(rows) > 2 else "",
        })  # fmt: skip
    return lines


def _runs(pictures: dict[str, OfRecipes]) -> Iterator[tuple[str, dict]]:
    for study, of_recipes in pictures.items():
        for results in of_recipes.values():
            for result in results:
                yield study, result


def _kid_at(row: dict) -> str:
    return f"{1000 * row['kid']:.1f} ± {1000 * row['standard_error']:.1f} (step {row['step']:,})"


def _agreement(pictures: dict[str, OfRecipes]) -> str:
    """In how many runs the epoch of the lowest SWD is as good by KID as the best by KID, within its scatter."""
    curves = [result["kid_curve"] for _, result in _runs(pictures)]
    agreed = 0
    for rows in curves:
        of_swd, of_kid = (min(rows, key=operator.itemgetter(name)) for name in ("swd", "kid"))
        scatter = math.hypot(of_swd["standard_error"], of_kid["standard_error"])
        agreed += of_swd["kid"] - of_kid["kid"] <= 2 * scatter
    by_kid, runs = sum(result["chosen_by"] == "kid" for _, result in _runs(pictures)), plural(len(curves), "run")
    return wrapped(
        f"In {agreed} of {runs} the epoch of the lowest SWD has a KID within two standard errors of the lowest one. The epoch "
        f"chosen was told by KID in {by_kid} of {runs}, by SWD in the rest."
    )


def _section(study: str, of_recipes: OfRecipes) -> str:
    """The figure of a set, and the sheets of its best epochs where they may be shown."""
    everything = [result for results in of_recipes.values() for result in results]
    plot = DOCS / f"quality-{study}.png"
    figures.tutorial_and_best(study, of_recipes, plot)
    images = everything[0]["scores"]["best"]["measures"]["kid"]["protocol"]["images"]
    said = wrapped(f"{about(study, everything)} Compared are {images:,} pictures with as many real images.")
    text = f"## {study}\n\n{said}\n\n![KID and SWD over time]({plot.name})\n"
    paths = {recipe: sheet_path(study, recipe, results[0]["seed"]) for recipe, results in of_recipes.items()}
    sheets = {recipe: f"![{recipe}]({os.path.relpath(path, DOCS)})" for recipe, path in paths.items() if path.exists()}
    if sheets:
        text += f"\nThe first pictures of the best epochs. The net was trained on {STUDIES[study].credit}:\n\n{table([sheets])}\n"
    return text


def sheet_path(study: str, recipe: str, seed: int) -> Path:
    return result_path(study, recipe, seed).with_suffix(".png")


if __name__ == "__main__":
    main()
