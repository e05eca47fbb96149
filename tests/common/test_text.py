import pytest

from dcgan_tf.common.text import first_of, first_three, nearest, plural, shape_text, size_text, table, time_text


@pytest.mark.parametrize(
    "number, text",
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (72_764_000, "72.8 MB"),
        (2_500_000_000, "2.5 GB"),
        (3e12, "3e+03 GB"),
    ],
)
def test_sizes(number, text):
    assert size_text(number) == text


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.01, "1 s"), (40, "40 s"), (99.4, "99 s"), (100, "2 min"), (720, "12 min"), (5400, "90 min"), (6000, "2 h"),
        (9 * 3600, "9 h"), (47 * 3600, "47 h"), (3 * 86400, "3 days"), (2000 * 86400, "2,000 days"),
    ],
)  # fmt: skip
def test_times(seconds, text):
    assert time_text(seconds) == text


def test_shapes_and_counts():
    assert shape_text((64, 48, 3)) == "64x48x3" and shape_text((None, 8)) == "?x8"
    assert [plural(count, "image") for count in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b, c, ..."), (iter("abcde"), "a, b, c, ...")],
)
def test_the_first_three_and_dots_for_the_rest(texts, expected):
    assert first_three(texts) == expected


def test_the_first_of_many():
    assert (first_of("abcde", 5), first_of("abcde", 4), first_of(iter("ab"), 1)) == (
        "a, b, c, d, e",
        "a, b, c, d, ...",
        "a, ...",
    )


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("--bacth-size", "--batch-size"),
        ("--batch", "--batch-size"),
        ("--epoch", "--epochs"),
        ("--e", None),  # too short for a shortened word
        ("--colour", None),
    ],
)
def test_the_nearest_word(word, near):
    assert nearest(word, ["--batch-size", "--epochs", "--seed"]) == near


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("name", "size"), ("a", "1,000"), ("longer", "2")]
    assert table(rows, "<>") == "name     size\na       1,000\nlonger      2"
