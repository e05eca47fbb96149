"""What a net of classes takes over from one that knows none: all weights but those that have to do with the class."""

from dcgan_tf.common.backend import keras
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.presets import CLASS_EMBEDDING_DIM
from dcgan_tf.nets.calls import calls_of

layers = keras.layers
CLASS_LOGITS = "class_logits"  # The layer of an auxiliary classifier.
_SCALE_AND_SHIFT = {"gamma", "beta"}  # Of a batch normalization; those of a class take their place.


def take_over(net: keras.Model, old: keras.Model, path) -> str:
    """Gives a new net of classes, see `nets.build`, the weights of a net that is alike but knows no classes.

    Where the first layer of `net` takes an embedding of the class behind the latents, the weights of the latents are taken.
    path: of the file of `old`, for messages. Returns what was taken over, in words.

    Raises:
        UserError: the two are not alike.
    """
    new_layers, old_layers = _with_weights(net), _with_weights(old)
    # An auxiliary classifier is one layer more, which the computation comes to last or next to last.
    new_layers = [layer for layer in new_layers if layer.name != CLASS_LOGITS]
    pairs = list(zip(new_layers, old_layers))
    added = [CLASS_EMBEDDING_DIM] + [0] * len(pairs)  # The first layer of a generator takes so many numbers more.
    if len(new_layers) != len(old_layers) or not all(map(_are_alike, new_layers, old_layers, added)):
        raise UserError(
            f"{printable(path)}: knows no classes, and is not the {net.name} of this run without them, of which the weights "
            "could be taken over: leave it out, or give its --preset"
        )
    lost = {name for new, before in pairs for name in _assign(new, before)}
    rest = "; new are the weights of the class"
    if lost:
        rest += " and the scales and shifts of the batch normalizations"
    return f"{printable(path)} knows no classes: the weights of its {len(pairs)} layers are taken over{rest}"


def _with_weights(net: keras.Model) -> list:
    found = [
        call.layer
        for call in calls_of(net).calls
        if call.layer.weights and not isinstance(call.layer, layers.Embedding)
    ]
    return [layer for layer in found if any("seed_generator" not in weight.path for weight in layer.weights)]


def _are_alike(new, old, added: int) -> bool:
    """Whether two layers have the same weights, but for the scale and the shift that the new one may be without, and the
    `added` inputs that it may have."""
    own, before = _by_name(new), _by_name(old)
    if type(new) is not type(old) or not before.keys() - _SCALE_AND_SHIFT <= own.keys() <= before.keys():
        return False
    return all(_fits(weight.shape, before[name].shape, added) for name, weight in own.items())


def _fits(new: tuple, old: tuple, added: int) -> bool:
    return len(new) == len(old) and [a - b for a, b in zip(new, old) if a != b] in ([], [added])


def _assign(new, old) -> set[str]:
    """Gives a layer the weights of another; returns the names of those that it has no place for."""
    own, before = _by_name(new), _by_name(old)
    for name, weight in own.items():
        value = weight.numpy()
        value[tuple(slice(size) for size in before[name].shape)] = before[name].numpy()
        weight.assign(value)
    return before.keys() - own.keys()


def _by_name(layer) -> dict:
    return {weight.name: weight for weight in layer.weights if "seed_generator" not in weight.path}
