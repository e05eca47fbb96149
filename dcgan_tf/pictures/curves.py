"""The loss curves of a run as one picture, from its log.jsonl."""

import functools

import numpy as np

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import printable
from dcgan_tf.metrics.words import OF_REALS
from dcgan_tf.pictures.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, finish, panels, whole_numbers, write_figure
from dcgan_tf.pictures.plots import WHOLE_NUMBER_TICKS as TICKS
from dcgan_tf.runs.best import criterion, find_best
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.lines import Numbers, read_numbers

CURVE_BINS = 800  # About the width of the picture in pixels: finer parts of a curve would not show.
MAX_SPIKE = 5.0  # Values further out than so many times the range of most ask for a logarithmic axis.
LOSSES = {"d_loss": ("discriminator loss", BLUE), "g_loss": ("generator loss", ORANGE)}
PROBABILITIES = {"d_real": ("D(real)", GREEN), "d_fake": ("D(generated)", PURPLE)}
MEASURES = {"swd": "SWD, x 1000", "kid": "KID"}
LOSS_INCHES, OTHER_INCHES = 3.6, 2.2


def write_curves(folder: RunFolder) -> bool:
    """Draws both losses, the mean probabilities that D gives real and generated images, and SWD and KID where they were
    measured, against step and epoch, into losses.png.

    A thin line shows every logged value, a thick one the running mean over a fiftieth of the log. All values are within
    the axes: where a few are far from the others, the axis is logarithmic, beyond zero on both sides where there are
    negative ones. Lines that no run writes are left out, with a note.

    Returns:
        False, with nothing written, when the log is missing or has no whole line yet, or cannot be read, with a note.

    Raises:
        UserError: the disk is full.
    """
    try:
        lines = read_numbers(folder.log, *LOSSES, *PROBABILITIES, *MEASURES)
    except OSError as error:
        note(f"{printable(folder.log)}: cannot be read ({error.strerror}): its curves are not drawn")
        return False
    if not len(lines):
        return False
    best = find_best(folder) if _finite(lines, "swd").any() else {}
    write_figure(_draw(lines, folder.path.resolve().name, best), folder.losses)
    return True


def _draw(lines: Numbers, title: str = "", best: dict | None = None):
    """best: what best.json says, see `find_best`."""
    shown = [(_draw_losses, LOSS_INCHES)]
    if any(_finite(lines, key).any() for key in PROBABILITIES):
        shown.append((_draw_probabilities, OTHER_INCHES))
    for name, unit in MEASURES.items():
        if _finite(lines, name).any():
            shown.append((functools.partial(_draw_measure, name=name, unit=unit, best=best or {}), OTHER_INCHES))
    figure, all_axes = panels(title, [inches for _, inches in shown])
    for axes, (draw, _) in zip(all_axes, shown, strict=True):
        draw(axes, lines)
        axes.margins(x=0.02, y=0.08)
        finish(axes)
    _epochs_on_top(all_axes[0], lines)
    whole_numbers(all_axes[-1], "step")
    return figure


def _draw_losses(axes, lines: Numbers) -> None:
    drawn = [_plot(axes, lines, key, *look) for key, look in LOSSES.items()]
    axes.set_ylabel("loss")
    _scale(axes, np.concatenate(drawn))


def _draw_probabilities(axes, lines: Numbers) -> None:
    # At 0.5, D cannot tell real from generated images.
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    for key, look in PROBABILITIES.items():
        _plot(axes, lines, key, *look)
    axes.set(ylim=(-0.02, 1.02), ylabel="mean probability\nof being real")


def _draw_measure(axes, lines: Numbers, name: str, unit: str, best: dict) -> None:
    finite = _finite(lines, name)
    steps, values = lines.steps[finite], lines.column(name)[finite]
    axes.plot(steps, values, color=BLUE, linewidth=1.8, marker="o", markersize=4, label=name.upper())
    floor = best.get(f"{name}{OF_REALS}")
    if floor is not None:
        axes.axhline(floor, color=BLUE, linewidth=1.4, linestyle=":", label="real images")
    here = np.flatnonzero(lines.epochs[finite] == best.get("epoch"))
    if len(here) and name == criterion(best):
        place = here[values[here].argmin()]
        label = f"best: epoch {best['epoch']}"
        axes.plot(steps[place], values[place], color=RED, marker="*", markersize=13, linestyle="", label=label)
    axes.set_ylabel(unit)
    _scale(axes, values)


def _finite(lines: Numbers, key: str) -> np.ndarray:
    """Which lines have that number: bool [lines]."""
    return np.isfinite(lines.column(key))


def _plot(axes, lines: Numbers, key: str, label: str, colour: str) -> np.ndarray:
    """Draws the values of `key` and returns them."""
    finite = _finite(lines, key)
    steps, values = lines.steps[finite], lines.column(key)[finite]
    if len(values):
        shown = _extremes(values)
        axes.plot(steps[shown], values[shown], color=colour, linewidth=0.8, alpha=0.35)
        means = running_mean(values, window=max(1, len(values) // 50))
        marker = "o" if len(values) == 1 else ""
        axes.plot(steps[shown], means[shown], color=colour, linewidth=1.8, marker=marker, label=label)
    return values


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of the `window` values around each value, of fewer at both ends. values: finite [n]; window: 1 to n."""
    sums = np.concatenate([[0.0], values.cumsum()])
    places = np.arange(len(values))
    start = np.maximum(places - (window - 1) // 2, 0)
    stop = np.minimum(places + window // 2 + 1, len(values))
    return (sums[stop] - sums[start]) / (stop - start)


def _extremes(values: np.ndarray) -> np.ndarray:
    """The indices of the lowest and the highest value in each of CURVE_BINS parts, so that thinning loses no spike."""
    places = set()
    for part in np.array_split(np.arange(len(values)), CURVE_BINS):
        if len(part):
            places |= {part[values[part].argmin()], part[values[part].argmax()]}
    return np.array(sorted(places))


def _scale(axes, values: np.ndarray) -> None:
    """Keeps all values within the axis, and the curves apart from each other where single spikes are far above them."""
    if not len(values):
        return
    low, high = np.percentile(values, [1, 99])
    spread = high - low
    if spread <= 0 or max(values.max() - high, low - values.min()) <= MAX_SPIKE * spread:
        return
    if values.min() > 0:
        axes.set_yscale("log")
        axes.set_ylabel(f"{axes.get_ylabel()}, logarithmic")
    else:
        axes.set_yscale("symlog", linthresh=max(abs(low), abs(high)))
        axes.set_ylabel(f"{axes.get_ylabel()},\nlogarithmic far from 0")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")


def _epochs_on_top(axes, lines: Numbers) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs, first = np.unique(lines.epochs, return_index=True)
    steps = lines.steps[first]
    ticks = MaxNLocator(**TICKS).tick_values(epochs[0], epochs[-1])
    ticks = ticks[(ticks >= epochs[0]) & (ticks <= epochs[-1])]
    top = axes.secondary_xaxis("top")
    top.set_xticks(np.interp(ticks, epochs, steps), [f"{tick:.0f}" for tick in ticks])
    top.set_xlabel("epoch")
