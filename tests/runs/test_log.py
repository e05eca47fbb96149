import numpy as np
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


def test_a_disk_that_fills_under_tensorboard_is_one_line(tmp_path, monkeypatch):
    def full(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "events.v2; No space left on device")

    line = f"no space left on the disk for {tmp_path}/tensorboard: free some space and run the same command again"
    log = RunLog(RunFolder(tmp_path), 0)
    monkeypatch.setattr(tf.summary.experimental, "write_raw_pb", full)
    monkeypatch.setattr(tf.summary, "image", full)
    assert helpers.error_of(log.scalars, 1, 1, {"d_loss": 1.0}) == line
    assert helpers.error_of(log.picture, 1, np.zeros([4, 4, 1], np.uint8)) == line
