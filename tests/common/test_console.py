import io
import os
import subprocess
import sys

import pytest
from tqdm import tqdm

from dcgan_tf.common import console


def test_what_a_terminal_would_act_on_is_escaped_and_lines_stay_lines(capsys):
    console.say("a\x1b[2Jb\n  c\rd")
    console.warn("e\x07")
    assert capsys.readouterr() == ("a\\x1b[2Jb\n  c\\rd\n", "e\\x07\n")


def test_letters_that_the_stream_cannot_write_are_escaped(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console.say("nöt", stream)
    assert stream.buffer.getvalue() == b"n\\xf6t\n"


def test_a_process_without_standard_output_or_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    console.say("to nobody")
    console.warn("to nobody")


def test_a_note_is_said_once_a_command(capsys):
    for _ in range(2):
        console.note("this is only said once")
    console.forget_notes()
    console.note("this is only said once")
    assert capsys.readouterr() == ("note: this is only said once\n" * 2, "")


def run(code, stdout):
    return subprocess.run([sys.executable, "-c", code], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60)


THREE = "import sys\nfrom dcgan_tf.common.console import say\nfor _ in range(3): say('x' * 100_000)\nsys.stderr.write('went on')"


def test_a_reader_who_is_gone_does_not_end_the_work():
    reading, writing = os.pipe()
    os.close(reading)
    done = run(THREE, writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "went on")


def test_standard_output_on_a_full_disk_is_one_note():
    with open("/dev/full", "w") as full:
        done = run(THREE, full)
    assert (done.returncode, done.stderr) == (
        0,
        "note: standard output cannot be written (No space left on device): the command goes on without\nwent on",
    )


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals of that kind")
def test_a_closed_terminal_stops_nothing(monkeypatch):
    terminal, end = os.openpty()
    with open(end, "w") as gone:
        os.close(terminal)
        monkeypatch.setattr("sys.stdout", gone)
        monkeypatch.setattr("sys.stderr", gone)
        console.say("one")
        console.warn("two")
        console.say("three")
        with tqdm(total=3) as bar:  # What draws the progress of a training.
            bar.update()
            bar.refresh()
