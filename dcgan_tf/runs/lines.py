"""The lines of log.jsonl, read in a stream and leniently: it only reports, so what no run writes is left out.

A line is a JSON object of numbers, of which step and epoch are whole: {"step": 10, "epoch": 1, "d_loss": 1.2, ...}
"""

import json
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.text import plural
from dcgan_tf.metrics.words import SWD_OF_REALS

# How the scores of a line were measured, see `dcgan_tf.generators.quality.Effort`: {name in a line: name in best.json}
EFFORT = {"swd_images": "images", "swd_directions": "directions", "feature_images": "feature_images"}
# What tells a best epoch, and best.json holds.
SCORES = ("diversity", "swd", SWD_OF_REALS, "kid", "fid", "precision", "recall", *EFFORT)
MAX_LINE_BYTES = 1 << 16  # A run's lines have some hundred; of a longer one, no more than this is in memory.
MAX_COUNT = 2**53  # Up to it, a float holds every whole number exactly.
MAX_VALUE = float(np.finfo(np.float32).max)  # Losses are float32; sums of larger values could overflow.


def as_in_log(measured: dict) -> dict:
    """Scores by their names in a line. measured: by those in best.json."""
    return {name: measured[in_best] for name in SCORES if (in_best := EFFORT.get(name, name)) in measured}


def as_in_best(line: dict[str, float]) -> dict:
    """Scores by their names in best.json. line: by those in a line."""
    effort = {in_best: int(line[name]) for name, in_best in EFFORT.items() if line.get(name, -1) >= 0}
    return {name: value for name, value in line.items() if name not in EFFORT} | effort


class Numbers:
    """Some numbers of all lines, as columns: a tenth of the memory of the lines themselves."""

    def __init__(self, *names: str):
        """names: of the numbers that are kept, beside step and epoch."""
        self._steps, self._epochs = array("q"), array("q")
        self._columns = {name: array("d") for name in names}

    def append(self, line: dict) -> None:
        self._steps.append(line["step"])
        self._epochs.append(line["epoch"])
        for name, column in self._columns.items():
            column.append(line.get(name, np.nan))

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def steps(self) -> np.ndarray:
        """int64 [lines]"""
        return np.array(self._steps)

    @property
    def epochs(self) -> np.ndarray:
        """int64 [lines]"""
        return np.array(self._epochs)

    def column(self, name: str) -> np.ndarray:
        """float64 [lines], NaN for a line without that number. name: of those that are kept."""
        return np.array(self._columns[name])


def read_numbers(path: Path, *names: str) -> Numbers:
    """Those numbers of all lines; notes how many lines were left out. A missing file has no lines.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    numbers, left_out = Numbers(*names), 0
    for _, line in log_lines(path):
        if line is None:
            left_out += 1
        else:
            numbers.append(line)
    note_left_out(path, left_out)
    return numbers


def note_left_out(path: Path, lines: int) -> None:
    if lines:
        note(f"{printable(path)}: {plural(lines, 'line')} that no run writes {'is' if lines == 1 else 'are'} left out")


def log_lines(path: Path, holding: bytes = b"") -> Iterator[tuple[bytes, dict | None]]:
    """(the bytes of a line with its end, its numbers by name) of every line; None for numbers that no run writes.

    A torn last line, as a run leaves that was killed while it wrote, is passed over. A missing file has no lines.

    holding: lines without these bytes are passed over.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    try:
        file = open_regular(path)
    except FileNotFoundError:
        return
    with file:
        while raw := file.readline(MAX_LINE_BYTES):
            if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
                while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
                yield b"", None
                continue
            if holding not in raw:
                continue
            line = _numbers(raw)
            if raw.endswith(b"\n"):
                yield raw, line
            elif line is not None:
                yield raw + b"\n", line


def is_count(value) -> bool:
    """Whether a value from JSON can be a number of steps or epochs."""
    return type(value) is int and 0 <= value <= MAX_COUNT


def is_number(value) -> bool:
    """Whether a value from JSON can be a loss or a measure: neither NaN nor infinite."""
    return type(value) in (int, float) and -MAX_VALUE <= value <= MAX_VALUE


def _numbers(raw: bytes) -> dict | None:
    try:
        line = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    is_line = isinstance(line, dict) and is_count(line.get("step")) and is_count(line.get("epoch"))
    return line if is_line and all(map(is_number, line.values())) else None
