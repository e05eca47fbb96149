"""What TensorBoard shows of a run: the same scalars as log.jsonl, and the sheets of sample pictures."""

import contextlib
from pathlib import Path

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.files import disk_errors_in_one_line

Summary = tf.compat.v1.Summary


class TensorBoard:
    """Writes event files; `close` has to be called. Every call raises UserError where they cannot be written."""

    def __init__(self, folder: Path):
        self._folder = folder
        with self._errors_in_one_line():
            self._writer = tf.summary.create_file_writer(str(folder))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        # One record for all scalars takes an eighth of the time of a `tf.summary.scalar` for each.
        record = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        with self._errors_in_one_line(), self._writer.as_default(step):
            tf.summary.experimental.write_raw_pb(record.SerializeToString())

    def picture(self, step: int, sheet) -> None:
        """sheet: uint8 [h, w, C]."""
        with self._errors_in_one_line():
            with self._writer.as_default(step):
                tf.summary.image("samples", sheet[None])
            self._writer.flush()

    def close(self) -> None:
        with self._errors_in_one_line():
            self._writer.close()

    @contextlib.contextmanager
    def _errors_in_one_line(self):
        """The writer's own thread meets the errors of the disk: they come with a later call, in TensorFlow's words."""
        try:
            with disk_errors_in_one_line(self._folder):
                yield
        except tf.errors.OpError as error:
            raise UserError(
                f"{printable(self._folder)}: cannot be written ({first_line(error)}): move it away, or check the disk"
            ) from error
