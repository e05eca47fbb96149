"""Words and numbers for people: shapes, counts, tables. Every one-line message and table takes its form from here."""


def shape_text(shape) -> str:
    """(64, 64, 3) -> "64x64x3"; a side that is not known is a question mark."""
    return "x".join("?" if side is None else str(side) for side in shape)


def plural(count: int, word: str) -> str:
    """1, "image" -> "1 image"; 1200, "image" -> "1,200 images"."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def first_three(texts) -> str:
    """The first three texts, separated by commas; dots stand for the rest: "a, b, c, ..."."""
    texts = list(texts)
    return ", ".join(texts[:3]) + (", ..." if len(texts) > 3 else "")


def size_text(number: float) -> str:
    """A number of bytes for people: 72.7 MB."""
    for unit in ("B", "KB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def table(rows, align: str) -> str:
    """Rows of texts in columns as wide as their widest cell, two spaces between.

    align: "<" (left) or ">" (right) for each column.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
