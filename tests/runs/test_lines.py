"""log.jsonl only reports: whatever is in it, the lines that a run writes are read, and the others are counted."""

import os

import numpy as np
import pytest

from dcgan_tf.common import console
from dcgan_tf.runs.lines import MAX_LINE_BYTES, log_lines, read_numbers

GOOD = b'{"step": 10, "epoch": 1, "d_loss": 1.5}\n'
ODD = [
    b"null\n", b"5\n", b"[]\n", b"{}\n", b"\n", b'"text"\n', b'{"step": 1}\n', b'{"epoch": 1}\n',
    b'{"step": 1, "epoch": 1, "diversity": null}\n', b'{"step": 1, "epoch": 1, "swd": "4"}\n',
    b'{"step": 1, "epoch": 1, "d_loss": NaN}\n', b'{"step": 1, "epoch": 1, "d_loss": -Infinity}\n',
    b'{"step": 1, "epoch": 1, "d_loss": 1e999}\n', b'{"step": 1, "epoch": 1, "d_loss": 1e300}\n',
    b'{"step": 1, "epoch": 1, "d_loss": ' + b"9" * 400 + b"}\n", b'{"step": 1, "epoch": 1, "d_loss": true}\n',
    b'{"step": 1180591620717411303424, "epoch": 1}\n', b'{"step": -1, "epoch": 1}\n', b'{"step": true, "epoch": 1}\n',
    b'{"step": 1.0, "epoch": 1}\n', b'{"step": 1, "epoch": -1}\n', b"\0\0\0\n", b"\xff\xfe{}\n",
    b"[" * 20_000 + b"\n", b'{"a": ' * 10_000 + b"\n", b" " * (3 * MAX_LINE_BYTES) + b"\n",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_a_line_that_no_run_writes_is_left_out(tmp_path, capsys, odd):
    path = tmp_path / "log.jsonl"
    path.write_bytes(GOOD + odd + GOOD)
    numbers = read_numbers(path, "d_loss")
    assert (numbers.steps.tolist(), numbers.column("d_loss").tolist()) == ([10, 10], [1.5, 1.5])
    assert capsys.readouterr() == (f"note: {path}: 1 line that no run writes is left out\n", "")


def test_many_odd_lines_are_one_note_for_all_readers_of_a_command(tmp_path, capsys):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"null\n" * 7 + GOOD)
    for _ in range(2):
        assert len(read_numbers(path)) == 1
    assert capsys.readouterr().out == f"note: {path}: 7 lines that no run writes are left out\n"
    console.forget_notes()
    read_numbers(path)
    assert capsys.readouterr().out == f"note: {path}: 7 lines that no run writes are left out\n"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b'{"step": 1', []),
        (GOOD + b'{"step": 1', [GOOD]),
        (GOOD[:-1], [GOOD]),
        (GOOD[:-1] + b"\r\n", [GOOD[:-1] + b"\r\n"]),
    ],
)
def test_a_torn_last_line_is_no_odd_one(tmp_path, content, lines):
    path = tmp_path / "log.jsonl"
    path.write_bytes(content)
    assert [raw for raw, _ in log_lines(path)] == lines


def test_a_missing_log_has_no_lines_and_a_pipe_is_not_waited_for(tmp_path):
    assert list(log_lines(tmp_path / "log.jsonl")) == []
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError):
            list(log_lines(path))


def test_numbers_that_a_line_lacks_are_nan(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 3, "epoch": 1, "d_loss": -1}\n{"step": 3, "epoch": 1, "swd": 40.5, "other": 1}\n')
    numbers = read_numbers(path, "d_loss", "swd")
    np.testing.assert_array_equal(numbers.column("d_loss"), [-1, np.nan])
    np.testing.assert_array_equal(numbers.column("swd"), [np.nan, 40.5])
    assert (numbers.steps.dtype, numbers.epochs.tolist()) == (np.int64, [1, 1])
