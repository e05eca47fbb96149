import io
import sys
import time

import pytest

from dcgan_tf.common import console, progress
from dcgan_tf.common.progress import BYTES, Work, bar_format, counted


@pytest.fixture
def clock(monkeypatch):
    """Seconds that stand until they are set; the thread that speaks up looks only once they are over."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "_watch", lambda: None)
    monkeypatch.setattr(console, "_last_words", now[0])
    yield now
    progress._is_watched = False


def test_it_speaks_up_after_half_a_minute_of_silence_and_again_after_another(clock, capsys):
    with Work("measuring fid"):
        for seconds, words in (
            (29, ""),
            (31, "measuring fid: 31 s so far\n"),
            (60, ""),
            (62, "measuring fid: 62 s so far\n"),
            (130, "measuring fid: 2 min so far\n"),
        ):
            clock[0] = 1000.0 + seconds
            progress.speak_up()
            assert capsys.readouterr().out == words, seconds
        clock[0] += 29
        console.say("another word")
        clock[0] += 29
        progress.speak_up()
        assert capsys.readouterr().out == "another word\n"
    clock[0] += 100
    progress.speak_up()
    assert capsys.readouterr() == ("", "")


def test_the_innermost_work_says_how_much_is_done_and_left(clock, capsys):
    with Work("evaluate"), Work("drawing", 1000, "picture") as work:
        assert work.line() == "drawing: 0 of 1,000 pictures"
        clock[0] += 50  # compiling
        work.update(100)
        assert work.line() == "drawing: 100 of 1,000 pictures"
        clock[0] += 40
        work.update(200)
        # 200 in 40 s: the other 700 take 140 s.
        progress.speak_up()
        assert capsys.readouterr().out == "drawing: 300 of 1,000 pictures, about 2 min left\n"


def test_what_was_done_before_does_not_count_for_the_time_left(clock):
    with Work("training", 1000, done=900) as work:
        work.update()
        clock[0] += 9
        work.update(9)
        assert work.line() == "training: 910 of 1,000 steps, about 90 s left"


def test_the_time_left_follows_the_last_minutes(clock):
    with Work("training", 100_000) as work:
        work.update()
        clock[0] += 8 * 3600  # The machine slept.
        for _ in range(progress.PACE_MARKS):
            clock[0] += 1
            work.update(10)
        assert work.time_left() == ["about 3 h left"]  # (100,000 - 6,001) / 10 s


def test_no_time_is_told_where_pieces_are_unlike_or_all_is_done(clock):
    for options, done, line in (({"is_even": False}, 2, "measuring: 2 of 3 steps"), ({}, 3, "measuring: 3 of 3 steps")):
        with Work("measuring", 3, **options) as work:
            work.update()
            clock[0] += 9
            work.update(done - 1)
            assert work.line() == line


def test_bytes(clock):
    with Work("indexing", 2_000_000, BYTES) as work:
        work.update(500_000)
        assert work.line() == "indexing: 500 KB of 2 MB"


def test_pieces_are_counted_and_the_work_ends_with_them(clock):
    seen = []
    for piece in counted(["a", "b"], "drawing", 2, "picture"):
        seen.append((piece, progress._under_way[-1].line()))
    assert seen == [("a", "drawing: 0 of 2 pictures"), ("b", "drawing: 1 of 2 pictures")]
    assert progress._under_way == []


@pytest.mark.parametrize(
    "columns, text",
    [
        (80, "epoch 1/9 {percentage:3.0f}%|{bar}| D 1.2 G 0.5, about 3 min left, 1,234 images/s"),
        (60, "epoch 1/9 {percentage:3.0f}%|{bar}| D 1.2 G 0.5, about 3 min left"),
        (45, "epoch 1/9 {percentage:3.0f}%|{bar}| D 1.2 G 0.5"),
        (10, "epoch 1/9 {percentage:3.0f}%|{bar}| D 1.2 G 0.5"),
    ],
)
def test_a_narrow_terminal_drops_the_speed_first_and_then_the_time(columns, text):
    assert bar_format("epoch 1/9", ["D 1.2 G 0.5", "about 3 min left", "1,234 images/s"], columns) == text


def test_braces_in_a_name_are_no_fields():
    assert bar_format("{bar}: swd", ["0 of 2 steps"], 80) == "{{bar}}: swd {percentage:3.0f}%|{bar}| 0 of 2 steps"


def test_in_a_terminal_a_bar_says_it_and_no_line_comes(clock, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal, out = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", out)
    with Work("drawing", 4, "picture") as work:
        work.update(2)
        work.describe("drawing more")
        clock[0] += 60
        progress.speak_up()
    assert "drawing more  50%|" in terminal.getvalue() and "| 2 of 4 pictures" in terminal.getvalue()
    assert out.getvalue() == ""


def test_a_library_that_knows_nothing_of_progress_is_spoken_for(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.05)
    monkeypatch.setattr(progress, "WATCH_SECONDS", 0.02)
    patience, out = time.monotonic() + 10, ""
    with Work("compiling"):
        while not out and time.monotonic() < patience:
            time.sleep(0.02)
            out = capsys.readouterr().out
    assert out.startswith("compiling: 1 s so far\n")
