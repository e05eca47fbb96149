"""The numbers of a run: log.jsonl, a line per logged step, and the same scalars and the sample pictures for TensorBoard."""

import json
import os
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import check_held, disk_errors_in_one_line, whole_file
from dcgan_tf.runs.best import mend_best
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.lines import EFFORT, SCORES, Numbers, log_lines, note_left_out

WATCHED = ("d_real", "d_fake", *SCORES)  # kept in memory, see `dcgan_tf.training.watchdog`


class RunLog:
    """Appends to a run's log; opening it at step s drops a torn last line and lines past s, which will come again.

    It also writes best.json again where that is lost and the log tells the best.

    lines: `Numbers` of all its lines, of the names in `WATCHED`.
    """

    def __init__(self, folder: RunFolder, step: int):
        """Raises UserError: one of its files cannot be read or written."""
        from dcgan_tf.runs.tensorboard import TensorBoard  # It imports TensorFlow, which reading a log does not need.

        self.path = folder.log
        self.lines = drop_after(self.path, step)
        mend_best(folder, self.lines)
        with disk_errors_in_one_line(self.path):
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
        # The effort of a measurement is the same in all lines: no curve to look at.
        self._tensorboard.scalars(step, {name: value for name, value in values.items() if name not in EFFORT})

    def picture(self, step: int, sheet):
        """sheet: uint8 [h, w, C]; TensorBoard shows it."""
        self._tensorboard.picture(step, sheet)

    def flush_to_disk(self):
        """After this, not even a power cut loses a line."""
        with disk_errors_in_one_line(self.path):
            os.fsync(self._file.fileno())

    def close(self):
        try:
            with disk_errors_in_one_line(self.path):
                self._file.close()
        finally:
            self._tensorboard.close()


def read_log(path: Path) -> list[dict]:
    """The numbers of all lines by name, without what no run writes; none where there is no file."""
    return [line for _, line in log_lines(path) if line is not None]


def drop_after(path: Path, step: int) -> Numbers:
    """Leaves the lines up to `step`, byte for byte, none that is torn, and none that no run writes, with a note.

    Returns their numbers.

    Raises:
        UserError: the file cannot be read or written.
    """
    numbers, size, left_out = Numbers(*WATCHED), 0, 0
    try:
        for raw, line in log_lines(path):
            if line is None:
                left_out += 1
            elif line["step"] <= step:
                numbers.append(line)
                size += len(raw)
        is_whole = not path.exists() or size == path.stat().st_size
    except OSError as error:
        raise UserError(f"{printable(path)}: cannot be read ({error.strerror}): mend it, or move it away") from error
    note_left_out(path, left_out)
    if not is_whole:
        with whole_file(path) as beside, beside.open("wb") as file:
            file.writelines(raw for raw, line in log_lines(path) if line is not None and line["step"] <= step)
    return numbers
