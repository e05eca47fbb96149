"""The curves of both pages of results."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks.quality.tables import Run, order_of, shown

TIME = "time, in steps of the tutorial recipe"


def tutorial_and_best(study: str, of_recipes: dict[str, list[dict]], path: Path) -> None:
    """KID above SWD of all epochs that were kept against time, with the floors of real images, for 600 pixels of width.

    of_recipes: {recipe: a result for each seed}. A ring marks the epoch that the run calls its best.
    """
    figure = Figure(figsize=(6, 6.2), dpi=150, layout="constrained")
    upper, lower = figure.subplots(2, sharex=True)
    for number, (recipe, results) in enumerate(of_recipes.items()):
        for result in results:
            label = recipe if result is results[0] else None
            of_steps = {row["step"]: row for row in result["kid_curve"]}
            times = np.array(list(of_steps)) * result["cost"]
            best = list(of_steps).index(step_of(result, "best"))
            for axes, values in ((upper, kids(of_steps.values())), (lower, [row["swd"] for row in of_steps.values()])):
                axes.plot(times, values, color=f"C{number}", label=label)
                axes.plot(times[best], values[best], "o", color=f"C{number}", fillstyle="none", markersize=10)
    real = next(result["kid_curve_real"] for results in of_recipes.values() for result in results)
    for axes, floor in ((upper, 1000 * real["kid"]), (lower, real["swd"])):
        axes.axhline(floor, color="0.3", linestyle=":", label="real images")
        axes.grid(alpha=0.25, which="both")
    upper.plot([], [], "o", color="0.3", fillstyle="none", label="the run's best epoch")
    upper.set(title=study, ylabel="KID x1000, lower is better")
    upper.set_ylim(bottom=min(0, 1000 * real["kid"]) - 0.03 * upper.get_ylim()[1])
    upper.legend(frameon=False)
    lower.set(xlabel=TIME, ylabel="SWD, lower is better")
    _log_scale(lower)
    figure.savefig(path)


def kids(rows) -> list[float]:
    """KID x1000 of rows of a `kid_curve`."""
    return [1000 * row["kid"] for row in rows]


def step_of(result: dict, epoch: str) -> int:
    """The step of the "best" or "newest" epoch, after which its models were saved."""
    best, newest = (int(next(iter(result["scores"][name]["measures"]["swd"]["epochs"]))) for name in (epoch, "newest"))
    return best * result["steps"] // newest


def all_variants(of_study: dict[Run, list[dict]], path: Path) -> None:
    """SWD while training and, where it is known, KID of every recipe that was tried, against time."""
    has_kid = any(result["kid_curve"] for results in of_study.values() for result in results)
    figure = Figure(figsize=(9, 8 if has_kid else 5), dpi=100, layout="constrained")
    panels = figure.subplots(2 if has_kid else 1, squeeze=False)[:, 0]
    for number, run in enumerate(sorted(of_study, key=order_of)):
        for result in of_study[run]:
            style = dict(color=f"C{number % 10}", linestyle="-:"[number // 10 % 2])
            label = shown(run, []) if result is of_study[run][0] else None
            curves = [[(point["step"], point["swd"]) for point in result["curve"]]]
            curves += [[(point["step"], point["kid"]) for point in result["kid_curve"]]]
            for axes, points in zip(panels, curves):
                if points:
                    steps, values = np.array(points).T
                    axes.plot(steps * result["cost"], values, **style, label=label)
    for axes, label in zip(panels, ("SWD of up to 1,024 pictures", "KID of up to 1,000 pictures")):
        axes.set(xlabel=TIME, ylabel=label)
        axes.grid(alpha=0.25, which="both")
        _log_scale(axes)
    panels[0].legend(frameon=False, bbox_to_anchor=(1, 1), loc="upper left")
    figure.savefig(path)


def _log_scale(axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
    for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        set_formatter("{x:g}")
