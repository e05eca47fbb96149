"""config.json: written and read here alone, and compared: is a command that of the run that is there? No TensorFlow."""

import hashlib
import json
from dataclasses import asdict, fields

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import write_json
from dcgan_tf.common.reading import read_json
from dcgan_tf.common.seals import check_seal, sealed
from dcgan_tf.common.text import plural, shape_text
from dcgan_tf.config.flags import flag
from dcgan_tf.config.reading import Reading
from dcgan_tf.config.recipes import SWITCHES
from dcgan_tf.config.settings import Settings, settings_from_json
from dcgan_tf.runs.folder import RunFolder


def write_settings(folder: RunFolder, settings: Settings) -> None:
    write_json(folder.config, sealed(settings.to_json()))


def read_settings(folder: RunFolder) -> Settings | None:
    """The settings a run was started with; None where there is no run.

    Raises:
        UserError: config.json is not what this program writes.
    """
    try:
        value = read_json(folder.config)
        check_seal(value)
        return settings_from_json(value)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = printable(getattr(error, "strerror", None) or error)
        mend = "mend its rights" if isinstance(error, PermissionError) else "restore it"
        raise UserError(
            f"{printable(folder.config)}: cannot be read ({reason}): {mend}, or give another folder"
        ) from error


# Parts of an identity that are no flags.
SHAPE, IMAGES, CLASSES, NETS = "the images' shape", "the images", "the classes", "the nets"
# Hashes tell a person nothing: what it means where they have changed.
_HASHES = {
    IMAGES: "the images have changed since the run began",
    NETS: "this version of the program builds its nets differently",
}

# Flags that may change from one start of a run to the next: they decide how far it goes and what is kept, not its steps.
_FREE_FLAGS = {
    "data", "preset", "recipe", "switches", "run_dir", "epochs", "max_steps", "resume", "save_every", "keep_last", "keep_every",
    "sample_every", "evaluate_every", "on_collapse", "dry_run", "generator_range",
}  # fmt: skip
_FLAGS_OF_READING = {flag(declared.name) for declared in fields(Reading)}  # Another value of one gives other images.
# Fields of a preset that do not decide the steps, or are flags as well.
_FREE_OF_PRESET = {"about", "grid", "epochs", "least_steps", "batch_size", "learning_rate"}


def identity(settings: Settings) -> dict[str, object]:
    """The part of `settings` that decides a run's steps, by the name to show to the user."""
    data = settings.data
    net = {name: value for name, value in asdict(settings.preset).items() if name not in _FREE_OF_PRESET}
    if net["packing"] == 1:
        del net["packing"]  # Runs begun before there was packing hash alike.
    if not net["classes"]:
        del net["classes"], net["class_judge"]  # The same of classes.
    flags = asdict(settings.config)
    flags = {name: value for name, value in (flags | flags.pop("reading")).items() if name not in _FREE_FLAGS}
    switches = {switch.name: getattr(settings.recipe, switch.name) for switch in SWITCHES}
    switches = {name: ("off", "on")[value] if isinstance(value, bool) else value for name, value in switches.items()}
    by_flag = {flag(name): value for name, value in (flags | settings.unknown | switches).items()}
    return {
        "--data": plural(data.images, "image"),
        SHAPE: shape_text(data.image_shape),
        IMAGES: data.fingerprint,
        **({CLASSES: settings.preset.classes} if settings.preset.classes else {}),
        "--preset": settings.preset.family,  # The shape that it is fitted to is that of the images.
        NETS: hashlib.sha256(json.dumps(net, sort_keys=True).encode()).hexdigest()[:8],
        **json.loads(
            json.dumps(by_flag)
        ),  # As JSON has it, lists in place of tuples, since workers send it to each other.
    }


def differences(there: dict, here: dict) -> list[str]:
    """One phrase per setting that differs between two workers, such as "--batch-size 16 there, 32 here"."""
    return [
        f"{printable(name)} differ" if name in _HASHES else f"{printable(name)} {one} there, {other} here"
        for name, one, other in _differing(there, here)
    ]


def changes(begun: dict, now: dict) -> list[str]:
    """One phrase per setting that is not what the run began with, such as "--batch-size 16, now 32"."""
    return [_HASHES.get(name) or f"{printable(name)} {one}, now {other}" for name, one, other in _differing(begun, now)]


def _differing(one: dict, other: dict) -> list[tuple[str, str, str]]:
    """(name, value, other value) of each setting that differs, values in words; but for those that follow from another
    one."""
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    is_news = {
        SHAPE: "--image-size" not in names,
        IMAGES: not {"--data", SHAPE, *_FLAGS_OF_READING} & set(names),
        CLASSES: "--conditional" not in names,
        NETS: set(names) <= {IMAGES, NETS},
    }
    return [(name, _shown(one.get(name)), _shown(other.get(name))) for name in names if is_news.get(name, True)]


def _shown(value) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(printable(item) for item in value) or "not given"
    return "not given" if value is None else printable(value)
