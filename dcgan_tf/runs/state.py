"""The full state of a run, state/<step>/: every variable, and the architectures of both nets."""

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.files import whole_file, whole_folder
from dcgan_tf.nets.surgery import with_dtype
from dcgan_tf.runs.folder import NETS, RunFolder

KEPT_STATES = 2


def save_nets(folder: RunFolder, gan) -> None:
    """The architectures: the run's folder alone is enough to go on, also with nets that no preset describes."""
    for net in NETS:
        with whole_file(folder.architecture(net)) as beside:
            # Saved as float32 nets: the precision is a setting of the run, not of the net.
            beside.write_text(with_dtype(getattr(gan, net), "float32").to_json(), encoding="utf-8")


def saved_nets(folder: RunFolder):
    """(generator, discriminator), float32, with fresh weights: `restore_state` fills them."""
    return tuple(keras.models.model_from_json(folder.architecture(net).read_text(encoding="utf-8")) for net in NETS)


def save_state(folder: RunFolder, step: int, gan, first: int | None = None) -> None:
    """Every variable, as state/<step>/; then all older states but one go, and but that of the best epoch.

    first: a step whose state stays, too.
    """
    with whole_folder(folder.state(step)) as beside:
        tf.train.Checkpoint(**gan.variables()).write(str(beside / "variables"))
    stay = (first, folder.read_best().get("step"))
    for old in folder.saved_steps()[:-KEPT_STATES]:
        if old not in stay:
            folder.remove_state(old)


def restore_state(folder: RunFolder, step: int, gan) -> None:
    """Every variable as it was after `step` steps."""
    tf.train.Checkpoint(**gan.variables()).read(str(folder.state(step) / "variables")).assert_consumed()
