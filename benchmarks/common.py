"""What the benchmarks share: medians, a table, a JSON file, the facts of the machine, images to train on."""

import json
import os
import platform
import shutil
import statistics
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import psutil

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.helptext import help_text
from dcgan_tf.config.parser import parse

ROOT = Path(__file__).parent.parent
PACKAGES = ("tensorflow", "keras", "numpy", "torch")
# What decides how fast a processor multiplies matrices.
CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8")


def asked(kind: type, about: str):
    """The dataclass of a benchmark's flags, from its command line. about: what the benchmark does, for --help."""
    words, program = sys.argv[1:], f"python {os.path.relpath(sys.argv[0])}"
    if "--help" in words or "-h" in words:
        print(help_text(program, about, kind, (), shutil.get_terminal_size().columns))
        sys.exit(0)
    try:
        return parse(kind, words)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median, the smallest and the largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def spread_text(of: dict[str, float], scale: float = 1, digits: int = 2) -> str:
    """Such as "1.93 (1.90..1.99)"."""
    median, low, high = (f"{scale * of[name]:.{digits}f}" for name in ("median", "min", "max"))
    return f"{median} ({low}..{high})"


def table(rows: Sequence[dict[str, str]]) -> str:
    """Rows of equal keys as text in columns, the keys above them; as Markdown reads it too."""
    lines = [list(rows[0]), *(list(map(str, row.values())) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |" for line in lines)


def finish(results: dict, json_path: str | None, *tables: Sequence[dict[str, str]]) -> None:
    """Prints the machine and the tables, and writes `results` with the facts of the machine."""
    facts = machine()
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    print(f"\n{facts['processor']}, {facts['cores']} cores, {', '.join(facts['flags'])}; {versions}")
    for rows in tables:
        print("\n" + table(rows))
    if json_path:
        path = Path(json_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"machine": facts} | results, indent=1) + "\n")


def machine() -> dict:
    """Where and when: processor, cores this process may use, memory in bytes, versions."""
    facts = _cpu_facts()
    affinity = getattr(psutil.Process(), "cpu_affinity", lambda: range(psutil.cpu_count()))()
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "cores": len(affinity),
        "flags": [flag for flag in CPU_FLAGS if flag in facts.get("flags", "").split()],
        "memory": psutil.virtual_memory().total,
        "system": platform.platform(),
        "versions": {"python": platform.python_version()} | dict(_installed(PACKAGES)),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _installed(packages: Iterable[str]):
    for package in packages:
        try:
            yield package, metadata.version(package)
        except metadata.PackageNotFoundError:
            continue


def _cpu_facts() -> dict[str, str]:
    """As in `dcgan_tf.training.machine.devices`, which would import TensorFlow into the process that only asks others to measure."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def environment() -> dict[str, str]:
    """For processes that import this package and `dcgan_tf` from here."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict(os.environ) | {"PYTHONPATH": os.pathsep.join(paths)}


def smooth_images(count: int, shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Random images uint8 [count, H, W, C] that are smooth like photographs, so that they compress like them."""
    height, width, channels = shape
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, [count, 6, 6, channels]).astype(np.float32)
    rows, columns = (_blend(side) for side in (height, width))
    smooth = np.stack([np.einsum("hi,ijc,wj->hwc", rows, image, columns, optimize=True) for image in coarse])
    return np.clip(smooth + random.normal(0, 4, [1, height, width, channels]), 0, 255).astype(np.uint8)


def _blend(side: int) -> np.ndarray:
    """[side, 6]: the weights of linear interpolation between six points."""
    places = np.linspace(0, 5, side)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(6))).astype(np.float32)
