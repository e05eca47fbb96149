"""The model card: what a served generator is, for people and programs; written as model_card.json."""

from dcgan_tf.common.versions import versions
from dcgan_tf.config.settings import Settings


def model_card(
    name: str, epoch: int | None, settings: Settings | None, distribution: str, generator, signatures
) -> dict:
    """What there is to know of a generator that is about to be served, as plain values for JSON.

    settings: of the run that trained it; None where nothing is known.
    signatures: tf.functions by name, as `SavedModelWriter` has them.
    """
    data = settings and settings.data
    latent_dim, image_shape = generator.input_shape[-1], list(generator.output_shape[1:])
    return {
        "name": name,
        "preset": settings and settings.preset.name,
        "data": settings and {"name": data.name, "images": data.images, "image_shape": list(data.image_shape)},
        "epoch": epoch,
        "latents": {"size": latent_dim, "distribution": distribution},
        "images": {"height": image_shape[0], "width": image_shape[1], "channels": image_shape[2]},
        "versions": {"trained_with": settings and settings.versions, "exported_with": versions()},
        "signatures": {
            name: {
                "inputs": _tensors({spec.name: spec for spec in function.structured_input_signature[0]}, distribution),
                "outputs": _tensors(function.structured_outputs, distribution),
                "example": {"signature_name": name, "inputs": _EXAMPLES[name](latent_dim, image_shape)},
            }
            for name, function in ((name, function.get_concrete_function()) for name, function in signatures.items())
        },
    }


def _tensors(specs, distribution: str) -> dict:
    values = {
        "latents": "standard normal" if distribution == "normal" else "uniform in -1..1",
        "images": "0..255",
        "seeds": "any",
        "seeds_a": "any",
        "seeds_b": "any",
        "t": "0..1, clipped",
        "image_bytes": "PNG files",
        "logits": "log-odds of being real",
    }
    return {
        name: {"dtype": spec.dtype.name, "shape": ["N", *spec.shape[1:]], "values": values[name]}
        for name, spec in sorted(specs.items())
    }


# What to send to POST /v1/models/<name>:predict; an image is too long to write out.
_EXAMPLES = {
    "serving_default": lambda latent_dim, shape: {"latents": [[0.0] * latent_dim]},
    "generate": lambda latent_dim, shape: {"seeds": [1, 2]},
    "generate_png": lambda latent_dim, shape: {"seeds": [1, 2]},
    "interpolate": lambda latent_dim, shape: {"seeds_a": [1], "seeds_b": [2], "t": [0.5]},
    "score": lambda latent_dim, shape: {"images": f"[[[[0, ...], ...], ...]] of shape {[1, *shape]}"},
}
