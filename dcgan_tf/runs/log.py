"""The numbers of a run: log.jsonl, a line per logged step, and the same scalars and the sample grids for TensorBoard."""

import json
import os
from pathlib import Path

from dcgan_tf.common.files import check_held, disk_errors_in_one_line, whole_file
from dcgan_tf.runs.folder import RunFolder


class RunLog:
    """Appends to a run's log; opening it at step s drops a torn last line and lines past s, which will come again.

    lines: all that it holds.
    """

    def __init__(self, folder: RunFolder, step: int):
        from dcgan_tf.runs.tensorboard import TensorBoard  # It imports TensorFlow, which reading a log does not need.

        self.path = folder.log
        drop_after(self.path, step)
        self.lines = read_log(self.path)
        self._file = self.path.open("a", encoding="utf-8")
        self._tensorboard = TensorBoard(folder.tensorboard)

    def scalars(self, step: int, epoch: int, values: dict[str, float]):
        """values: losses, probabilities and images_per_sec by name."""
        line = {"step": step, "epoch": epoch} | {name: float(f"{value:.6g}") for name, value in values.items()}
        self.lines.append(line)
        check_held(self.path)
        with disk_errors_in_one_line(self.path):
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
            self._tensorboard.scalars(step, values)

    def picture(self, epoch: int, grid):
        """grid: uint8 [h, w, C]; TensorBoard shows it at the epoch's number."""
        with disk_errors_in_one_line(self.path):
            self._tensorboard.picture(epoch, grid)

    def flush_to_disk(self):
        """After this, not even a power cut loses a line."""
        with disk_errors_in_one_line(self.path):
            os.fsync(self._file.fileno())

    def close(self):
        with disk_errors_in_one_line(self.path):
            self._file.close()
            self._tensorboard.close()


def read_log(path: Path) -> list[dict]:
    """The lines, without a torn last one; none where there is no file."""
    lines = []
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    lines.append(json.loads(line))
                except json.JSONDecodeError:
                    continue  # A run that was killed while it wrote leaves a torn line.
    return lines


def drop_after(path: Path, step: int) -> None:
    """Leaves the lines up to `step`, and no torn one."""
    kept = [line for line in read_log(path) if line["step"] <= step]
    with whole_file(path) as beside:
        beside.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
