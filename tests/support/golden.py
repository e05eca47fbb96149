"""What the program made before its parts were rebuilt, recorded through its commands alone, so that any version compares.

    PYTHONPATH=<the program> python tests/support/golden.py        writes tests/golden/ anew

Weights, pictures and losses are compared bit by bit: they hold for one kind of processor and one TensorFlow, which
`machine` names. All else holds everywhere.
"""

import contextlib
import hashlib
import importlib.metadata
import io
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parents[1] / "golden"
STEPS = 20
BASE = ["--batch-size", "8", "--precision", "float32", "--recipe", "tutorial"]
SIZE = ["--image-size", "16", "16"]
# Every preset and every switch is in one of these runs; tests/gan/test_reference.py has each by itself.
SWITCHES = {
    "mnist, least-squares, ema, flips, d-learning-rate, tanh-gain": [
        "--preset", "mnist", "--loss", "least-squares", "--ema", "0.9", "--flips", "on", "--d-learning-rate", "0.001", "--tanh-gain", "1.1"],
    "mnist56, hinge, augment, r1 at times, minibatch-std": [
        "--preset", "mnist56", "--loss", "hinge", "--augment", "colour", "translation", "cutout", "--r1", "1", "--penalty-every", "3",
        "--minibatch-std", "on"],
    "mnist-mlp, relativistic, r2, instance-noise, packing": [
        "--preset", "mnist-mlp", "--loss", "relativistic", "--r2", "1", "--instance-noise", "0.1", "--packing", "2"],
    "mri96, wasserstein, gradient-penalty, spectral-norm": [
        "--preset", "mri96", "--loss", "wasserstein", "--gradient-penalty", "10", "--spectral-norm", "on"],
    "faces64, d-bias, resize": ["--preset", "faces64", "--d-bias", "on", "--upsampling", "resize"],
    "paints200, even, joint": ["--preset", "paints200", "--upsampling", "even", "--flips", "on", "--r1", "1"],
    "faces64, best": ["--preset", "faces64", "--recipe", "best"],
    "faces64, bfloat16": ["--preset", "faces64", "--precision", "bfloat16"],
}  # fmt: skip
# Name -> flags of `train` on the images of `smooth`.
TRAINED = {name: [*SIZE, *BASE, *flags] for name, flags in SWITCHES.items()}
RUN = ["--data", "smooth.npy", "--run-dir", "run", "--generator", "tiny_Gmodel.h5", "--discriminator", "tiny_Dmodel.h5",
       "--batch-size", "8", "--ema", "0.9", "--flips", "on", "--precision", "float32", "--recipe", "tutorial",
       "--spectral-norm", "on", "--evaluate-every", "0", "--save-every", "3", "--sample-every", "50"]  # fmt: skip


def machine() -> str:
    """What bits depend on."""
    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    flags = re.search(r"flags\s*: (.*)", facts)
    flags = " ".join(
        flag for flag in sorted((flags[1] if flags else "").split()) if flag.startswith(("avx", "amx", "fma"))
    )
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{flags}; {threads} threads; TensorFlow {importlib.metadata.version('tensorflow')}"


def smooth(shape=(16, 16, 3), count=24) -> np.ndarray:
    """Images of smooth colour and some noise."""
    random = np.random.default_rng(0)
    height, width, channels = shape
    down, right = random.uniform(-90, 90, [2, count, 1, 1, channels])
    levels = 128 + down * np.linspace(-1, 1, height)[:, None, None] + right * np.linspace(-1, 1, width)[:, None]
    return np.clip(levels + random.normal(0, 12, levels.shape), 0, 255).astype(np.uint8)


@contextlib.contextmanager
def inside(folder: Path):
    """In that folder, with a cache of its own."""
    before, cache = os.getcwd(), os.environ.get("DCGAN_TF_CACHE")
    os.chdir(folder)
    os.environ["DCGAN_TF_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.pop("DCGAN_TF_CACHE")
        if cache is not None:
            os.environ["DCGAN_TF_CACHE"] = cache


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def digest_of_state(folder: Path) -> str:
    """Of all variables of a state, by name."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(folder / "variables"))
    names = sorted(set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"})
    return digest(
        *(part for name in names for part in (name.encode(), np.ascontiguousarray(reader.get_tensor(name)).tobytes()))
    )


def digest_of_net(path: Path) -> str:
    """Of the settings and weights in an .h5 file, without names: Keras numbers layers through all nets of a process."""
    import h5py

    def nameless(value):
        if isinstance(value, dict):
            return {key: nameless(inner) for key, inner in value.items() if key != "name"}
        return [nameless(inner) for inner in value] if isinstance(value, list) else value

    with h5py.File(path) as file:
        parts = [json.dumps(nameless(json.loads(file.attrs["model_config"])), sort_keys=True).encode()]
        for name in file["model_weights"].attrs["layer_names"]:
            group = file["model_weights"][name]
            parts += [group[weight][()].tobytes() for weight in group.attrs["weight_names"]]
    return digest(*parts)


def config_text(run_dir: Path) -> str:
    """config.json, without the versions, which are those of the day, and without the checksum of all that."""
    text = re.sub(r'"versions": \{[^}]*\}', '"versions": {}', (run_dir / "config.json").read_text())
    return re.sub(r',\s*"checksum": "\w+"', "", text)


def train(folder: Path, flags: list[str]) -> dict:
    """What a training of a few steps leaves: {"bits": ..., "config.json": ..., "files": [...]}."""
    from dcgan_tf import cli

    with inside(folder):
        np.save("smooth.npy", smooth())
        asked = ["--data", "smooth.npy", "--run-dir", "run", "--max-steps", str(STEPS), "--evaluate-every", "0",
                 "--sample-every", "1000", "--save-every", "1000", *flags]  # fmt: skip
        assert cli.train_main(asked) == 0
        return made_by(Path("run"), STEPS)


def made_by(run: Path, steps: int) -> dict:
    last = max(run.glob("epoch*_Gmodel.h5"), key=lambda path: int(re.search(r"\d+", path.name)[0]))
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    bits = {
        "state": digest_of_state(run / "state" / str(steps)),
        "generator": digest_of_net(last),
        "discriminator": digest_of_net(last.with_name(last.name.replace("G", "D"))),
        "pictures": {path.name: digest(path.read_bytes()) for path in sorted((run / "picture").glob("*.png"))},
        "log": [{name: value for name, value in line.items() if name != "images_per_sec"} for line in lines],
    }
    files = (path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    return {
        "bits": bits,
        "config.json": config_text(run),
        "files": sorted(name for name in files if not name.startswith("tensorboard/")),
    }


def help_text(*arguments: str) -> str:
    """What --help says, on lines of 100 characters, where the command is on the path."""
    from unittest import mock

    from dcgan_tf import cli

    main = {"train.py": cli.train_main, "export.py": cli.export_main}.get(arguments[0] if arguments else "")
    words = ["--help"] if main else [*arguments, "--help"]
    before = {name: os.environ.get(name) for name in ("COLUMNS", "NO_COLOR", "TERM")}
    os.environ |= {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text), mock.patch.object(cli, "program", lambda: "dcgan-tf"):
            (main or cli.main)(words)
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    return text.getvalue()


def signatures(folder: Path) -> dict:
    """Inputs and outputs of every signature of a SavedModel, and its model card without versions and checksums."""
    import tensorflow as tf

    def told(specs) -> dict:
        return {name: [spec.dtype.name, spec.shape.as_list()] for name, spec in sorted(specs.items())}

    found = {
        name: {"inputs": told(function.structured_input_signature[1]), "outputs": told(function.structured_outputs)}
        for name, function in sorted(tf.saved_model.load(str(folder)).signatures.items())
    }
    card = json.loads((folder / "assets.extra" / "model_card.json").read_text())
    card.pop("checksums", None)  # The bytes of a graph are not the same on every machine.
    return {"signatures": found, "card": card | {"versions": None}}


def tiny_nets() -> None:
    """A generator and a discriminator of some hundred weights, into the current folder."""
    import keras

    layers, seed = keras.layers, keras.initializers.GlorotUniform
    generator = keras.Sequential([
        keras.Input([6]), layers.Dense(4 * 4 * 4, use_bias=False, kernel_initializer=seed(1)), layers.BatchNormalization(),
        layers.LeakyReLU(0.3), layers.Reshape([4, 4, 4]),
        layers.Conv2DTranspose(4, 4, 2, "same", kernel_initializer=seed(2)), layers.BatchNormalization(), layers.ReLU(),
        layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh", kernel_initializer=seed(3)),
    ])  # fmt: skip
    discriminator = keras.Sequential([
        keras.Input([16, 16, 3]), layers.Conv2D(4, 4, 2, "same", kernel_initializer=seed(4)), layers.LeakyReLU(0.2),
        layers.Dropout(0.3, seed=5), layers.Flatten(), layers.Dense(1, kernel_initializer=seed(6)),
    ])  # fmt: skip
    generator.save("tiny_Gmodel.h5", include_optimizer=False)
    discriminator.save("tiny_Dmodel.h5", include_optimizer=False)


def resumed(folder: Path) -> dict:
    """What the run of tests/golden/run leaves when it goes on in `folder`."""
    from dcgan_tf import cli

    shutil.copytree(GOLDEN / "run", folder, dirs_exist_ok=True)
    with inside(folder):
        assert cli.train_main([*RUN, "--max-steps", "12"]) == 0
        return made_by(Path("run"), 12)


def exported(folder: Path) -> dict:
    """The signatures of the run of tests/golden/run, as saved per epoch and as exported."""
    from dcgan_tf import cli

    with inside(folder):
        assert cli.export_main(["run", "--out", "served"]) == 0
        return {"epoch": signatures(Path("run/saved_model/2")), "export": signatures(Path("served/2"))}


def write(name: str, value) -> None:
    (GOLDEN / name).write_text(json.dumps(value, indent=1) + "\n")


def record() -> None:
    from dcgan_tf import cli

    shutil.rmtree(GOLDEN, ignore_errors=True)
    (GOLDEN / "help").mkdir(parents=True)
    for arguments in ((), *((command,) for command in cli.COMMANDS), ("train.py",), ("export.py",)):
        (GOLDEN / "help" / f"{'-'.join(arguments) or 'dcgan-tf'}.txt").write_text(help_text(*arguments))
    trained = {}
    for name, flags in TRAINED.items():
        with tempfile.TemporaryDirectory() as folder:
            trained[name] = train(Path(folder), flags)
    write("trained.json", {"machine": machine(), "runs": trained})
    with tempfile.TemporaryDirectory() as folder, inside(Path(folder)):
        np.save("smooth.npy", smooth())
        tiny_nets()
        assert cli.train_main([*RUN, "--max-steps", "6"]) == 0
        shutil.rmtree("cache", ignore_errors=True)
        for path in (
            *Path("run/tensorboard").glob("*"),
            Path("run/training.gif"),
            Path("run/.lock"),
            Path("run/losses.png"),
        ):
            path.unlink(missing_ok=True)
        shutil.copytree(".", GOLDEN / "run", dirs_exist_ok=True)
        write("signatures.json", exported(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        write("resumed.json", resumed(Path(folder)))


if __name__ == "__main__":
    record()
