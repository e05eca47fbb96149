"""Makes tf23_*, tf212_*, tf213_* and tf215_*: nets of the Keras in TensorFlow, saved in every way it has; see README.md."""

from glob import glob
from pathlib import Path

import nets
import numpy as np
import sets
import tensorflow as tf
from recording import Recorder, draw_weights, reload_and_compare

VERSION = "tf" + "".join(tf.__version__.split(".")[:2])
# TensorFlow 2.12 brought the format .keras, and 2.13 spectral normalization.
KNOWS_KERAS_FILES = tuple(map(int, tf.__version__.split(".")[:2])) >= (2, 12)
KNOWS_SPECTRAL = hasattr(tf.keras.layers, "SpectralNormalization")

# TensorFlow 2.12 writes HDF5 for the ending .keras, and ZIP archives where it is asked for them.
IS_ZIP_TO_BE_ASKED_FOR = VERSION == "tf212"
AS_ZIP = ["sigmoid_generator", "tanh_nested", "tanh_nested_frozen", "cgan_multiply", "cgan_channel"]

IN_KERAS_FILES = [
    nets.sigmoid_generator,
    nets.tanh_nested,
    nets.cgan_multiply,
    nets.acgan_multiply,
    nets.cgan_channel,
    nets.cgan_channel_label_first,
    nets.leaky_inside,
    nets.functions_generator,
]


def _record_weights_alone(recorder, made):
    """Weights without layers: as .h5, as .weights.h5 and as a checkpoint of TensorFlow."""
    for name in ["sigmoid_generator", "tanh_nested", "tanh_nested_frozen"]:
        endings = ["_weights.h5", "_ckpt/ckpt"] + [".weights.h5"] * KNOWS_KERAS_FILES
        Path(recorder.path(name, "_ckpt")).mkdir(exist_ok=True)
        recorder.add_weights_alone(name, made[name], endings)


def _train_both(generator, discriminator, optimizers):
    """One step of both optimizers, so that their slots exist."""
    latents, images = np.ones([2, nets.LATENTS], "float32"), np.ones([2, 8, 8, 1], "float32")
    for net, inputs, optimizer in zip([generator, discriminator], [latents, images], optimizers):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(net(inputs, training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))


def _record_checkpoint(recorder):
    """The checkpoint of TensorFlow's DCGAN tutorial: <env>_dcgan_checkpoint/ckpt-1, with the layers as JSON beside it."""
    generator, discriminator = nets.tutorial_generator(tf.keras), nets.tutorial_discriminator(tf.keras)
    optimizers = [tf.keras.optimizers.Adam(1e-4), tf.keras.optimizers.Adam(1e-4)]
    checkpoint = tf.train.Checkpoint(
        generator_optimizer=optimizers[0],
        discriminator_optimizer=optimizers[1],
        generator=generator,
        discriminator=discriminator,
    )
    _train_both(generator, discriminator, optimizers)
    folder = Path(recorder.path("dcgan", "_checkpoint"))
    for name, net in [("generator", generator), ("discriminator", discriminator)]:
        draw_weights(net, recorder.seed)
        recorder.record("dcgan_checkpoint_" + name, net)
        recorder.seed += 1
        folder.mkdir(exist_ok=True)
        (folder / (name + ".json")).write_text(net.to_json())
    checkpoint.save(str(folder / "ckpt"))


def _reload(recorder):
    paths = [path for ending in (".h5", ".keras") for path in sorted(glob(recorder.path("*", ending)))]
    whole = [path for path in paths if not path.endswith(("_weights.h5", ".weights.h5"))]
    reload_and_compare(recorder, lambda path: tf.keras.models.load_model(path, compile=False), whole)


def _save_as_zip(recorder):
    """Saves some nets again as tf212_<net>_zip.keras; their inputs and outputs are those of tf212_<net>."""
    for name in AS_ZIP:
        net = tf.keras.models.load_model(recorder.path(name, ".h5"))
        net.save(recorder.path(name, "_zip.keras"), save_format="keras_v3")


def main():
    recorder, keras = Recorder(VERSION), tf.keras
    both = (".h5", ".keras") if KNOWS_KERAS_FILES else (".h5",)
    made = sets.record_plain(recorder, keras, IN_KERAS_FILES, both)
    others = [maker for maker in sets.GENERATORS + sets.DISCRIMINATORS if maker not in IN_KERAS_FILES]
    made.update(sets.record_plain(recorder, keras, others))
    made.update(sets.record_compiled(recorder, keras, both))
    if KNOWS_SPECTRAL:
        sets.record_plain(recorder, keras, sets.SPECTRAL, both)
    sets.record_channels_first(recorder, keras)
    _record_weights_alone(recorder, made)
    _record_checkpoint(recorder)
    recorder.write()
    _reload(recorder)
    if IS_ZIP_TO_BE_ASKED_FOR:
        _save_as_zip(recorder)


if __name__ == "__main__":
    main()
