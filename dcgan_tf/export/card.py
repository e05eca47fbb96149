"""The model card: what a served generator is, for people and programs; written as model_card.json."""

from dcgan_tf.common.versions import versions
from dcgan_tf.config.settings import Settings
from dcgan_tf.export.signatures import Signature, Tensor
from dcgan_tf.generators.classes import said_names
from dcgan_tf.nets.conditional import inputs_of


def model_card(
    name: str,
    epoch: int | None,
    settings: Settings | None,
    distribution: str,
    generator,
    signatures: dict[str, Signature],
) -> dict:
    """The model card of a generator, as plain values for JSON.

    settings: of the run that trained it; None where nothing is known.
    distribution: of the latents, "normal" or "uniform".
    signatures: those that the generator is served with, by name.
    """
    height, width, channels = generator.output_shape[1:]
    takes = inputs_of(generator)
    data = settings and settings.data
    labels = {"labels": {"classes": takes.classes}} if takes.classes else {}
    names = label_names(settings, takes.classes)
    return {
        "name": name,
        "preset": settings and settings.preset.name,
        "data": data and {"name": data.name, "images": data.images, "image_shape": list(data.image_shape)},
        "epoch": epoch,
        "latents": {"size": takes.latent_dim, "distribution": distribution},
        **labels,
        **({"label_names": names} if names else {}),
        "images": {"height": height, "width": width, "channels": channels},
        "versions": {"trained_with": settings and settings.versions, "exported_with": versions()},
        "signatures": {
            name: {
                "inputs": _described(signature.inputs),
                "outputs": _described(signature.outputs),
                "example": signature.example_request(),
            }
            for name, signature in signatures.items()
        },
    }


def label_names(settings: Settings | None, classes: int) -> list[str]:
    """The names of the classes 0, 1, ... that a generator draws; [] where the run that trained it tells none, or not as many."""
    return list(said_names(settings and settings.data.class_names, classes))


def _described(tensors: tuple[Tensor, ...]) -> dict:
    return {
        tensor.name: {"dtype": tensor.dtype, "shape": ["N", *tensor.shape], "values": tensor.values}
        for tensor in sorted(tensors, key=lambda tensor: tensor.name)
    }
