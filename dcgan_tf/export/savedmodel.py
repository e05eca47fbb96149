"""The generator as a SavedModel that TensorFlow Serving can load, and that needs neither this package nor Keras.

What each signature takes and gives is stated in `signatures`; how it is computed is stated here.
"""

import json
import re
from pathlib import Path

from dcgan_tf.common.backend import tf
from dcgan_tf.export.signatures import Signature, serving_signatures
from dcgan_tf.generators.checks import CARD, card_with_checksums
from dcgan_tf.generators.generator import BLOCK_SIZE, picture_function
from dcgan_tf.generators.latents import interpolate, seed_latents


class SavedModelWriter:
    """Writes a generator's SavedModel, with the weights that it has at that moment.

    It does not use Keras's ExportArchive, which writes every variable twice (Keras 3.15): each epoch would take
    twice the disk.

    signatures: the rows of `export.signatures` that are served, by name.
    functions: the tf.function of each.
    """

    def __init__(self, generator, distribution: str, discriminator=None):
        """distribution: of the latents, "normal" or "uniform". discriminator: gives logits; adds `score`."""
        self.signatures = serving_signatures(
            generator.input_shape[-1], generator.output_shape[1:], distribution, scored=discriminator is not None
        )
        self.functions = _functions(self.signatures, generator, distribution, discriminator)
        self._module, self._graph = tf.Module(), None
        # The states of dropout are not saved, because nothing that is served uses them.
        models = [model for model in (generator, discriminator) if model is not None]
        self._module.weights = [
            variable.value for model in models for variable in model.variables if "seed_generator" not in variable.path
        ]

    def write(self, path, card: dict | None = None) -> None:
        """Fills the folder `path`, file by file. card: the model card; None writes none."""
        tf.saved_model.save(self._module, str(path), signatures=self.functions)
        if card is not None:
            write_card(path, card)

    def write_epoch(self, path: Path, card: dict) -> None:
        """Writes the SavedModel of an epoch; faster than `write` from the second time on.

        The graph is made once and written again, since only the weights change. fingerprint.pb, which is optional, is
        left out: TensorFlow makes it together with the graph only.
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
    """Writes assets.extra/model_card.json into a SavedModel's folder, with each row of numbers on one line.

    The checksums of the files that are there are added to it.
    """
    card, path = card_with_checksums(folder, card), Path(folder) / CARD
    path.parent.mkdir(exist_ok=True)
    text = re.sub(
        r"\[\n\s+([-+.,\w\s]*?)\n\s+\]", lambda row: f"[{' '.join(row[1].split())}]", json.dumps(card, indent=2)
    )
    path.write_text(text + "\n", encoding="utf-8")


def _functions(signatures: dict[str, Signature], generator, distribution: str, discriminator) -> dict:
    """A tf.function for each signature, by name. Each becomes one function of the graph, even where others call it."""
    pictures = picture_function(generator)

    @_compiled(signatures["generate"])
    def draw(seeds):
        return seed_latents(seeds, generator.input_shape[-1], distribution)

    @_compiled(signatures["serving_default"])
    def serving_default(latents):
        return {"images": pictures(latents)}

    @_compiled(signatures["generate"])
    def generate(seeds):
        latents = draw(seeds)
        return {"images": _in_blocks(pictures, latents), "latents": latents}

    @_compiled(signatures["generate_png"])
    def generate_png(seeds):
        return {"image_bytes": tf.io.encode_png(generate(seeds)["images"])}

    @_compiled(signatures["interpolate"])
    def between(seeds_a, seeds_b, t):
        return {"images": pictures(interpolate(draw(seeds_a), draw(seeds_b), t, distribution))}

    functions = {
        "serving_default": serving_default,
        "generate": generate,
        "generate_png": generate_png,
        "interpolate": between,
    }
    if "score" in signatures:

        @_compiled(signatures["score"])
        def score(images):
            return {"logits": discriminator(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False)}

        functions["score"] = score
    return functions


def _compiled(signature: Signature):
    """A decorator: the tf.function with the inputs of the signature."""
    specs = [tf.TensorSpec([None, *tensor.shape], tensor.dtype, name=tensor.name) for tensor in signature.inputs]
    return tf.function(input_signature=specs, autograph=False)


def _in_blocks(pictures, latents):
    """Images of latents [N, Z], by BLOCK_SIZE latents at a time, so that a picture does not depend on its batch."""
    count, latent_dim = tf.shape(latents)[0], latents.shape[1]
    blocks = -(-count // BLOCK_SIZE)
    padded = tf.pad(latents, [[0, blocks * BLOCK_SIZE - count], [0, 0]])
    images = tf.map_fn(
        pictures,
        tf.reshape(padded, [blocks, BLOCK_SIZE, latent_dim]),
        parallel_iterations=1,
        fn_output_signature=tf.uint8,
    )  # [blocks, BLOCK_SIZE, H, W, C]
    return tf.reshape(images, [-1, *images.shape[2:]])[:count]
