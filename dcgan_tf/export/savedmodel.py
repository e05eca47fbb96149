"""The generator as a SavedModel that TensorFlow Serving can load, and that needs neither this package nor Keras.

signature         inputs                                  outputs
serving_default   latents float32 [N, Z]                  images uint8 [N, H, W, C]
generate          seeds int32 [N]                         images, latents
generate_png      seeds                                   image_bytes string [N], PNG files
interpolate       seeds_a, seeds_b int32 [N], t [N] 0..1  images
score             images uint8 [N, H, W, C]               logits float32 [N, 1], only with a discriminator

Every input and output has N in front, so that a server may batch requests.
"""

import json
import re
from pathlib import Path

from dcgan_tf.common.backend import tf
from dcgan_tf.generators.generator import BLOCK, picture_function
from dcgan_tf.generators.latents import interpolate, seed_latents


class SavedModelWriter:
    """Writes a generator's SavedModel, with the weights of the moment.

    Not through Keras's ExportArchive, which (Keras 3.15) writes every variable twice: twice the disk for each epoch.
    """

    def __init__(self, generator, distribution: str, discriminator=None):
        """distribution: of the latents, "normal" or "uniform". discriminator: gives logits; adds `score`."""
        latent_dim = generator.input_shape[-1]
        pictures = picture_function(generator)
        seeds_spec, t_spec = ([], tf.int32), ([], tf.float32)

        # Each is a function of its own in the graph, however many signatures call it.
        @_signature(seeds=seeds_spec)
        def draw(seeds):
            return seed_latents(seeds, latent_dim, distribution)

        @_signature(latents=([latent_dim], tf.float32))
        def serving_default(latents):
            return {"images": pictures(latents)}

        @_signature(seeds=seeds_spec)
        def generate(seeds):
            latents = draw(seeds)
            return {"images": _in_blocks(pictures, latents), "latents": latents}

        @_signature(seeds=seeds_spec)
        def generate_png(seeds):
            return {"image_bytes": tf.io.encode_png(generate(seeds)["images"])}

        @_signature(seeds_a=seeds_spec, seeds_b=seeds_spec, t=t_spec)
        def between(seeds_a, seeds_b, t):
            return {"images": pictures(interpolate(draw(seeds_a), draw(seeds_b), t, distribution))}

        self.signatures = {
            "serving_default": serving_default,
            "generate": generate,
            "generate_png": generate_png,
            "interpolate": between,
        }
        if discriminator is not None:

            @_signature(images=(list(generator.output_shape[1:]), tf.uint8))
            def score(images):
                return {"logits": discriminator(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False)}

            self.signatures["score"] = score
        self._module, self._graph = tf.Module(), None
        # What is saved: all but the states of dropout, which nothing served draws on.
        models = [model for model in (generator, discriminator) if model is not None]
        self._module.weights = [
            variable.value for model in models for variable in model.variables if "seed_generator" not in variable.path
        ]

    def write(self, path, card: dict | None = None) -> None:
        """Fills the folder `path`, file by file; `card` goes into assets.extra/model_card.json."""
        tf.saved_model.save(self._module, str(path), signatures=self.signatures)
        if card is not None:
            write_card(path, card)

    def write_epoch(self, path: Path, card: dict) -> None:
        """As `write`, again and again: the graph is made the first time only, what changes are the weights.

        There is no fingerprint.pb, which is optional: TensorFlow has no other way to make one than with the graph.
        """
        if self._graph is None:
            self.write(path, card)
            (path / "fingerprint.pb").unlink()
            self._graph = (path / "saved_model.pb").read_bytes()
            return
        (path / "variables").mkdir(parents=True)
        tf.train.Checkpoint(root=self._module).write(str(path / "variables" / "variables"))
        (path / "saved_model.pb").write_bytes(self._graph)
        write_card(path, card)


def write_card(folder: Path, card: dict) -> None:
    extra = folder / "assets.extra"
    extra.mkdir(exist_ok=True)
    text = re.sub(
        r"\[\n\s+([-+.,\w\s]*?)\n\s+\]", lambda row: f"[{' '.join(row[1].split())}]", json.dumps(card, indent=2)
    )
    (extra / "model_card.json").write_text(text + "\n", encoding="utf-8")  # rows of numbers on one line


def _signature(**inputs):
    """A tf.function with named inputs, each ([shape of one example], dtype)."""
    specs = [tf.TensorSpec([None, *shape], dtype, name=name) for name, (shape, dtype) in inputs.items()]
    return tf.function(input_signature=specs, autograph=False)


def _in_blocks(pictures, latents):
    """Images of latents [N, Z], by BLOCK latents at a time, so that a picture does not depend on its batch."""
    count, latent_dim = tf.shape(latents)[0], latents.shape[1]
    blocks = -(-count // BLOCK)
    padded = tf.pad(latents, [[0, blocks * BLOCK - count], [0, 0]])
    images = tf.map_fn(
        pictures,
        tf.reshape(padded, [blocks, BLOCK, latent_dim]),
        parallel_iterations=1,
        fn_output_signature=tf.uint8,
    )  # [blocks, BLOCK, H, W, C]
    return tf.reshape(images, [-1, *images.shape[2:]])[:count]
