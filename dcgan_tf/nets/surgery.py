"""Nets made to fit a run: logits at the end, or a gain, the run's precision, the images' shape."""

import math

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import shape_text

layers = keras.layers
_GAIN_NAMES = ("_gain", "_cut_off")  # how those of the two layers end


def as_logits(discriminator: keras.Sequential, path) -> tuple[keras.Sequential, bool]:
    """The discriminator with logits [N, 1] as its output, and whether it had to be changed for that.

    A sigmoid at its end is taken away, and an output [N, 1, 1, 1] flattened; the weights are kept. A net that already
    gives [N, 1] without a sigmoid is returned as it is.

    Raises:
        UserError: the net does not give one number per image; it names `path`, where the net is from.
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
    """A clone whose images are those of the generator times `gain`, cut off at -1 and 1."""
    clone = copy_of(generator)
    last = clone.layers[-1].name  # a loaded net has names that Keras knows nothing of
    clone.add(layers.Rescaling(gain, name=last + _GAIN_NAMES[0]))
    clone.add(layers.Activation("hard_tanh", name=last + _GAIN_NAMES[1]))
    return clone


def without_gain(generator: keras.Sequential) -> keras.Sequential:
    """The generator as it was trained: less what `with_gain` adds, if it is there."""
    ends = [layer.name.endswith(name) for layer, name in zip(generator.layers[-2:], _GAIN_NAMES)]
    if ends == [True, True]:
        generator = copy_of(generator)
        generator.pop()
        generator.pop()
    return generator


def with_dtype(model: keras.Model, policy: str) -> keras.Model:
    """A clone that computes under a dtype policy ("float32", "mixed_bfloat16", "mixed_float16"), with equal weights.

    Weights are float32 under each of these. The last layer computes in float32, so that pixels and logits are float32.
    The states of random layers are copied too.
    """
    last = model.layers[-1].name
    return _clone(model, lambda layer: {"dtype": "float32" if layer.name == last else policy})


def copy_of(model: keras.Model) -> keras.Model:
    """A clone with equal weights and random states."""
    return _clone(model, lambda layer: {})


def _clone(model, settings):
    """A clone in which `settings(layer)` replaces part of a layer's settings; weights and random states are equal."""

    def clone_layer(layer):
        return type(layer).from_config(layer.get_config() | settings(layer))

    clone = keras.models.clone_model(model, clone_function=clone_layer)
    for new, old in zip(clone.variables, model.variables, strict=True):
        new.assign(old)
    return clone


def check_generator(model: keras.Model, path, image_shape=None):
    """Refuses a net that does not make images of `image_shape` (H, W, C; None: of any) from latents [N, latent_dim].

    Raises:
        UserError: it names `path`, where the net is from.
    """
    takes, gives = model.input_shape[1:], model.output_shape[1:]
    if len(takes) != 1 or None in takes:
        raise UserError(
            f"{printable(path)}: takes {shape_text(takes)}, not a row of latents; give the file of a generator"
        )
    if len(gives) != 3 or None in gives:
        raise UserError(f"{printable(path)}: gives {shape_text(gives)}, not images; give the file of a generator")
    if image_shape is not None and gives != tuple(image_shape):
        raise UserError(
            f"{printable(path)}: makes images of {shape_text(gives)}, but the images here are {shape_text(image_shape)}; "
            "give --generator a net for these images, or change --image-size"
        )


def check_discriminator(model: keras.Model, path, image_shape, packing: int = 1):
    """Refuses a net that does not take images of `image_shape` (H, W, C), `packing` of them in its channels.

    Raises:
        UserError: it names `path`, where the net is from.
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
