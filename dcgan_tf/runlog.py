"""The numbers of a run: log.jsonl, a line per logged step, and the same scalars and the sample grids for TensorBoard."""

import json
from pathlib import Path

from dcgan_tf.backend import tf
from dcgan_tf.files import disk_errors_in_one_line
from dcgan_tf.logfile import drop_after, read_log

Summary = tf.compat.v1.Summary


class RunLog:
    """Appends to a run's log; opening it at step s drops a torn last line and lines past s, which will come again.

    lines: all that it holds.
    """

    def __init__(self, run_dir: Path, step: int):
        self.path = run_dir / "log.jsonl"
        drop_after(self.path, step)
        self.lines = read_log(self.path)
        self._file = self.path.open("a", encoding="utf-8")
        self._tensorboard = tf.summary.create_file_writer(str(run_dir / "tensorboard"))

    def scalars(self, step: int, epoch: int, values: dict[str, float]):
        """values: losses, probabilities and images_per_sec by name."""
        line = {"step": step, "epoch": epoch} | {name: float(f"{value:.6g}") for name, value in values.items()}
        self.lines.append(line)
        # One record for all of them takes an eighth of the time of a `tf.summary.scalar` for each.
        record = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        with disk_errors_in_one_line(self.path):
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
            with self._tensorboard.as_default(step):
                tf.summary.experimental.write_raw_pb(record.SerializeToString())

    def picture(self, epoch: int, grid):
        """grid: uint8 [h, w, C]; TensorBoard shows it at the epoch's number."""
        with disk_errors_in_one_line(self.path):
            with self._tensorboard.as_default(epoch):
                tf.summary.image("samples", grid[None])
            self._tensorboard.flush()

    def close(self):
        with disk_errors_in_one_line(self.path):
            self._file.close()
            self._tensorboard.close()
