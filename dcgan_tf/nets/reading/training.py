"""How a net was compiled, which a file may tell and pictures do not need: what is not of Keras is named, and left out."""

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import note
from dcgan_tf.nets.words import shown

_SHORT_NAMES = {"mse", "mae", "mape", "msle", "bce", "kld"}  # that Keras takes beside the names in `keras.losses`


def note_what_is_left_out(config) -> None:
    """Says which optimizer or loss is not of Keras. config: of `compile`, as .h5 or .keras holds it; of any form."""
    if not isinstance(config, dict):
        return
    optimizer = config.get("optimizer_config", config.get("optimizer"))
    for kind, values, known in (
        ("an optimizer", [optimizer], dir(keras.optimizers)),
        ("a loss", _losses(config.get("loss")), [*dir(keras.losses), *_SHORT_NAMES]),
    ):
        for name in filter(None, map(_name, values)):
            if _alike(name) not in set(map(_alike, known)):
                note(
                    f"the net was trained with {kind} that is not of Keras ({shown(name)}), which is left out: pictures do "
                    "not need it"
                )


def _alike(name: str) -> str:
    """Keras takes BinaryCrossentropy and binary_crossentropy for the same."""
    return name.lower().replace("_", "")


def _losses(value) -> list:
    """One, or those of several outputs."""
    if isinstance(value, dict) and "class_name" not in value:
        return list(value.values())
    return value if isinstance(value, list) else [value]


def _name(value) -> str | None:
    if isinstance(value, dict):
        inner = value.get("config")
        # Keras 3 writes a function as {"class_name": "function", "config": its name}.
        value = inner if value.get("class_name") == "function" else value.get("class_name")
    # TensorFlow 2.13 registered the optimizers of Keras itself as Custom>Adam and so on.
    return value.removeprefix("Custom>") if isinstance(value, str) else None
