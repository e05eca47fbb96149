"""Signs of life of work that takes long: a bar in a terminal; in a log or a notebook a plain line every half minute.

A thread says the line, so that it comes as well while a library computes and knows nothing of progress.
"""

import collections
import sys
import threading
import time
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from dcgan_tf.common.console import say, silent_seconds
from dcgan_tf.common.text import plural, size_text, time_text

SECONDS_BETWEEN_LINES = 30
WATCH_SECONDS = 0.5  # from one look whether a line is due to the next
MIN_BAR_COLUMNS = 10
PACE_MARKS = 600  # The time left is told by the last ten minutes, or by so many slower steps.
PACE_SECONDS = 1.0  # from one mark to the next, at least
BYTES = "B"

_under_way: list["Work"] = []  # The innermost is the last.
_is_watched = False  # Whether the thread runs that says the lines.
_lock = threading.Lock()


class Pace:
    """How long the rest of a work takes, by how fast it went lately.

    What was done before this began, as by a run that is resumed, does not count; neither does the first piece, which
    waits for files to be opened and nets to be compiled.
    """

    def __init__(self):
        self._marks = collections.deque(maxlen=PACE_MARKS)  # (the time, how much was done)

    def mark(self, done: int) -> None:
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][0] >= PACE_SECONDS:
            self._marks.append((now, done))

    def seconds_left(self, done: int, total: int) -> float | None:
        """None: too little is done to tell."""
        if not self._marks or done <= self._marks[0][1]:
            return None
        since, before = self._marks[0]
        return (total - done) * (time.monotonic() - since) / (done - before)


class Work:
    """Work under way, from when it is made until it is closed, or for a `with` block.

    what: what is done, such as "measuring fid"; printable. total: how many pieces it has; None: it is not known.
    unit: the word for one piece; BYTES for bytes. done: how many are done already. is_even: whether the pieces take about
    as long as each other; else the time left is not told.
    """

    def __init__(self, what: str, total: int | None = None, unit: str = "step", done: int = 0, is_even: bool = True):
        self.what, self.total, self.unit, self.done = what, total, unit, done
        self._is_even, self._pace, self._began = is_even, Pace(), time.monotonic()
        self.in_terminal = sys.stderr is not None and sys.stderr.isatty()
        self.has_bar = self.in_terminal and total is not None
        self._bar = tqdm(
            total=total, initial=done, leave=False, dynamic_ncols=True, disable=not self.has_bar, bar_format=" "
        )
        self._draw()
        self._bar.refresh()
        _begin(self)

    def update(self, count: int = 1) -> None:
        """So many more pieces are done."""
        self.done += count
        self._pace.mark(self.done)
        self._draw()
        self._bar.update(count)

    def describe(self, what: str) -> None:
        """Says what is done from now on."""
        self.what = what
        self._draw()
        self._bar.refresh()

    def seconds(self) -> float:
        """For how long it has been under way."""
        return time.monotonic() - self._began

    def line(self) -> str:
        """The plain line of the moment."""
        if self.total is None:
            return f"{self.what}: {time_text(self.seconds())} so far"
        return f"{self.what}: {', '.join(self.pieces())}"

    def pieces(self) -> list[str]:
        """What there is to say, the most important first."""
        if self.unit == BYTES:
            count = f"{size_text(self.done)} of {size_text(self.total)}"
        else:
            count = f"{self.done:,} of {plural(self.total, self.unit)}"
        return [count, *self.time_left()]

    def time_left(self) -> list[str]:
        """Such as ["about 3 min left"]; [] where it cannot be told."""
        seconds = self._pace.seconds_left(self.done, self.total) if self._is_even and self.done < self.total else None
        return [] if seconds is None else [f"about {time_text(seconds)} left"]

    def close(self) -> None:
        _end(self)
        self._bar.close()

    def __enter__(self) -> "Work":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def _draw(self) -> None:
        if self.has_bar:
            columns = self._bar.format_dict["ncols"] or 80
            self._bar.bar_format = bar_format(self.what, self.pieces(), columns)


def bar_format(what: str, pieces: list[str], columns: int) -> str:
    """The layout of a bar, for tqdm. Of the pieces, the last ones go where there is no room for the bar itself."""
    room = columns - len(f"{what} 100%|") - MIN_BAR_COLUMNS - len("| ")
    while len(pieces) > 1 and len(", ".join(pieces)) > room:
        pieces = pieces[:-1]
    before, after = (text.replace("{", "{{").replace("}", "}}") for text in (what, ", ".join(pieces)))
    return f"{before} {{percentage:3.0f}}%|{{bar}}| {after}"


def counted(pieces: Iterable, what: str, total: int, unit: str) -> Iterator:
    """The pieces one by one, with signs of life; see `Work`."""
    with Work(what, total, unit) as work:
        for piece in pieces:
            yield piece
            work.update()


def speak_up() -> None:
    """Says a line for the innermost work, unless a bar shows it or something was said in the last half minute."""
    with _lock:
        shown = any(work.has_bar for work in _under_way)
        line = _under_way[-1].line() if _under_way and not shown else None
        silent = min(silent_seconds(), _under_way[0].seconds()) if _under_way else 0.0
    if line is not None and silent >= SECONDS_BETWEEN_LINES:
        say(line)


def _begin(work: Work) -> None:
    global _is_watched
    with _lock:
        _under_way.append(work)
        if not _is_watched:
            threading.Thread(target=_watch, daemon=True).start()
            _is_watched = True


def _end(work: Work) -> None:
    with _lock:
        if work in _under_way:
            _under_way.remove(work)


def _watch() -> None:
    """Speaks up now and then, while there is work."""
    global _is_watched
    while True:
        time.sleep(WATCH_SECONDS)
        with _lock:
            if not _under_way:
                _is_watched = False
                return
        speak_up()
