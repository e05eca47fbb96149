"""evaluation.png: every number over the epochs, one panel for each unit."""

import re

from dcgan_tf.evaluate.columns import Key, column, keys_of
from dcgan_tf.evaluate.report import best_of
from dcgan_tf.evaluate.results import Measured, Result
from dcgan_tf.pictures.plots import COLOURS, GREY, finish, letters, panels, whole_numbers, write_figure

PANEL_INCHES = 2.2
NOT_PLOTTED = {("kid", "standard_error")}  # An error is no curve of its own.
Panel = tuple[str, str]  # (measure, unit)


def write_plot(result: Result, name: str, path) -> bool:
    """Plots each measure over all epochs of a result; a dotted line shows the number of real images, and a line from top
    to bottom the best epoch. Shades show one standard deviation over the seeds.

    name: of the run, for the title.

    Returns:
        False, with nothing written, where no measure has two epochs.
    """
    drawn = panels_of(result)
    if not drawn:
        return False
    figure, all_axes = panels(f"{name}: measured", [PANEL_INCHES] * len(drawn))
    epochs = sorted({epoch for measured in result.measures.values() for epoch in _epochs(measured)})
    best = best_of(result, [str(epoch) for epoch in epochs])
    all_axes[0].plot([], [], color=GREY, linestyle=":", label="real images")
    for axes, ((_, unit), keys) in zip(all_axes, drawn.items(), strict=True):
        for key, colour in zip(keys, COLOURS * len(keys)):
            _draw(axes, key, colour, result.measures[key[0]])
        if best is not None:
            label = f"best: epoch {best}" if axes is all_axes[0] else None
            axes.axvline(int(best), color=GREY, linewidth=1, linestyle="--", label=label)
        axes.set_ylabel(unit.replace(", ", ",\n"))
        axes.margins(x=0.03, y=0.1)
        finish(axes)
    whole_numbers(all_axes[-1], "epoch")
    write_figure(figure, path)
    return True


def panels_of(result: Result) -> dict[Panel, list[Key]]:
    """The numbers of each panel. Numbers of one unit and of different measures are far apart, so each has its own."""
    drawn: dict[Panel, list[Key]] = {}
    for name, measured in result.measures.items():
        if len(_epochs(measured)) < 2:
            continue
        for key in keys_of(name, measured.real):
            if key not in NOT_PLOTTED and _points(measured, key[1]):
                drawn.setdefault((name, column(key).unit), []).append(key)
    return drawn


def _draw(axes, key: Key, colour: str, measured: Measured) -> None:
    width = 2.2 if key == ("swd", "mean") else 1.4
    points = _points(measured, key[1])
    epochs, values = zip(*points, strict=True)
    axes.plot(epochs, values, color=colour, linewidth=width, marker="o", markersize=4, label=letters(column(key).head))
    deviations = [measured.standard_deviations.get(str(epoch), {}).get(key[1]) or 0 for epoch in epochs]
    if any(deviations):
        low, high = ([value + sign * by for value, by in zip(values, deviations)] for sign in (-1, 1))
        axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    real = measured.real.get(key[1])
    if real is not None:
        axes.axhline(real, color=colour, linewidth=1.4, linestyle=":")


def _epochs(measured: Measured) -> list[int]:
    # A generator of no epoch goes by its name, which may be "007".
    return sorted(int(epoch) for epoch in measured.epochs if re.fullmatch("0|[1-9][0-9]{0,15}", epoch))


def _points(measured: Measured, key: str) -> list[tuple[int, float]]:
    points = [(epoch, measured.epochs[str(epoch)].get(key)) for epoch in _epochs(measured)]
    return [(epoch, value) for epoch, value in points if value is not None]
