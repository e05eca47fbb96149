"""What a person can type next, when something has been exported."""

from pathlib import Path

from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.text import table
from dcgan_tf.export.artifacts import Artifact

_RUN_SEEDS = (
    "import sys, numpy, onnxruntime; print(onnxruntime.InferenceSession(sys.argv[1]).run(['images'], {%s})[0].shape)"
)
_SEEDS, _LABELS = "'seeds': numpy.array([1, 2], 'int32')", "'labels': numpy.array([0, 1], 'int32')"


def next_commands(out: Path, made: list[Artifact], draws_classes: bool = False) -> str:
    """Lines that say what can be done with what is made, in the folder `out`, and the command for it."""
    inputs = f"{_SEEDS}, {_LABELS}" if draws_classes else _SEEDS
    rows = []
    for artifact in made:
        path = quoted(out / artifact.name)
        if artifact.kind == "savedmodel":
            compose, client = (quoted(out / name) for name in ("docker-compose.yml", "client.py"))
            rows.append(("serve it", f"docker compose -f {compose} up --wait"))
            rows.append(("ask the server", f"python {client} 1 2 3"))
        if artifact.takes == "seeds":
            rows.append(("run it", f'python -c "{_RUN_SEEDS % inputs}" {path}'))
        elif artifact.quantize is None:
            rows.append(("draw with it", f"{program()} generate {path} --out pictures/{Path(artifact.name).stem}"))
    return "next:\n" + table([("", *row) for row in rows], "<<<")
