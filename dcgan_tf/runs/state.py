"""The full state of a run, state/<step>/: every variable, the architectures of both nets, and checksums of all of it.

A state is whole or not there, and stands by itself: where one is damaged, an older one may still be sound.
"""

import json
from collections.abc import Collection
from pathlib import Path

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.common.files import whole_folder
from dcgan_tf.common.reading import check_regular, checksum, open_regular, read_json
from dcgan_tf.nets.saved import net_of
from dcgan_tf.nets.surgery import in_dtype
from dcgan_tf.runs.folder import NETS, RunFolder

KEPT_STATES = 2
_CHECKSUMS = "checksums.json"  # {"generator.json": "0f3a...", ...}: of every other file of a state


def architectures(gan) -> dict[str, str]:
    """The architecture of each net as JSON, by its name of `NETS`: a folder is enough to go on, also with nets that no
    preset describes.

    They are those of float32 nets, because the precision is a setting of the run, not of the net.
    """
    return {net: in_dtype(getattr(gan, net), "float32").to_json() for net in NETS}


def save_state(folder: RunFolder, step: int, gan, nets: dict[str, str], stay: Collection[int | None] = ()) -> None:
    """Writes a state; then old ones go, see `remove_old_states`.

    nets: the `architectures` of `gan`. stay: the steps whose states stay.
    """
    with whole_folder(folder.state(step)) as beside:
        tf.train.Checkpoint(**gan.variables()).write(str(beside / "variables"))
        for net, text in nets.items():
            (beside / f"{net}.json").write_text(text, encoding="utf-8")
        sums = {path.name: checksum(path) for path in sorted(beside.iterdir())}
        (beside / _CHECKSUMS).write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")
    remove_old_states(folder, step, stay)


def remove_old_states(folder: RunFolder, step: int, stay: Collection[int | None]) -> None:
    """Removes all up to `step`, the newest that is sound, but the last two of them and those of the steps in `stay`."""
    for old in [saved for saved in folder.saved_steps() if saved <= step][:-KEPT_STATES]:
        if old not in stay:
            folder.remove_state(old)


def saved_nets(folder: RunFolder, step: int):
    """(generator, discriminator) of a state, float32, with fresh weights: `restore_state` fills them.

    Raises:
        OSError, ValueError: the state is damaged.
    """
    state = folder.state(step)
    _check(state)
    return tuple(_architecture(state if (state / f"{net}.json").exists() else folder.states, net) for net in NETS)


def restore_state(folder: RunFolder, step: int, gan) -> None:
    """Every variable as it was after `step` steps, of a state that `saved_nets` has found sound."""
    tf.train.Checkpoint(**gan.variables()).read(str(folder.state(step) / "variables")).assert_consumed()


def _architecture(place: Path, net: str):
    """Runs that began before states had checksums keep one architecture for all states, beside them."""
    name = f"{net}.json"
    with open_regular(place / name) as file:
        try:
            return net_of(file.read().decode("utf-8"))
        except UserError as error:
            raise ValueError(f"its {name} {error}") from error


def _check(state: Path) -> None:
    """Refuses a state with a pipe in it, or whose files are not those of its checksums; states of before have none."""
    for path in state.iterdir():
        check_regular(path)  # TensorFlow opens the variables by their names.
    if not (state / _CHECKSUMS).exists():
        return
    sums = read_json(state / _CHECKSUMS)
    if not isinstance(sums, dict) or not sums.keys() >= {"variables.index", *(f"{net}.json" for net in NETS)}:
        raise ValueError(f"its {_CHECKSUMS} is damaged")
    for name, expected in sums.items():
        if checksum(state / Path(name).name) != expected:
            raise ValueError(f"its {name} is damaged: the checksum is wrong")
