"""What TensorBoard shows of a run: the same scalars as log.jsonl, and the sample grids."""

from pathlib import Path

from dcgan_tf.common.backend import tf

Summary = tf.compat.v1.Summary


class TensorBoard:
    """Writes event files; `close` has to be called."""

    def __init__(self, folder: Path):
        self._writer = tf.summary.create_file_writer(str(folder))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        # One record for all scalars takes an eighth of the time of a `tf.summary.scalar` for each.
        record = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        with self._writer.as_default(step):
            tf.summary.experimental.write_raw_pb(record.SerializeToString())

    def picture(self, epoch: int, grid) -> None:
        """grid: uint8 [h, w, C]; it is shown at the epoch's number."""
        with self._writer.as_default(epoch):
            tf.summary.image("samples", grid[None])
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
