"""log.jsonl: a line of JSON per logged step, with step, epoch, losses, probabilities and images_per_sec."""

import json
from pathlib import Path

from dcgan_tf.files import whole_file


def read_log(path: Path) -> list[dict]:
    """The lines, without a torn last one; none where there is no file."""
    lines = []
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    lines.append(json.loads(line))
                except json.JSONDecodeError:
                    continue  # torn: the run was stopped while it wrote
    return lines


def drop_after(path: Path, step: int) -> None:
    """Leaves the lines up to `step`, and no torn one."""
    kept = [line for line in read_log(path) if line["step"] <= step]
    with whole_file(path) as beside:
        beside.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
