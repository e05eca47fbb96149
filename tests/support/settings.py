"""Settings of runs that were never trained, for what reads them."""

from dataclasses import replace

from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.recipes import TUTORIAL
from dcgan_tf.config.settings import Images, Settings
from dcgan_tf.config.train import TrainConfig


def settings(data="squares.npy", image_shape=(8, 8, 3), latents="uniform", fingerprint="abc", **changes) -> Settings:
    """Of a run on 44 images. changes: of fields of `Settings`; of the preset: packing; of the flags: value_range."""
    preset = replace(preset_for(image_shape, "faces64"), latents=latents, packing=changes.pop("packing", 1))
    flags = TrainConfig(
        data, value_range=changes.pop("value_range", None), batch_size=16, epochs=3, learning_rate=2e-4,
        precision=changes.pop("precision", "float32"),
    )  # fmt: skip
    images = Images(changes.pop("name", "squares"), 44, tuple(image_shape), "uint8 0..255", fingerprint)
    made = Settings(flags, images, 3, preset, TUTORIAL, {"tensorflow": "2.21.0"})
    return replace(made, **changes)
