"""The full state of a run, state/<step>/: every variable, and the architectures of both nets."""

import shutil
from pathlib import Path

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.files import whole_file, whole_folder
from dcgan_tf.nets.surgery import with_dtype
from dcgan_tf.runs.folder import read_best, saved_steps

STATES_KEPT = 2
NETS = ("generator", "discriminator")


def save_nets(run_dir: Path, gan) -> None:
    """The architectures: the run's folder alone is enough to go on, also with nets that no preset describes."""
    for name in NETS:
        with whole_file(run_dir / "state" / f"{name}.json") as beside:
            # As float32: the precision is the run's setting, not the net's.
            beside.write_text(with_dtype(getattr(gan, name), "float32").to_json(), encoding="utf-8")


def saved_nets(run_dir: Path):
    """(generator, discriminator), float32, with fresh weights: `restore_state` fills them."""
    return tuple(
        keras.models.model_from_json((run_dir / "state" / f"{name}.json").read_text(encoding="utf-8")) for name in NETS
    )


def save_state(run_dir: Path, step: int, gan, first: int | None = None) -> None:
    """Every variable, as state/<step>/; then all older states but one go, and but that of the best epoch.

    first: a step whose state stays, too.
    """
    with whole_folder(run_dir / "state" / str(step)) as folder:
        tf.train.Checkpoint(**gan.variables()).write(str(folder / "variables"))
    stay = (first, read_best(run_dir).get("step"))
    for old in saved_steps(run_dir)[:-STATES_KEPT]:
        if old not in stay:
            shutil.rmtree(run_dir / "state" / str(old), ignore_errors=True)


def restore_state(run_dir: Path, step: int, gan) -> None:
    """Every variable as it was after `step` steps."""
    path = run_dir / "state" / str(step) / "variables"
    tf.train.Checkpoint(**gan.variables()).read(str(path)).assert_consumed()


# ---------------------------------------------------------------------------------------------- models per epoch
