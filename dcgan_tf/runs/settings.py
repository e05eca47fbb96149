"""config.json: what a run was started with, and whether a command is that of the run that is there. No TensorFlow."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.config.recipes import SETTLED, TUTORIAL, Recipe
from dcgan_tf.config.train import flag


def write_config(run_dir: Path, settings: dict) -> None:
    with whole_file(run_dir / "config.json") as beside:
        beside.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def read_config(run_dir: Path) -> dict | None:
    """The settings a run was started with; None where there is no run.

    Raises:
        UserError: config.json is not what this program writes.
    """
    path = run_dir / "config.json"
    if not path.exists():
        return None
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(settings, dict):
            raise ValueError("no settings")
        return settings
    except (OSError, ValueError) as error:
        raise UserError(f"{printable(path)}: cannot be read ({error}): restore it, or give another folder") from error


def recipe_begun(run_dir: Path) -> Recipe | None:
    """The recipe of the run that is there; None where there is none.

    Raises:
        UserError: config.json is not what this program writes.
    """
    settings = read_config(run_dir)
    if settings is None:
        return None
    known = {name: value for name, value in settings.get("recipe", {}).items() if name in asdict(TUTORIAL)}
    return Recipe(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})


# Flags that may change from one start of a run to the next: they decide how far it goes and what is kept, not its steps.
_FREE = {
    "data", "preset", "recipe", "switches", "run_dir", "epochs", "max_steps", "resume", "save_every", "keep_last", "keep_every",
    "sample_every", "evaluate_every", "on_collapse", "dry_run",
}  # fmt: skip


# Fields of a preset that do not decide the steps, or are flags as well.
_NOT_THE_NET = {"about", "grid", "epochs", "least_steps", "batch_size", "learning_rate"}


def identity(settings: dict) -> dict[str, object]:
    """The part of `settings` that decides a run's steps, by the name to show to the user."""
    data = settings["data"]
    net = {name: value for name, value in settings["preset"].items() if name not in _NOT_THE_NET}
    # Runs begun before there was packing, or recipes, had none.
    net = {name: value for name, value in net.items() if (name, value) != ("packing", 1)}
    recipe = asdict(TUTORIAL) | settings.get("recipe", {})
    recipe = {
        name: ("off", "on")[value] if isinstance(value, bool) else value
        for name, value in recipe.items()
        if name not in SETTLED
    }
    shape = "x".join(str(side) for side in data["image_shape"])
    fixed = {flag(name): value for name, value in settings["config"].items() if name not in _FREE}
    return {
        "--data": f"{data['images']:,} images of {shape} ({data['fingerprint']})",
        "--preset": settings["preset"]["name"],
        "definition of the net": hashlib.sha256(json.dumps(net, sort_keys=True).encode()).hexdigest()[:8],
        **json.loads(json.dumps(fixed | {flag(name): value for name, value in recipe.items()})),
    }


def differences(there: dict, here: dict) -> list[str]:
    """One phrase per setting that differs, such as "--batch-size 16 there, 32 here"."""
    names = [*there, *(name for name in here if name not in there)]
    return [
        f"{name} {_shown(there.get(name))} there, {_shown(here.get(name))} here"
        for name in names
        if there.get(name) != here.get(name)
    ]


def _shown(value) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(str(item) for item in value)
    return "not given" if value is None else printable(value)
