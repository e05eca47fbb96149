"""Checks that an exported generator makes the pictures of the Keras one.

The artifact is run by `generators.runtimes` in a process of its own, which can import neither dcgan_tf nor Keras.
"""

import io
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dcgan_tf.common.errors import Mismatch, printable
from dcgan_tf.export.judge import Judge
from dcgan_tf.export.savedmodel import signatures_of
from dcgan_tf.export.signatures import VERIFIED_SEEDS
from dcgan_tf.generators import runtimes
from dcgan_tf.generators.latents import interpolate, seed_latents
from dcgan_tf.nets.conditional import inputs_of
from dcgan_tf.pictures.images import to_uint8

MAX_LEVEL_DIFFERENCE = 1  # in the grey levels of uint8 images
MAX_FLOAT_DIFFERENCE = 1e-4  # for values up to 1; larger ones may differ by this part of the largest


@dataclass(frozen=True)
class Report:
    """What the check found.

    differences   the largest for each output, such as {"images": 0.0}, over all loaders and signatures
    milliseconds  of one call, by the number of latents: 1 and 64
    """

    differences: dict[str, float]
    milliseconds: dict[int, float]


@dataclass(frozen=True)
class Reference:
    """What the nets make in Keras. inputs, outputs: arrays by signature, then by name.

    floats: the images of serving_default, [N, H, W, C] in -1..1, before they become pixels.
    """

    inputs: dict[str, dict[str, np.ndarray]]
    outputs: dict[str, dict[str, np.ndarray]]
    floats: np.ndarray


def reference(generator, distribution: str, discriminator: Judge | None = None) -> Reference:
    """Runs the nets in Keras on the inputs that `signatures` verifies with.

    distribution: of the latents. discriminator: None leaves out `score`.

    Raises:
        ValueError: the generator makes NaN.
    """
    takes = inputs_of(generator)

    def drawn(seeds):
        return seed_latents(np.asarray(seeds, np.int32), takes.latent_dim, distribution).numpy()

    def floats_of(latents):
        return generator(takes.arguments(generator, latents, labels), training=False).numpy()

    latents = drawn(VERIFIED_SEEDS)
    labels = np.arange(len(latents), dtype=np.int32) % takes.classes if takes.classes else None
    floats = floats_of(latents)
    images = to_uint8(floats)
    signatures = signatures_of(generator, distribution, discriminator)
    made = {"latents": latents, "images": images}
    inputs = {name: signature.verified_inputs(made) for name, signature in signatures.items()}
    way = inputs["interpolate"]
    between = interpolate(drawn(way["seeds_a"]), drawn(way["seeds_b"]), way["t"], distribution)
    outputs = {
        "serving_default": {"images": images},
        "generate": {"images": images, "latents": latents},
        "generate_png": {"image_bytes": images},
        "interpolate": {"images": to_uint8(floats_of(between))},
    }
    if discriminator is not None:
        outputs["score"] = {name: logits.numpy() for name, logits in discriminator(**inputs["score"]).items()}
    return Reference(inputs, outputs, floats)


def verify(
    kind: str,
    path: Path,
    expected: Reference,
    warmup_sizes: list[int] = (),
    tolerance: float = MAX_FLOAT_DIFFERENCE,
    takes: str = "latents",
) -> Report:
    """Runs the artifact and compares what it makes.

    kind: one of `runtimes.RUNTIMES`. warmup_sizes: the batch sizes of the warm-up requests that must be there.
    tolerance: for floats, as MAX_FLOAT_DIFFERENCE. takes: what a file of ONNX or LiteRT takes, "latents" or "seeds".

    Raises:
        Mismatch: it does not run, or differs by more than is allowed; the message says what and by how much, to be put
            after the artifact's name.
    """
    inputs, wanted = expected.inputs, expected.outputs
    if kind != "savedmodel":
        only = "generate" if takes == "seeds" else "serving_default"
        inputs = {only: inputs[only]}
        wanted = {only: wanted[only] if takes == "seeds" else {"images": expected.floats}}
    result = _run(kind, path, inputs)
    differences: dict[str, float] = {}
    for loader, outputs in result["outputs"].items():
        if _names(outputs) != _names(wanted):
            raise Mismatch(f"has the outputs {_names(outputs)} ({loader}), not {_names(wanted)}")
        for signature, name in _names(wanted):
            difference, allowed = _difference(outputs[signature][name], wanted[signature][name], tolerance)
            if not difference <= allowed:  # also where it is NaN
                raise Mismatch(
                    f"{name} of {signature} ({loader}) differ by {difference:.3g} from the Keras generator, "
                    f"more than {allowed:.3g}",
                    difference,
                )
            differences[name] = max(difference, differences.get(name, 0.0))
    if result["warmup"] != list(warmup_sizes):
        raise Mismatch(f"replays warm-up requests of {result['warmup']} images, not of {list(warmup_sizes)}")
    return Report(differences, result["milliseconds"])


def _run(kind: str, path: Path, inputs: dict) -> dict:
    """What `runtimes.main` reports of the artifact.

    Raises:
        Mismatch: the process fails; the message has the last line of its words.
    """
    inputs_path, outputs_path = (path.parent / f"{path.name}.{end}" for end in ("inputs", "outputs"))
    inputs_path.write_bytes(pickle.dumps(inputs))
    try:
        # -P keeps Python from searching the folder of runtimes.py, where modules of dcgan_tf lie.
        command = [sys.executable, "-P", runtimes.__file__, kind, str(path), str(inputs_path), str(outputs_path)]
        process = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if process.returncode:
            words = process.stderr.strip().splitlines() or [f"ended with code {process.returncode}"]
            raise Mismatch(f"does not run: {printable(words[-1])}")
        return pickle.loads(outputs_path.read_bytes())
    finally:
        inputs_path.unlink(missing_ok=True)
        outputs_path.unlink(missing_ok=True)


def _names(outputs: dict) -> list[tuple[str, str]]:
    """(signature, name of an output), sorted."""
    return sorted((signature, name) for signature, arrays in outputs.items() for name in arrays)


def _difference(array, wanted, tolerance: float) -> tuple[float, float]:
    """(the largest difference, the largest allowed)."""
    if array.dtype == object:  # PNG files are compared as pixels.
        array = np.stack([_decoded(png, wanted.shape[1:]) for png in array])
    if array.shape != wanted.shape or array.dtype != wanted.dtype:
        return np.inf, 0.0
    if array.dtype == np.uint8:
        return float(np.abs(array.astype(int) - wanted.astype(int)).max()), MAX_LEVEL_DIFFERENCE
    # Logits may be in the hundreds, where float32 has no four digits left after the point.
    return float(np.abs(array - wanted).max()), tolerance * max(1.0, float(np.abs(wanted).max()))


def _decoded(png: bytes, shape) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture).reshape(shape)
