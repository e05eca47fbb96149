"""The numbers of versions: which one an export gets, and whether one that is there is the same already."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.files import numbered
from dcgan_tf.generators import checks


def numbers(out: Path, name: str) -> set[int]:
    """Those of all versions in a target folder. name: the model's."""
    files = (re.fullmatch(re.escape(name) + r"-(\d+)(-\w+)?\.(onnx|tflite)", path.name) for path in out.iterdir())
    return set(numbered(out)) | {int(match[1]) for match in files if match}


def next_version(out: Path, name: str, epoch: int | None) -> int:
    """The epoch where no export has that number yet, else one more than the highest."""
    taken = numbers(out, name)
    return epoch if epoch is not None and epoch not in taken else max(taken, default=0) + 1


def same_version(out: Path, name: str, wanted: Callable[[int], dict[tuple[str, str], dict]]) -> int | None:
    """The highest version of which all is there, whole, that an export would write; None where there is none.

    wanted: the number of a version -> {(kind, name of the artifact): its model card}.
    """
    for version in sorted(numbers(out, name), reverse=True):
        if all(_is_there(out / file, kind, card) for (kind, file), card in wanted(version).items()):
            return version
    return None


def _is_there(path: Path, kind: str, card: dict) -> bool:
    """Whether the artifact is there, made as this card says. One that is damaged is told of."""
    if not path.exists():
        return False
    try:
        there = checks.read_card(kind, path)
        there.pop("checksums", None)
        if there != json.loads(json.dumps(card)):
            return False
        checks.check(kind, path)
    except Exception as error:  # Each library has errors of its own for a file that it does not understand.
        note(f"{printable(path)}: {error if isinstance(error, UserError) else first_line(error)}; it stays as it is")
        return False
    return True
