"""Words and numbers for people: shapes, counts, sizes, lists, tables. All messages and tables take these forms."""

import difflib
import re
from collections.abc import Collection


def shape_text(shape) -> str:
    """Writes (64, 64, 3) as "64x64x3"; an unknown side (None) is a question mark."""
    return "x".join("?" if side is None else str(side) for side in shape)


def natural_order(name: str) -> list:
    """A key that sorts the numbers in names by their value, so that "layer 2" comes before "layer 10". Digits and other texts
    take turns in it, so that all keys compare."""
    return [int(part) if place % 2 else part for place, part in enumerate(re.split("([0-9]{1,19})", name))]


def plural(count: int, word: str) -> str:
    """Writes a count with its word: "1 image", "1,200 images"."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def first_three(texts) -> str:
    """Writes the first three texts, separated by commas; dots stand for the rest: "a, b, c, ..."."""
    return first_of(texts, 3)


def first_of(texts, count: int) -> str:
    """The same of the first `count` texts."""
    texts = list(texts)
    return ", ".join(texts[:count]) + (", ..." if len(texts) > count else "")


def nearest(word: str, known: Collection[str]) -> str | None:
    """The one of the known words that a mistyped or shortened one is meant for."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return (close or [name for name in known if len(word) > 3 and name.startswith(word)] or [None])[0]


def nearest_name(word: str, names: Collection[str]) -> str | None:
    """The same whatever the capitals."""
    by_small_letters = {name.lower(): name for name in names}
    near = nearest(word.lower(), by_small_letters)
    return near and by_small_letters[near]


def size_text(number: float) -> str:
    """Writes a number of bytes with three digits and a decimal unit: "72.7 MB"."""
    for unit in ("B", "KB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def time_text(seconds: float) -> str:
    """Writes a time for people, rounded, with its unit: "40 s", "12 min", "2 h", "3 days"; at least "1 s"."""
    seconds = max(seconds, 1)
    for unit, length, most in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if round(seconds / length) < most:
            return f"{round(seconds / length)} {unit}"
    return f"{round(seconds / 86400):,} days"


def table(rows, align: str) -> str:
    """Writes rows of texts in columns, each as wide as its widest cell, with two spaces between.

    align: one character for each column, "<" (left) or ">" (right).
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
