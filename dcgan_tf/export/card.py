"""The model card: what a served generator is, for people and programs; written as model_card.json."""

from dcgan_tf.common.versions import versions


def model_card(name: str, epoch: int | None, settings: dict | None, distribution: str, generator, signatures) -> dict:
    """What there is to know of a generator that is about to be served, as plain values for JSON.

    settings: of the run that trained it, as config.json holds them; None where nothing is known.
    signatures: tf.functions by name, as `SavedModelWriter` has them.
    """
    settings = settings or {}
    latent_dim, image_shape = generator.input_shape[-1], list(generator.output_shape[1:])
    data = settings.get("data") or {}
    return {
        "name": name,
        "preset": (settings.get("preset") or {}).get("name"),
        "data": {key: data.get(key) for key in ("name", "images", "image_shape")} if data else None,
        "epoch": epoch,
        "latents": {"size": latent_dim, "distribution": distribution},
        "images": {"height": image_shape[0], "width": image_shape[1], "channels": image_shape[2]},
        "versions": {"trained_with": settings.get("versions"), "exported_with": versions()},
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
