"""The generator as a SavedModel that TensorFlow Serving can load, and that needs neither this package nor Keras.

What each signature takes and gives is stated in `signatures`; how it is computed is stated here.
"""

import json
import re
from pathlib import Path

from dcgan_tf.common.backend import tf
from dcgan_tf.export.judge import Judge
from dcgan_tf.export.labels import refused_beyond
from dcgan_tf.export.signatures import Signature, serving_signatures
from dcgan_tf.generators.checks import CARD, card_with_checksums
from dcgan_tf.generators.generator import BLOCK_SIZE
from dcgan_tf.generators.keras_net import picture_function
from dcgan_tf.generators.latents import interpolate, seed_latents
from dcgan_tf.nets.conditional import inputs_of


class SavedModelWriter:
    """Writes a generator's SavedModel, with the weights that it has at that moment.

    It does not use Keras's ExportArchive, which writes every variable twice (Keras 3.15): each epoch would take
    twice the disk.

    signatures: the rows of `export.signatures` that are served, by name.
    functions: the tf.function of each.
    """

    def __init__(self, generator, distribution: str, discriminator: Judge | None = None):
        """generator: with images in -1..1. distribution: of the latents, "normal" or "uniform". discriminator: adds
        `score`."""
        self.signatures = signatures_of(generator, distribution, discriminator)
        self.functions = _functions(self.signatures, generator, distribution, discriminator)
        self._module, self._graph = tf.Module(), None
        # The states of dropout are not saved, because nothing that is served uses them.
        models = [generator, *([discriminator.net] if discriminator else [])]
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


def signatures_of(generator, distribution: str, discriminator: Judge | None) -> dict[str, Signature]:
    """What the two nets are served with, by name."""
    takes, score = inputs_of(generator), discriminator.score if discriminator else None
    return serving_signatures(takes.latent_dim, generator.output_shape[1:], distribution, score, takes.classes)


def _functions(signatures: dict[str, Signature], generator, distribution: str, discriminator: Judge | None) -> dict:
    """A tf.function for each signature, by name. Each becomes one function of the graph, even where others call it."""
    pictures, takes = picture_function(generator), inputs_of(generator)
    latent_dim = takes.latent_dim

    def given(labels) -> tuple:
        return () if labels is None else (refused_beyond(labels, takes.classes),)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="seeds")], autograph=False)
    def draw(seeds):
        return seed_latents(seeds, latent_dim, distribution)

    # labels: None where the generator draws no classes; the signatures have no such input then.
    @_compiled(signatures["serving_default"])
    def serving_default(latents, labels=None):
        return {"images": pictures(latents, *given(labels))}

    @_compiled(signatures["generate"])
    def generate(seeds, labels=None):
        latents = draw(seeds)
        return {"images": _in_blocks(pictures, latents, *given(labels)), "latents": latents}

    @_compiled(signatures["generate_png"])
    def generate_png(seeds, labels=None):
        return {"image_bytes": tf.io.encode_png(generate(seeds, *given(labels))["images"])}

    @_compiled(signatures["interpolate"])
    def between(seeds_a, seeds_b, t, labels=None):
        way = interpolate(draw(seeds_a), draw(seeds_b), t, distribution)
        return {"images": pictures(way, *given(labels))}

    functions = {
        "serving_default": serving_default,
        "generate": generate,
        "generate_png": generate_png,
        "interpolate": between,
    }
    if "score" in signatures:

        @_compiled(signatures["score"])
        def score(images, labels=None):
            return discriminator(images, *given(labels))

        functions["score"] = score
    return functions


def _compiled(signature: Signature):
    """A decorator: the tf.function with the inputs of the signature."""
    specs = [tf.TensorSpec([None, *tensor.shape], tensor.dtype, name=tensor.name) for tensor in signature.inputs]
    return tf.function(input_signature=specs, autograph=False)


def _in_blocks(pictures, latents, *labels):
    """Images of latents [N, Z], and labels [N] where the net takes them, by BLOCK_SIZE latents at a time, so that a picture
    does not depend on its batch."""
    count, latent_dim = tf.shape(latents)[0], latents.shape[1]
    blocks = -(-count // BLOCK_SIZE)
    beyond = blocks * BLOCK_SIZE - count
    inputs = [tf.reshape(tf.pad(latents, [[0, beyond], [0, 0]]), [blocks, BLOCK_SIZE, latent_dim])]
    inputs += [tf.reshape(tf.pad(classes, [[0, beyond]]), [blocks, BLOCK_SIZE]) for classes in labels]
    images = tf.map_fn(
        lambda of_block: pictures(*of_block),
        inputs,
        parallel_iterations=1,
        fn_output_signature=tf.uint8,
    )  # [blocks, BLOCK_SIZE, H, W, C]
    return tf.reshape(images, [-1, *images.shape[2:]])[:count]
