import json

import numpy as np
import pytest
from support import helpers

from dcgan_tf.common.backend import tf
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.log import RunLog, read_log


def test_opening_at_a_step_drops_later_and_torn_lines(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1, "epoch": 1}\n{"step": 9, "epoch": 2}\n{"step": 1')
    log = RunLog(RunFolder(tmp_path), 5)
    log.scalars(6, 1, {"d_loss": 1.23456789})
    log.close()
    assert read_log(tmp_path / "log.jsonl") == [
        {"step": 1, "epoch": 1},
        {"step": 6, "epoch": 1, "d_loss": 1.23457},
    ]
    assert log.lines.steps.tolist() == [1, 6]


def test_lines_are_kept_byte_for_byte_and_a_log_with_nothing_to_drop_is_not_written(tmp_path, capsys):
    path = tmp_path / "log.jsonl"
    kept = b'{"epoch":1,  "step":1,"d_loss":1.50}\n{"step": 2, "epoch": 1, "d_loss": 1}\r\n'
    path.write_bytes(kept + b"null\n\xff\n" + b'{"step": 9, "epoch": 2}\n')
    RunLog(RunFolder(tmp_path), 5).close()
    assert path.read_bytes() == kept
    assert capsys.readouterr().out == f"note: {path}: 2 lines that no run writes are left out\n"
    before = path.stat()
    RunLog(RunFolder(tmp_path), 5).close()
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert capsys.readouterr().out == ""
    path.write_bytes(kept[:-2])
    RunLog(RunFolder(tmp_path), 5).close()
    assert path.read_bytes() == kept[:-2] + b"\n"


def test_a_lost_best_is_made_again_of_lines_up_to_the_step(tmp_path):
    folder = RunFolder(tmp_path)
    lines = [{"step": 3 * epoch, "epoch": epoch, "swd": 90.0 - 10 * epoch} for epoch in (1, 2, 3)]
    folder.log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for epoch in (1, 2, 3):
        folder.generator(epoch).touch()
    RunLog(folder, 6).close()
    assert folder.read_best() == {"epoch": 2, "step": 6, "swd": 70.0}


def test_a_log_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "log.jsonl").mkdir()
    assert helpers.error_of(RunLog, RunFolder(tmp_path), 0) == (
        f"{tmp_path}/log.jsonl: cannot be read (Is a directory): mend it, or move it away"
    )


def test_a_disk_that_fills_under_tensorboard_is_one_line(tmp_path, monkeypatch):
    def full(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "events.v2; No space left on device")

    line = f"no space left on the disk for {tmp_path}/tensorboard: free some space and run the same command again"
    log = RunLog(RunFolder(tmp_path), 0)
    monkeypatch.setattr(tf.summary.experimental, "write_raw_pb", full)
    monkeypatch.setattr(tf.summary, "image", full)
    assert helpers.error_of(log.scalars, 1, 1, {"d_loss": 1.0}) == line
    assert helpers.error_of(log.picture, 1, np.zeros([4, 4, 1], np.uint8)) == line
    monkeypatch.setattr(log._tensorboard._writer, "close", full)
    assert helpers.error_of(log.close) == line


def test_a_writer_of_tensorboard_that_fails_in_its_own_words_is_one_line(tmp_path):
    (tmp_path / "tensorboard").touch()
    assert helpers.error_of(RunLog, RunFolder(tmp_path), 0).startswith(f"{tmp_path}/tensorboard: cannot be written (")


@pytest.mark.parametrize("call", ["write", "flush", "close"])
def test_a_disk_that_fails_under_the_log_is_one_line(tmp_path, monkeypatch, call):
    def broken(*arguments):
        raise OSError(5, "Input/output error")

    log = RunLog(RunFolder(tmp_path), 0)
    file, log._file = (
        log._file,
        type("Broken", (), {"write": lambda *a: 0, "flush": lambda *a: 0, "close": lambda *a: 0})(),
    )
    file.close()
    setattr(log._file, call, broken)
    closed = []
    monkeypatch.setattr(log._tensorboard, "close", lambda: closed.append(True))
    work = (log.close,) if call == "close" else (log.scalars, 1, 1, {"d_loss": 1.0})
    line = f"{tmp_path}/log.jsonl: cannot be written (Input/output error): check the disk, or give another"
    assert helpers.error_of(*work) == line
    assert closed == [True] * (call == "close")
