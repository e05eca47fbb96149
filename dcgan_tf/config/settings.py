"""What a run is, settled: every flag with its value, the images, the net, the recipe. config.json holds it."""

from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from typing import get_args, get_type_hints

from dcgan_tf.config.presets import Preset
from dcgan_tf.config.recipes import TUTORIAL, Recipe
from dcgan_tf.config.train import TrainConfig


@dataclass(frozen=True)
class Images:
    """What identifies a set of images.

    name         short, for a default run folder
    images       how many
    image_shape  (H, W, C)
    values       the stored value range, for people
    fingerprint  of the content, see `ImageSource.fingerprint`
    """

    name: str
    images: int
    image_shape: tuple[int, int, int]
    values: str
    fingerprint: str


@dataclass(frozen=True)
class Settings:
    """The fields are the sections of config.json, in order.

    config    the flags; batch_size, learning_rate, epochs, run_dir and precision have their final values
    preset    with the recipe's changes to the nets
    versions  of what wrote it
    unknown   flags of another version of this program, by name; only of what was read from a file
    """

    config: TrainConfig
    data: Images
    steps_per_epoch: int
    preset: Preset
    recipe: Recipe
    versions: dict[str, str]
    unknown: dict[str, object] = field(default_factory=dict)

    def to_json(self) -> dict:
        """Plain values for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "unknown"}


def settings_from_json(value) -> Settings:
    """What `Settings.to_json` made, also by earlier versions: a section or a setting that they had not has its default.

    Raises:
        ValueError: it is no such thing.
    """
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        raise ValueError("no settings")
    known = {declared.name for declared in fields(TrainConfig)}
    return Settings(
        config=_typed(TrainConfig, value["config"]),
        data=_typed(Images, value.get("data")),
        steps_per_epoch=value.get("steps_per_epoch"),
        preset=_typed(Preset, value.get("preset")),
        recipe=_typed(Recipe, value.get("recipe", asdict(TUTORIAL))),
        versions=value.get("versions", {}),
        unknown={name: setting for name, setting in value["config"].items() if name not in known},
    )


def _typed(kind: type, value):
    """A dataclass from its fields by name, deeply: lists become tuples, and names that it does not have are passed over."""
    if not isinstance(value, dict):
        raise ValueError(f"no {kind.__name__.lower()}")
    missing = [
        declared.name
        for declared in fields(kind)
        if declared.name not in value and declared.default is MISSING and declared.default_factory is MISSING
    ]
    if missing:
        raise ValueError(f"{kind.__name__.lower()} without {missing[0]}")
    hints = get_type_hints(kind)
    given = {name: _plain(hints[name], setting) for name, setting in value.items() if name in hints}
    return kind(**given)


def _plain(hint, value):
    if isinstance(value, list):
        inner = next((argument for argument in get_args(hint) if is_dataclass(argument)), None)
        return tuple(value if inner is None else (_typed(inner, item) for item in value))
    return _typed(hint, value) if is_dataclass(hint) else value
