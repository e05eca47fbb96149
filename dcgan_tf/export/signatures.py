"""The serving signatures, stated once: what each takes and gives, an example request, and what it is verified with.

`savedmodel` compiles a function for each row, `card` writes the rows into model_card.json, and `verify` runs them. To
add a signature, add its row here, its function of the same name in `savedmodel`, and what Keras answers in `verify`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

VERIFIED_SEEDS = range(1, 17)  # Every signature is verified with the pictures of these seeds.


@dataclass(frozen=True, eq=False)
class Tensor:
    """An input or output of a signature. A request of N examples holds it as [N, *shape], so that a server may batch.

    name           its name in requests and answers
    dtype          TensorFlow's name of the type
    shape          the shape of one example, () where that is one number
    values         what the numbers mean, in the words of model_card.json
    example        its value in an example request
    verified_with  its value when an export is verified; None where the nets make it from VERIFIED_SEEDS
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    values: str
    example: list | str | None = None
    verified_with: Sequence | None = None


@dataclass(frozen=True)
class Score:
    """What a discriminator takes and gives beside images and their logits.

    takes_labels  whether it judges an image by its class
    told_classes  how many classes it tells apart, too; 0 where it tells none
    """

    takes_labels: bool = False
    told_classes: int = 0


@dataclass(frozen=True, eq=False)
class Signature:
    """A function that a server offers under `name`, with named inputs and outputs."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def example_request(self) -> dict:
        """The body for POST /v1/models/<model>:predict."""
        return {"signature_name": self.name, "inputs": {tensor.name: tensor.example for tensor in self.inputs}}

    def verified_inputs(self, made: dict) -> dict[str, np.ndarray]:
        """The inputs to verify with, by name. made: those that the nets make from VERIFIED_SEEDS, by name."""
        return {
            tensor.name: made[tensor.name]
            if tensor.verified_with is None
            else np.array(tensor.verified_with, tensor.dtype)
            for tensor in self.inputs
        }


def serving_signatures(
    latent_dim: int, image_shape, distribution: str, score: Score | None = None, classes: int = 0
) -> dict[str, Signature]:
    """The signatures of a generator, by name.

    image_shape: (H, W, C). distribution: of the latents, "normal" or "uniform". score: of the discriminator that goes
    along, which adds `score`; None without one. classes: how many the generator draws, which adds an input `labels` to all
    that draws; 0 where it takes no label.
    """
    z, hwc = (latent_dim,), tuple(image_shape)
    drawn = "standard normal" if distribution == "normal" else "uniform in -1..1"
    pixels = f"[[[[0, ...], ...], ...]] of shape {[1, *hwc]}"  # An image is too long to write out.
    labels_verified = np.arange(len(VERIFIED_SEEDS)) % max(classes, 1)
    reversed_seeds, from_0_to_1 = VERIFIED_SEEDS[::-1], np.linspace(0, 1, len(VERIFIED_SEEDS))
    class_words = f"0..{classes - 1}, the class; any other is refused"
    told = (score.told_classes if score else 0,)
    # fmt: off
    #                 name           dtype      shape  values                    example               verified with
    latents = Tensor("latents",     "float32", z,     drawn,                    [[0.0] * latent_dim], None)
    images  = Tensor("images",      "uint8",   hwc,   "0..255",                 pixels,               None)
    seeds   = Tensor("seeds",       "int32",   (),    "any",                    [1, 2],               VERIFIED_SEEDS)
    seeds_a = Tensor("seeds_a",     "int32",   (),    "any",                    [1],                  VERIFIED_SEEDS)
    seeds_b = Tensor("seeds_b",     "int32",   (),    "any",                    [2],                  reversed_seeds)
    t       = Tensor("t",           "float32", (),    "0..1, clipped",          [0.5],                from_0_to_1)
    label   = Tensor("labels",      "int32",   (),    class_words,              [0],                  labels_verified)
    two     = replace(label, example=[0, 1])
    png     = Tensor("image_bytes", "string",  (),    "PNG files")
    logits  = Tensor("logits",      "float32", (1,),  "log-odds of being real")
    of_each = Tensor("class_logits", "float32", told, "one for each class; their softmax is how likely it is")

    one, pair = ((label,), (two,)) if classes else ((), ())
    judged = (label,) if score and score.takes_labels else ()
    verdict = (logits, of_each) if score and score.told_classes else (logits,)

    rows = [
        #          name               inputs                       outputs
        Signature("serving_default", (latents, *one),             (images,)),
        Signature("generate",        (seeds, *pair),              (images, latents)),
        Signature("generate_png",    (seeds, *pair),              (png,)),
        Signature("interpolate",     (seeds_a, seeds_b, t, *one), (images,)),
        Signature("score",           (images, *judged),           verdict),
    ]
    # fmt: on
    return {row.name: row for row in rows if score or row.name != "score"}


def converted_signatures(signatures: dict[str, Signature], takes: str) -> dict[str, Signature]:
    """The only signature of an ONNX or LiteRT file, by name.

    signatures: those of the SavedModel. takes: "seeds" for its `generate`; "latents" for its `serving_default`, with
    floats in place of pixels.
    """
    if takes == "seeds":
        return {"generate": signatures["generate"]}
    default = signatures["serving_default"]
    floats = replace(
        default.outputs[0], dtype="float32", values="-1..1; a pixel is round(x * 127.5 + 127.5), cut to 0..255"
    )
    return {"serving_default": replace(default, outputs=(floats,))}
