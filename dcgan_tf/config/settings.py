"""What a run is, settled: every flag with its value, the images, the net, the recipe. config.json holds it."""

from dataclasses import asdict, dataclass, field, fields

from dcgan_tf.config.presets import Preset
from dcgan_tf.config.ranges import Size
from dcgan_tf.config.recipes import TUTORIAL, Recipe
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.config.typed import typed


@dataclass(frozen=True)
class Images:
    """What identifies a set of images.

    name         short, for a default run folder
    images       how many
    image_shape  (H, W, C)
    values       the stored value range, for people
    fingerprint  of the content, see `ImageSource.fingerprint`
    class_names  of the classes that a conditional net draws, by their numbers; () for any other
    """

    name: str
    images: Size
    image_shape: tuple[Size, Size, Size]
    values: str
    fingerprint: str
    class_names: tuple[str, ...] = ()


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
    steps_per_epoch: Size
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
        ValueError: it is no such thing; naming the section, the setting and what would be right.
    """
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        raise ValueError("it holds no section config")
    known = {declared.name for declared in fields(TrainConfig)}
    # Earlier versions wrote null for the epochs of a preset that had none of its own.
    preset = value.get("preset")
    if isinstance(preset, dict) and preset.get("epochs", 0) is None:
        preset = {name: setting for name, setting in preset.items() if name != "epochs"}
    recipe = typed(Recipe, value["recipe"], "recipe") if "recipe" in value else TUTORIAL
    return Settings(
        config=typed(TrainConfig, value["config"], "config"),
        data=typed(Images, value.get("data"), "data"),
        steps_per_epoch=typed(Size, value.get("steps_per_epoch"), "steps_per_epoch"),
        preset=typed(Preset, preset, "preset"),
        recipe=recipe,
        versions=typed(dict[str, str], value.get("versions", {}), "versions"),
        unknown={name: setting for name, setting in value["config"].items() if name not in known},
    )
