"""How all plots look: colours that everybody can tell apart, and letters that are read at 600 pixels of width."""

import warnings

from dcgan_tf.common.errors import printable
from dcgan_tf.common.files import whole_file

# Okabe and Ito 2008, "Color Universal Design"
BLUE, ORANGE, GREEN, PURPLE, RED, SKY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY)
GREY = "#606060"
DOTS_PER_INCH, WIDTH_INCHES = 100, 9.0
FONT_POINTS = 12
MAX_TITLE_LETTERS = 60
WHOLE_NUMBER_TICKS = {"nbins": 9, "steps": [1, 2, 5, 10], "integer": True, "min_n_ticks": 1}  # of steps and epochs


def panels(title: str, heights: list[float]):
    """(a figure, its panels from above): one below the other, of these heights in inches, with one x axis."""
    import matplotlib as mpl  # This import takes most of a second.
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": FONT_POINTS}):
        size = (WIDTH_INCHES, sum(heights) + 0.6)
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
        axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        figure.suptitle(letters(title if len(title) <= MAX_TITLE_LETTERS else f"{title[:MAX_TITLE_LETTERS]}..."))
    return figure, list(axes)


def letters(text: str) -> str:
    """Foreign text as it is: matplotlib would take what stands between dollar signs for a formula."""
    return printable(text).replace("$", r"\$")


def finish(axes) -> None:
    """Grid lines, and the legend beside the curves, not over them."""
    axes.grid(alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=FONT_POINTS - 1)


def whole_numbers(axes, label: str) -> None:
    """For an x axis of steps or epochs."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(**WHOLE_NUMBER_TICKS))
    axes.xaxis.set_major_formatter("{x:,.0f}")


def write_figure(figure, path) -> None:
    """As a PNG, whole or not at all.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    with whole_file(path) as beside, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # Names may be of any script.
        figure.savefig(beside, format="png")
