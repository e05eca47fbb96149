"""Changes nets to fit a run (logits or a gain at the end, the run's precision), and refuses nets of other shapes."""

import math

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import shape_text
from dcgan_tf.nets.conditional import inputs_of

layers = keras.layers
_GAIN_NAME_ENDINGS = ("_gain", "_cut_off")  # `without_gain` knows the two layers of `with_gain` by these.


def as_logits(discriminator: keras.Sequential, path) -> tuple[keras.Sequential, bool]:
    """Returns a discriminator whose output is logits [N, 1], and whether the given one had to be changed for that.

    A sigmoid at the end is removed, and an output [N, 1, 1, 1] is flattened; the weights are kept. A net that already
    gives [N, 1] without a sigmoid is returned as it is.

    Raises:
        UserError: the net does not give one number per image. The message names `path`, the file of the net.
    """
    shape = discriminator.output_shape[1:]
    if None in shape or math.prod(shape) != 1:
        raise UserError(
            f"{printable(path)}: gives {shape_text(shape)} numbers per image, not one; give --discriminator another net"
        )
    reshaping = (layers.Flatten, layers.Reshape)
    last = next((layer for layer in reversed(discriminator.layers) if not isinstance(layer, reshaping)), None)
    ends_in_sigmoid = getattr(last, "activation", None) is keras.activations.sigmoid
    if not ends_in_sigmoid and len(shape) == 1:
        return discriminator, False

    def settings(layer):
        return {"activation": "linear"} if layer is last and ends_in_sigmoid else {}

    logits = _clone(discriminator, settings)
    if len(shape) != 1:
        logits.add(layers.Flatten(name=f"{logits.layers[-1].name}_flat"))
    return logits, True


def with_gain(generator: keras.Sequential, gain: float) -> keras.Sequential:
    """Returns a clone whose images are those of the generator times `gain`, clipped to -1..1."""
    clone = copy_of(generator)
    last = clone.layers[-1].name  # A name that Keras makes up may be that of a loaded layer already.
    clone.add(layers.Rescaling(gain, name=last + _GAIN_NAME_ENDINGS[0]))
    clone.add(layers.Activation("hard_tanh", name=last + _GAIN_NAME_ENDINGS[1]))
    return clone


def without_gain(generator: keras.Sequential) -> keras.Sequential:
    """Returns the generator as it was trained: without the layers of `with_gain`, if it has them."""
    ends = [layer.name.endswith(name) for layer, name in zip(generator.layers[-2:], _GAIN_NAME_ENDINGS)]
    if ends == [True, True]:
        generator = copy_of(generator)
        generator.pop()
        generator.pop()
    return generator


def with_dtype(model: keras.Model, policy: str) -> keras.Model:
    """Returns a clone that computes under a dtype policy: "float32", "mixed_bfloat16" or "mixed_float16".

    Its weights are equal, and float32 under each policy. Its last layer computes in float32, so that pixels and logits
    are float32. The states of random layers are copied too.
    """
    last = model.layers[-1].name
    return _clone(model, lambda layer: {"dtype": "float32" if layer.name == last else policy})


def in_dtype(model: keras.Model, policy: str) -> keras.Model:
    """The model itself where it computes under the policy already, else `with_dtype`, which takes as long as building it."""
    *before, last = model.layers
    policies = {layer.dtype_policy.name for layer in before} | {policy}
    return model if policies == {policy} and last.dtype_policy.name == "float32" else with_dtype(model, policy)


def copy_of(model: keras.Model) -> keras.Model:
    """Returns a clone with equal weights and equal states of random layers."""
    return _clone(model, lambda layer: {})


def _clone(model, settings):
    """Returns a clone with equal variables, random states included. `settings(layer)` gives the settings to change."""

    def clone_layer(layer):
        return type(layer).from_config(layer.get_config() | settings(layer))

    clone = keras.models.clone_model(model, clone_function=clone_layer)
    for new, old in zip(clone.variables, model.variables, strict=True):
        new.assign(old)
    return clone


def check_generator(model: keras.Model, path, image_shape=None):
    """Refuses a net that does not make images of `image_shape` from latents [N, latent_dim], and a label where it draws
    classes.

    image_shape: (H, W, C), or None where any will do.

    Raises:
        UserError: the message names `path`, the file of the net.
    """
    try:
        inputs_of(model)
    except UserError as error:
        raise UserError(f"{printable(path)}: {error}") from error
    if len(model.outputs) != 1:
        raise UserError(
            f"{printable(path)}: gives {len(model.outputs)} things, not images alone; give the file of a generator"
        )
    gives = model.output_shape[1:]
    if len(gives) != 3 or None in gives:
        raise UserError(f"{printable(path)}: gives {shape_text(gives)}, not images; give the file of a generator")
    if image_shape is not None and gives != tuple(image_shape):
        raise UserError(
            f"{printable(path)}: makes images of {shape_text(gives)}, but the images here are {shape_text(image_shape)}; "
            "give --generator a net for these images, or change --image-size"
        )


def check_discriminator(model: keras.Model, path, image_shape, packing: int = 1):
    """Refuses a net that does not take images of `image_shape` (H, W, C).

    packing: how many images the net takes at once, one behind the other in its channels.

    Raises:
        UserError: the message names `path`, the file of the net.
    """
    takes = model.input_shape[1:]
    *size, channels = image_shape
    if takes != (*size, packing * channels):
        packs = f" in packs of {packing}" if packing > 1 else ""
        raise UserError(
            f"{printable(path)}: takes images of {shape_text(takes)}, but the images here are "
            f"{shape_text(image_shape)}{packs}; "
            "give --discriminator a net for these images, or change --image-size"
        )
