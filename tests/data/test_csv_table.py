"""Pixels in lines of text: headers, labels, every way of writing numbers, and lines that are no images."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from support.sources import source_error

from dcgan_tf.data import csv_table
from dcgan_tf.data.csv_table import is_csv
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
LABELS = (np.arange(40) % 7).tolist()
ROWS = [",".join(map(str, row)) for row in IMAGES.reshape(40, 64).tolist()]
LABELLED = [f"{label},{row}" for label, row in zip(LABELS, ROWS)]
NAMES = ",".join(f"pixel{place}" for place in range(64))


def written(lines, end="\n"):
    text = end.join(lines) + end if isinstance(lines, list) else lines
    Path("set.csv").write_bytes(text.encode("utf-8"))
    return "set.csv"


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize(
    ("lines", "has_labels"),
    [
        (ROWS, False),
        (LABELLED, True),
        ([NAMES, *ROWS], False),
        (["label," + NAMES, *LABELLED], True),
        ([NAMES + ",label", *(f"{row},{label}" for label, row in zip(LABELS, ROWS))], True),
        (
            ['\ufeff"label",' + ",".join(f'"{row}x{column}"' for row in range(8) for column in range(8)), *LABELLED],
            True,
        ),
        ([",".join(map(str, range(64))), *ROWS], False),
        (["", *LABELLED][1:] + ["", "  "], True),
        ([", ".join(f"{value}.0" for value in row) for row in IMAGES.reshape(40, 64).tolist()], False),
    ],
)
def test_what_is_read(lines, has_labels, cache):
    for end in ("\n", "\r\n"):
        source = open_source(written(lines, end), cache=cache)
        assert (source.name, len(source), source.image_shape) == ("set", 40, (8, 8, 1))
        assert (source.values, source.notes) == ("uint8 0..255", ["flat rows: [40, 64] is read as 8x8 grey"])
        np.testing.assert_array_equal(source.read([39, 0, 3, 3])[..., 0], IMAGES[[39, 0, 3, 3]])
        assert (source.labels.tolist() if has_labels else source.labels) == (LABELS if has_labels else None)


def test_content_decides_not_the_name():
    os.rename(written(LABELLED), "digits.txt")
    assert len(open_source("digits.txt")) == 40


def test_no_line_end_at_the_end():
    assert len(open_source(written("\n".join(ROWS)))) == 40


def test_colour():
    images = np.repeat(np.arange(8, dtype=np.uint8)[:, None] * 30, 24, axis=1).reshape(1, 8, 8, 3) + np.uint8(
        [0, 9, 45]
    )
    planar = images.transpose(0, 3, 1, 2).reshape(-1).tolist()
    source = open_source(written([",".join(map(str, planar))] * 5))
    assert source.notes == ["flat rows: [5, 192] is read as 8x8 colour, channel by channel (planar)"]
    np.testing.assert_array_equal(source.read([4]), images)


def test_a_size_settles_what_is_no_square():
    row = ",".join(map(str, range(100, 220)))
    assert source_error(written([row] * 5)) == (
        "set.csv has 120 values in a line, which are no square images, with or without a label: "
        "give --image-size HEIGHT WIDTH, of as many pixels, or a third of them where the images have colour"
    )
    assert open_source("set.csv", size=(10, 12)).read([3])[0, 1, 0, 0] == 112
    source = open_source(written([f"7,{row}"] * 5), size=(10, 12))
    assert source.labels.tolist() == [7] * 5 and source.image_shape == (10, 12, 1)


def test_it_is_parsed_once_and_anew_when_the_file_changes(monkeypatch):
    path = written(LABELLED)
    open_source(path)
    with monkeypatch.context() as patch:
        patch.setattr(csv_table, "_parsed", lambda *_: pytest.fail("it was parsed again"))
        source = open_source(path, size=(4, 4))
        assert source.labels.tolist() == LABELS and source.image_shape == (4, 4, 1)
    assert len(open_source(written(LABELLED[:30]))) == 30


@pytest.mark.parametrize("cache", [True, False])
def test_blocks_and_lines_that_fall_between_them(monkeypatch, cache):
    monkeypatch.setattr(csv_table, "READ_CHUNK_BYTES", 301)
    source = open_source(
        written([NAMES + ",label", *(f"{row},{label}" for label, row in zip(LABELS, ROWS))]), cache=cache
    )
    np.testing.assert_array_equal(source.read(range(40))[..., 0], IMAGES)
    assert source.labels.tolist() == LABELS
    lines = [*ROWS[:20], "", *ROWS[20:30], "7", *ROWS[30:]]
    assert source_error(written(lines), cache=cache) == "set.csv: line 32 has 1 values, and not 64 as the first"


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize(
    "value", ["x", "", "nan", "inf", "-1", "256", "1.5", "1e400", "9" * 20, "0x10", "1 2", "1_0", "\x1b[2J", "#", '"']
)
def test_values_that_are_no_pixels(value, cache):
    lines = [NAMES, *ROWS[:5], value + "," + ROWS[5].split(",", 1)[1], *ROWS[6:]]
    shown = {"\x1b[2J": "\\x1b[2J", '"': ""}.get(value, value)
    assert source_error(written(lines), cache=cache) == (
        f"set.csv: line 7 has the value '{shown}': pixels are whole numbers of 0 to 255"
    )


@pytest.mark.parametrize("label", ["cat", "1.5", "1e300", "nan", ""])
def test_labels_that_are_no_numbers(label):
    lines = [*LABELLED[:5], f"{label},{ROWS[5]}", *LABELLED[6:]]
    assert source_error(written(lines)) == f"set.csv: line 6 has the label '{label}': labels are whole numbers"


def test_labels_may_be_negative_and_large():
    lines = [f"{label},{row}" for label, row in zip((-3, 300, 2**40), ROWS)]
    assert open_source(written(lines)).labels.tolist() == [-3, 300, 2**40]


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([*ROWS[:5], ROWS[5] + ",1"], ": line 6 has 65 values, and not 64 as the first"),
        ([*ROWS[:5], ROWS[5].rsplit(",", 1)[0]], ": line 6 has 63 values, and not 64 as the first"),
        ([*ROWS[:5], "\0" * 100], ": line 6 has 1 values, and not 64 as the first"),
        ([NAMES], " holds no images, only the names of its columns"),
        (["id," + NAMES, *LABELLED], ": column 'id' is neither the label nor a pixel: leave it out"),
        (["label," + NAMES + ",label", *LABELLED], ": column 'label' is neither the label nor a pixel: leave it out"),
        (["label," + NAMES + ",pixel64", *(row + ",1" for row in LABELLED)],
         " has the shape [40, 65]: rows of 65 values are no square images: give --image-size HEIGHT WIDTH, "
         "of as many pixels, or a third of them where the images have colour"),
    ],
)  # fmt: skip
def test_lines_that_are_no_images(lines, line):
    assert source_error(written(lines)) == "set.csv" + line


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize(("start", "number"), [([], 1), ([NAMES], 2), ([NAMES, *ROWS], 42)])
def test_a_line_without_end_is_not_read_whole(monkeypatch, start, number, cache):
    monkeypatch.setattr(csv_table, "MAX_LINE_BYTES", 2**12)
    monkeypatch.setattr(csv_table, "READ_CHUNK_BYTES", 2**10)
    path = written("\n".join([*start, "1," * 2**14]))
    assert (
        source_error(path, cache=cache) == f"set.csv: line {number} is longer than 16 MB: no image has so many pixels"
    )


def test_without_a_cache_it_has_to_fit_into_memory(monkeypatch):
    path = written(ROWS)
    size = os.path.getsize(path)
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: size - 1)
    assert source_error(path, cache=False).startswith("set.csv needs ")


def test_a_broken_disk_is_not_taken_for_a_trouble_of_the_cache(monkeypatch):
    path = written(ROWS)

    class Broken(io.BytesIO):
        def read(self, *count):
            raise OSError(5, "Input/output error")

        def fileno(self):
            return os.open(path, os.O_RDONLY)

    monkeypatch.setattr(csv_table, "open_regular", lambda path: Broken(Path(path).read_bytes()))
    assert source_error(path) == "set.csv cannot be read: Input/output error"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (",".join(["7"] * 64) + "\n", True),
        (",".join(["7"] * 63) + "\n", False),
        (",".join(["7"] * 65), True),
        (",".join(["7"] * 64), False),
        (NAMES + "\n", True),
        ("a, " * 100 + "\n", False),
        ("", False),
        ("\n" + ",".join(["7"] * 64), False),
    ],
)
def test_how_it_is_told(head, expected):
    assert is_csv(head.encode()) == expected
