"""The numbers of the measures: evaluation.json, which grows epoch by epoch, a table for people, and a plot."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from dcgan_tf.common import text
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.common.reading import read_json
from dcgan_tf.config.ranges import Range
from dcgan_tf.config.typed import typed

# (measure, key) in evaluation.json -> (head of the column in the table, format of its cells)
COLUMNS = {
    ("swd", "mean"): ("SWD", "{:.2f}"),
    ("tones", "distance"): ("tones", "{:.2f}"),
    ("tones", "clipped"): ("clipped", "{:.1%}"),
    ("msssim", "mean"): ("MS-SSIM", "{:.4f}"),
    ("fid", "fid"): ("FID", "{:.2f}"),
    ("kid", "kid"): ("KID", "{:.4f}"),
    ("kid", "standard_error"): ("+/-", "{:.4f}"),
    ("precision-recall", "precision"): ("precision", "{:.3f}"),
    ("precision-recall", "recall"): ("recall", "{:.3f}"),
    ("copies", "share_nearer"): ("nearer", "{:.1%}"),
    ("copies", "share_copied"): ("copied", "{:.1%}"),
    ("copies", "share_nearer_in_features"): ("f-nearer", "{:.1%}"),
    ("copies", "share_copied_in_features"): ("f-copied", "{:.1%}"),
    ("diversity", "distance"): ("distance", "{:.2f}"),
    ("modes", "covered"): ("modes", "{:.1%}"),
    ("modes", "divergence"): ("KL", "{:.3f}"),
}
NOT_PLOTTED = {("kid", "standard_error")}  # An error is no curve of its own.


# A larger number than any measure gives could not be drawn.
_Number = Annotated[float, Range("between -1e30 and 1e30", lambda value: abs(value) < 1e30)]


@dataclass(frozen=True)
class _Measured:
    """What an evaluation.json holds of one measure."""

    protocol: dict[str, int | str | None]
    real: dict[str, _Number | None]
    epochs: dict[str, dict[str, _Number | None]]


@dataclass(frozen=True)
class _Content:
    """What is read of an evaluation.json."""

    measures: dict[str, _Measured]


class Evaluation:
    """The content of an evaluation.json: each measure with its protocol and the numbers of real images and of epochs.

        {"source": ..., "measures": {"swd": {"protocol": {...}, "real": {"64": 2.7, ...}, "epochs": {"7": {...}}}}}

    All numbers of one measure compare with each other: when its protocol changes (other images, another number of them,
    another seed), the older numbers of that measure are dropped.
    """

    def __init__(self, path, about: dict):
        """path: the file; what is in it is kept. about: the head of the file, as plain values for JSON."""
        self._path, self._about, self.measures = Path(path), about, {}
        try:
            self.measures = asdict(typed(_Content, read_json(self._path), "it"))["measures"]
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            raise UserError(
                f"{printable(path)}: is no evaluation that can be added to: delete it, or give another --out"
            ) from error

    def begin(self, name: str, protocol: dict, real) -> None:
        """Prepares for numbers of a measure. real: returns those of real images; called only if they are not known."""
        if self.measures.get(name, {}).get("protocol") != protocol:
            self.measures[name] = {"protocol": protocol, "real": real(), "epochs": {}}

    def add(self, name: str, epoch: str, numbers: dict[str, float | None]) -> None:
        self.measures[name]["epochs"][epoch] = numbers

    def write(self) -> None:
        with whole_file(self._path) as beside:
            # Not write_json: a NaN among the numbers must raise, not be written as invalid JSON.
            content = json.dumps(self._about | {"measures": self.measures}, indent=2, allow_nan=False)
            beside.write_text(content + "\n", encoding="utf-8")


def table(evaluation: Evaluation, names: list[str], epochs: list[str]) -> str:
    """A row for each of `epochs` and a last one for real images, a column for each number of the measures `names`."""
    keys = [key for name in names for key in _keys(name, evaluation.measures[name]["real"])]
    rows = [["epoch", *(printable(head(*key)) for key in keys)]]
    for title, place in [*((epoch, ("epochs", epoch)) for epoch in epochs), ("real", ("real",))]:
        rows.append([printable(title), *(_text(evaluation, place, *key) for key in keys)])
    return text.table(rows, align=">" * len(rows[0]))


def _keys(name: str, numbers: dict) -> list[tuple[str, str]]:
    """The numbers of a measure that are shown. With one level alone, only the mean is, as the two are equal."""
    keys = ["mean"] if len(numbers) == 2 and "mean" in numbers else numbers
    return [(name, key) for key in keys]


def head(name: str, key: str) -> str:
    return COLUMNS.get((name, key), (f"{name.upper()} {key}", ""))[0]


def _text(evaluation: Evaluation, place: tuple, name: str, key: str) -> str:
    numbers = evaluation.measures[name]
    for step in place:
        numbers = numbers[step]
    value = numbers.get(key)
    return "-" if value is None else COLUMNS.get((name, key), ("", "{:.2f}"))[1].format(value)


def write_plot(evaluation: Evaluation, path) -> bool:
    """Plots each measure over all epochs that were ever measured; a dotted line shows the number of real images.

    Returns:
        False, with nothing written, where no measure has two epochs.
    """
    shown = {name: found for name, found in evaluation.measures.items() if len(_epochs(found)) > 1}
    panels = [[key for key in _keys(name, found["real"]) if key not in NOT_PLOTTED] for name, found in shown.items()]
    if not panels:
        return False
    from matplotlib.figure import Figure  # This import takes most of a second.

    figure = Figure(figsize=(9, 2.6 * len(panels)), dpi=100, layout="constrained")
    for axes, panel in zip(figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0], panels):
        _draw(axes, panel, shown)
    axes.set_xlabel("epoch")
    with whole_file(path) as beside:
        figure.savefig(beside, format="png")
    return True


def _draw(axes, panel: list[tuple[str, str]], measures: dict) -> None:
    from matplotlib.ticker import MaxNLocator

    for (name, key), colour in zip(
        panel, ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")
    ):
        width = 2.2 if key == "mean" else 1.2
        epochs, values = _points(measures[name], key)
        axes.plot(epochs, values, color=colour, linewidth=width, marker=".", label=head(name, key).replace("$", r"\$"))
        real = measures[name]["real"].get(key)
        if real is not None:
            axes.axhline(real, color=colour, linewidth=width / 1.5, linestyle=":")
    axes.plot([], [], color="grey", linestyle=":", label="of real images")
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _epochs(found: dict) -> list[int]:
    # A generator of no epoch goes by its name, which may be "007".
    return sorted(int(epoch) for epoch in found["epochs"] if re.fullmatch("0|[1-9][0-9]{0,15}", epoch))


def _points(found: dict, key: str) -> tuple[list[int], list[float]]:
    points = [(epoch, found["epochs"][str(epoch)].get(key)) for epoch in _epochs(found)]
    points = [(epoch, value) for epoch, value in points if value is not None]
    return [epoch for epoch, _ in points], [value for _, value in points]
