import pytest

from dcgan_tf.common.errors import first_line, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.png", "a.png"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("caf\udce9.png", "caf\\udce9.png"),  # Python reads a byte of a file name that is not UTF-8 so.
        ("山水", "山水"),
        (ValueError("bad\nvalue"), "bad\\nvalue"),
        ("\x1b[2J\x07\x7f\x9b31m", "\\x1b[2J\\x07\\x7f\\x9b31m"),  # An escape could clear the terminal.
        ("a\tb\x00", "a\\tb\\x00"),
        ("one\u2028two\x85three", "one\\u2028two\\x85three"),
        ("gnp.\u202eevil", "gnp.\\u202eevil"),  # The rest would be written from right to left.
        ("\\x1b", "\\x1b"),
    ],
)
def test_any_text_is_one_line_that_can_be_printed(text, expected):
    assert printable(text) == expected
    assert printable(text).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Denied.\n\twhen reading gs://b/x", "Denied."),
        ("\n  Denied.  \nmore", "Denied.  "),
        (OSError("no \udce9\nmore"), "no \\udce9"),
        ("", ""),
    ],
)
def test_the_reason_of_a_library_is_on_its_first_line(text, expected):
    assert first_line(text) == expected
