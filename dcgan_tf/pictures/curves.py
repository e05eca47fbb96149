"""The loss curves of a run as one picture, from its log.jsonl."""

from pathlib import Path

import numpy as np

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.runs.lines import Numbers, read_numbers

CURVE_BINS = 800  # About the width of the picture in pixels: finer parts of a curve would not show.
LOSSES = {"d_loss": ("discriminator loss", "tab:blue"), "g_loss": ("generator loss", "tab:orange")}
PROBABILITIES = {"d_real": ("D(real)", "tab:green"), "d_fake": ("D(generated)", "tab:purple")}
WHOLE_NUMBER_TICKS = {"nbins": 9, "steps": [1, 2, 5, 10], "integer": True, "min_n_ticks": 1}  # for both x axes


def write_curves(log_path, png_path) -> bool:
    """Draws both losses, and the mean probabilities that D gives real and generated images, against step and epoch.

    A thin line shows every logged value, a thick one the running mean over a fiftieth of the log.

    Args:
        log_path: lines of JSON with step, epoch and any of d_loss, g_loss, d_real, d_fake; other keys are passed over,
            and lines that no run writes are left out, with a note.
        png_path: the picture, written whole or not at all.

    Returns:
        False, with nothing written, when the log is missing or has no whole line yet, or cannot be read, with a note.

    Raises:
        UserError: the disk is full.
    """
    try:
        lines = read_numbers(Path(log_path), *LOSSES, *PROBABILITIES)
    except OSError as error:
        note(f"{printable(log_path)}: cannot be read ({error.strerror}): its curves are not drawn")
        return False
    if not len(lines):
        return False
    figure = _draw(lines)
    with whole_file(png_path) as beside:
        figure.savefig(beside, format="png")
    return True


def _draw(lines: Numbers):
    from matplotlib.figure import Figure  # This import takes most of a second.
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 6.5), dpi=100, layout="constrained")
    losses, probabilities = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    drawn = [_plot(losses, lines, key, *look) for key, look in LOSSES.items()]
    _focus(losses, np.concatenate(drawn))
    losses.set_ylabel("loss")
    _epochs_on_top(losses, lines)

    probabilities.axhline(
        0.5, color="grey", linewidth=0.8, linestyle=":"
    )  # At 0.5, D cannot tell real from generated images.
    for key, look in PROBABILITIES.items():
        _plot(probabilities, lines, key, *look)
    probabilities.set(ylim=(0, 1), ylabel="mean probability\nof being real", xlabel="step")
    probabilities.xaxis.set_major_locator(MaxNLocator(**WHOLE_NUMBER_TICKS))
    probabilities.xaxis.set_major_formatter("{x:,.0f}")
    for axes in (losses, probabilities):
        axes.grid(alpha=0.25)
        axes.margins(x=0)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(
                loc="upper left", bbox_to_anchor=(1, 1), frameon=False
            )  # The legend stands beside the curves, not over them.
    return figure


def _plot(axes, lines: Numbers, key: str, label: str, colour: str) -> np.ndarray:
    """Draws the values of `key` and returns them."""
    steps, values = lines.steps, lines.column(key)
    steps, values = steps[np.isfinite(values)], values[np.isfinite(values)]
    if len(values):
        shown = _extremes(values)
        axes.plot(steps[shown], values[shown], color=colour, linewidth=0.8, alpha=0.35)
        means = running_mean(values, window=max(1, len(values) // 50))
        marker = "." if len(values) == 1 else ""
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


def _focus(axes, values: np.ndarray) -> None:
    """Lets single spikes leave the picture, so that they do not flatten the rest of the curve."""
    if not len(values):
        return
    low, high = np.percentile(values, [1, 99])
    margin = 0.5 * (high - low)
    if margin > 0:
        axes.set_ylim(max(values.min(), low - margin) - 0.1 * margin, min(values.max(), high + margin) + 0.1 * margin)


def _epochs_on_top(axes, lines: Numbers) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs, first = np.unique(lines.epochs, return_index=True)
    steps = lines.steps[first]
    ticks = MaxNLocator(**WHOLE_NUMBER_TICKS).tick_values(epochs[0], epochs[-1])
    ticks = ticks[(ticks >= epochs[0]) & (ticks <= epochs[-1])]
    top = axes.secondary_xaxis("top")
    top.set_xticks(np.interp(ticks, epochs, steps), [f"{tick:.0f}" for tick in ticks])
    top.set_xlabel("epoch")
