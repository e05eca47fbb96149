"""The model card: what a served generator is, for people and programs; written as model_card.json."""

from dcgan_tf.common.versions import versions
from dcgan_tf.export.signatures import Signature, Tensor


def model_card(
    name: str,
    epoch: int | None,
    settings: dict | None,
    distribution: str,
    generator,
    signatures: dict[str, Signature],
) -> dict:
    """The model card of a generator, as plain values for JSON.

    settings: of the run that trained it, as config.json holds them; None where nothing is known.
    distribution: of the latents, "normal" or "uniform".
    signatures: those that the generator is served with, by name.
    """
    settings = settings or {}
    height, width, channels = generator.output_shape[1:]
    data = settings.get("data") or {}
    return {
        "name": name,
        "preset": (settings.get("preset") or {}).get("name"),
        "data": {key: data.get(key) for key in ("name", "images", "image_shape")} if data else None,
        "epoch": epoch,
        "latents": {"size": generator.input_shape[-1], "distribution": distribution},
        "images": {"height": height, "width": width, "channels": channels},
        "versions": {"trained_with": settings.get("versions"), "exported_with": versions()},
        "signatures": {
            name: {
                "inputs": _described(signature.inputs),
                "outputs": _described(signature.outputs),
                "example": signature.example_request(),
            }
            for name, signature in signatures.items()
        },
    }


def _described(tensors: tuple[Tensor, ...]) -> dict:
    return {
        tensor.name: {"dtype": tensor.dtype, "shape": ["N", *tensor.shape], "values": tensor.values}
        for tensor in sorted(tensors, key=lambda tensor: tensor.name)
    }
