"""The arrays in a checkpoint of TensorFlow, read in a process of its own: TensorFlow ends the whole process where the index
of a damaged one claims a shape that no number holds."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.memory import free_bytes
from dcgan_tf.common.reading import check_regular
from dcgan_tf.nets.reading import checkpoint_program

SAVED_MODEL_GRAPH = "saved_model.pb"


def checkpoint_prefix(path: Path) -> str | None:
    """The name that the files of a TensorFlow checkpoint share, such as training_checkpoints/ckpt-3, where the path is that,
    one of its files, or a folder of checkpoints, of which the newest is taken; None where it is none of these."""
    path = Path(path)
    if path.is_dir():
        found = sorted(path.glob("*.index"), key=lambda file: file.stat().st_mtime)
        is_savedmodel = (path / SAVED_MODEL_GRAPH).exists()
        return str(found[-1].with_suffix("")) if found and not is_savedmodel else None
    name = path.name.partition(".data-")[0].removesuffix(".index")
    prefix = path.with_name(name) if name else path
    is_one_of_its_files = name != path.name or not path.exists()
    return str(prefix) if is_one_of_its_files and prefix.with_name(f"{name}.index").exists() else None


def read_checkpoint(prefix: str) -> dict[str, np.ndarray]:
    """The floats of nets in a checkpoint, float32, by their names without the end that all have.

    prefix: what the names of its files begin with.

    Raises:
        OSError: its files cannot be read.
        UserError: it is damaged, or claims more than fits into the memory.
    """
    folder, name = os.path.split(prefix)
    for file in Path(folder or ".").glob(f"{name}.*"):
        check_regular(file)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary, "arrays.npz")
        # -P keeps Python from searching the folder of the program, where modules of dcgan_tf lie.
        command = [sys.executable, "-P", checkpoint_program.__file__, prefix, str(out), str(free_bytes() // 2)]
        process = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if process.returncode:
            words = process.stdout.strip().splitlines()
            is_told = process.returncode == checkpoint_program.REFUSED and words
            raise UserError(
                printable(words[-1]) if is_told else "is a damaged checkpoint: copy its .index and .data files again"
            )
        with np.load(out, allow_pickle=False) as held:
            return {str(name): held[f"a{number}"] for number, name in enumerate(held["names"])}
