"""Changes nets to fit a run (logits or a gain at the end, the run's precision), and refuses nets of other shapes."""

import math

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import shape_text
from dcgan_tf.nets.calls import calls_of
from dcgan_tf.nets.conditional import discriminator_inputs_of, inputs_of

layers = keras.layers
_GAIN_NAME_ENDINGS = ("_gain", "_cut_off")  # `without_gain` knows the two layers of `with_gain` by these.


def as_logits(discriminator: keras.Model, path) -> tuple[keras.Model, bool]:
    """Returns a discriminator whose output is logits [N, 1], and whether the given one had to be changed for that. Where it
    also tells the class, its outputs are logits [N, 1] and class logits [N, classes].

    A sigmoid at the end is removed, and a softmax of the class; an output [N, 1, 1, 1] is flattened; the weights are kept. A
    net that already gives [N, 1] without a sigmoid is returned as it is.

    Raises:
        UserError: the net does not give one number per image, and at most the class beside it. The message names `path`, the
            file of the net.
    """
    shapes = [tuple(tensor.shape[1:]) for tensor in discriminator.outputs]
    if None in shapes[0] or math.prod(shapes[0]) != 1:
        raise UserError(
            f"{printable(path)}: gives {shape_text(shapes[0])} numbers per image, not one; give --discriminator another net"
        )
    if len(shapes) > 2 or any(len(shape) != 1 for shape in shapes[1:]):
        raise UserError(
            f"{printable(path)}: gives {len(shapes)} outputs, of which only one number and the class are of use; give "
            "--discriminator another net"
        )
    cut = _without_softmax_layer(discriminator)
    ends = [_last_with_weights(cut, place) for place in range(len(shapes))]
    activations = (keras.activations.sigmoid, keras.activations.softmax)
    found = {last.name for last, end in zip(ends, activations) if getattr(last, "activation", None) is end}
    if not found and len(shapes[0]) == 1:
        return cut, cut is not discriminator
    logits = _clone(cut, lambda layer: _remade(layer, **{"activation": "linear"} if layer.name in found else {}))
    if len(shapes[0]) != 1:
        flatten = layers.Flatten(name=f"{ends[0].name}_flat")
        if len(shapes) == 1:
            return appended(logits, [flatten]), True
        logits = keras.Model(logits.input, [flatten(logits.outputs[0]), logits.outputs[1]], name=logits.name)
    return logits, True


def _without_softmax_layer(discriminator: keras.Model) -> keras.Model:
    """The net itself, or where a layer of softmax gives its second output, one that gives what goes into that."""
    end = _last_with_weights(discriminator, 1) if len(discriminator.outputs) > 1 else None
    if not isinstance(end, layers.Softmax):
        return discriminator
    return keras.Model(discriminator.input, [discriminator.outputs[0], end.input], name=discriminator.name)


def _last_with_weights(net: keras.Model, output: int):
    """The layer that gives an output, before those that only give it another shape."""
    calls = calls_of(net)
    by_tensor, tensor = {call.gives: call for call in calls.calls}, calls.outputs[output]
    while isinstance(by_tensor[tensor].layer, layers.Flatten | layers.Reshape):
        [tensor] = by_tensor[tensor].takes
    return by_tensor[tensor].layer


def appended(net: keras.Model, added: list) -> keras.Model:
    """Returns a net of one output with more layers after it. The layers of `net` are those of the new one, too."""
    if isinstance(net, keras.Sequential):
        return keras.Sequential([keras.Input(net.input_shape[1:]), *net.layers, *added], name=net.name)
    x = net.outputs[0]
    for layer in added:
        x = layer(x)
    return keras.Model(net.input, x, name=net.name)


def with_images_through(discriminator: keras.Model, layer) -> keras.Model:
    """Returns a clone of a net with branches whose images first go through a layer."""
    inputs = [keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name) for tensor in discriminator.inputs]
    given, clones = list(inputs), {}
    place = discriminator_inputs_of(discriminator).latents
    given[place] = layer(inputs[place])

    def compute(call, values):
        if call.layer not in clones:
            clones[call.layer] = _remade(call.layer)
        return clones[call.layer](values if len(values) > 1 else values[0])

    outputs = calls_of(discriminator).run(given if len(given) > 1 else given[0], compute)
    for old, new in clones.items():
        for variable, value in zip(new.variables, old.variables, strict=True):
            variable.assign(value)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=discriminator.name)


def with_gain(generator: keras.Model, gain: float) -> keras.Model:
    """Returns a clone whose images are those of the generator times `gain`, clipped to -1..1."""
    clone = copy_of(generator)
    last = clone.layers[-1].name  # A name that Keras makes up may be that of a loaded layer already.
    rescaling = layers.Rescaling(gain, name=last + _GAIN_NAME_ENDINGS[0])
    return appended(clone, [rescaling, layers.Activation("hard_tanh", name=last + _GAIN_NAME_ENDINGS[1])])


def without_gain(generator: keras.Model) -> keras.Model:
    """Returns the generator as it was trained: without the layers of `with_gain`, if it has them."""
    ends = [layer.name.endswith(name) for layer, name in zip(generator.layers[-2:], _GAIN_NAME_ENDINGS)]
    if ends != [True, True]:
        return generator
    clone = copy_of(generator)
    if isinstance(clone, keras.Sequential):
        clone.pop()
        clone.pop()
        return clone
    return keras.Model(clone.input, clone.layers[-2].input, name=clone.name)


def with_dtype(model: keras.Model, policy: str) -> keras.Model:
    """Returns a clone that computes under a dtype policy: "float32", "mixed_bfloat16" or "mixed_float16".

    Its weights are equal, and float32 under each policy. Its last layers compute in float32, so that pixels and logits
    are float32. The states of random layers are copied too.
    """
    last = _last_layers(model)
    return _clone(model, lambda layer: _remade(layer, dtype="float32" if layer.name in last else policy))


def in_dtype(model: keras.Model, policy: str) -> keras.Model:
    """The model itself where it computes under the policy already, else `with_dtype`, which takes as long as building it."""
    last = _last_layers(model)
    is_so = [
        layer.dtype_policy.name == ("float32" if layer.name in last else policy)
        for layer in model.layers
        if not isinstance(layer, layers.InputLayer)
    ]
    return model if all(is_so) else with_dtype(model, policy)


def _last_layers(model: keras.Model) -> set[str]:
    """The names of the layers that give the outputs; where such a one adds several logits, also of those that give these."""
    if isinstance(model, keras.Sequential):
        return {model.layers[-1].name}
    last, calls = set(), {call.gives: call for call in calls_of(model).calls}
    waiting = list(calls_of(model).outputs)
    while waiting:
        call = calls[waiting.pop()]
        last.add(call.layer.name)
        waiting += call.takes if isinstance(call.layer, layers.Add) else ()
    return last


def copy_of(model: keras.Model) -> keras.Model:
    """Returns a clone with equal weights and equal states of random layers."""
    return _clone(model, _remade)


def _remade(layer, **changes):
    """A new layer with the settings of another, but for the changes."""
    return type(layer).from_config(layer.get_config() | changes)


def _clone(model, remade):
    """Returns a clone with equal variables, random states included. `remade(layer)` makes each of its layers."""
    clone = keras.models.clone_model(model, clone_function=remade)
    for new, old in zip(clone.variables, model.variables, strict=True):
        new.assign(old)
    return clone


def check_generator(model: keras.Model, path, image_shape=None, classes: int | None = None):
    """Refuses a net that does not make images of `image_shape` from latents [N, latent_dim], and a label where it draws
    classes.

    image_shape: (H, W, C), or None where any will do. classes: how many it is to draw; None where any will do.

    Raises:
        UserError: the message names `path`, the file of the net.
    """
    try:
        takes = inputs_of(model)
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
    if classes is not None:
        _check_classes(path, "draws", takes.classes, classes)


def check_discriminator(model: keras.Model, path, image_shape, packing: int = 1, classes: int | None = None):
    """Refuses a net that does not take images of `image_shape` (H, W, C).

    packing: how many images the net takes at once, one behind the other in its channels. classes: how many it is to know;
    None where any will do.

    Raises:
        UserError: the message names `path`, the file of the net.
    """
    try:
        inputs = discriminator_inputs_of(model)
    except UserError as error:
        raise UserError(f"{printable(path)}: {error}") from error
    takes = tuple(model.inputs[inputs.latents].shape[1:])
    *size, channels = image_shape
    if takes != (*size, packing * channels):
        packs = f" in packs of {packing}" if packing > 1 else ""
        raise UserError(
            f"{printable(path)}: takes images of {shape_text(takes)}, but the images here are "
            f"{shape_text(image_shape)}{packs}; "
            "give --discriminator a net for these images, or change --image-size"
        )
    if classes is not None:
        _check_classes(path, "knows", known_classes(model), classes)


def known_classes(discriminator: keras.Model) -> int:
    """How many classes a discriminator takes or tells; 0: none."""
    told = discriminator.outputs[1].shape[-1] if len(discriminator.outputs) > 1 else 0
    return discriminator_inputs_of(discriminator).classes or told


def _check_classes(path, verb: str, there: int, wanted: int) -> None:
    if there == wanted:
        return
    if not wanted:
        raise UserError(
            f"{printable(path)}: {verb} {there} classes: give --conditional on, too, and images with classes"
        )
    raise UserError(f"{printable(path)}: {verb} {there or 'no'} classes, but the images here are of {wanted}")
