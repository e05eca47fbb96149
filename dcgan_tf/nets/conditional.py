"""Which input of a generator takes the latents, and which the class, in nets that draw one of several classes.

People have built these nets in a few ways: an Embedding of the class number that is multiplied with the latents (as in
ACGAN, arXiv:1610.09585) or concatenated as one more channel, or a one-hot vector beside the latents (arXiv:1411.1784).
The inputs come in either order, so they are told by what they go into, then by their names, then by their sizes.
"""

import math
import re
from dataclasses import dataclass

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.common.text import shape_text

layers = keras.layers

_NAMES_OF_LABELS = re.compile(r"label|class|cond|one_?hot|digit|categor|^y(_|$)", re.IGNORECASE)
_NAMES_OF_LATENTS = re.compile(r"noise|latent|random|^z(_|$)", re.IGNORECASE)
_PASSED_OVER = (layers.Reshape, layers.Flatten, layers.Identity, layers.Activation)
NEEDED = "give the file of a generator, which takes a row of latents, and a label where it draws classes"


@dataclass(frozen=True)
class Inputs:
    """What a generator takes.

    latent_dim  how many latents
    classes     how many classes it draws; 0 where it takes no label
    latents, labels  the places of the two among the net's inputs; of a discriminator, that of the images is under
                     latents. labels: None where it takes none
    is_one_hot  whether labels are vectors with a 1 at the class, not numbers
    """

    latent_dim: int
    classes: int = 0
    latents: int = 0
    labels: int | None = None
    is_one_hot: bool = False

    def specs(self) -> list[tf.TensorSpec]:
        """What a compiled function that draws takes: latents [N, Z], and labels [N] where there are classes."""
        latents = tf.TensorSpec([None, self.latent_dim], tf.float32, name="latents")
        return [latents, tf.TensorSpec([None], tf.int32, name="labels")] if self.classes else [latents]

    def arguments(self, net: keras.Model, latents, labels=None):
        """What the net is called with. latents: float32 [N, Z]; of a discriminator, images. labels: int32 [N], 0 to
        classes - 1, or None."""
        if self.labels is None:
            return latents
        tensor = net.inputs[self.labels]
        if self.is_one_hot:
            given = tf.one_hot(labels, self.classes, dtype=tensor.dtype)
        else:
            given = tf.reshape(labels, [-1, *tensor.shape[1:]])
        latents = tf.convert_to_tensor(latents)
        return [latents, given] if self.latents < self.labels else [given, latents]


def inputs_of(net: keras.Model) -> Inputs:
    """What a generator takes.

    Raises:
        UserError: something else than a row of latents, or that and a label; the message is to be put after its name.
    """
    shapes = [tuple(tensor.shape[1:]) for tensor in net.inputs]
    if is_discriminator(net):
        raise UserError(
            f"is a discriminator: takes {shape_text(shapes[0])} and gives one number; give the file of a generator"
        )
    if len(shapes) == 1:
        return Inputs(_width(shapes[0]))
    if len(shapes) != 2:
        raise UserError(f"takes {len(shapes)} inputs, {'; '.join(map(_shown, shapes))}: {NEEDED}")
    counts = [_classes_of_numbers(net, tensor) for tensor in net.inputs]
    if sum(count is not None for count in counts) == 1:
        labels = 0 if counts[0] is not None else 1
        return Inputs(_width(shapes[1 - labels]), counts[labels], 1 - labels, labels)
    labels = _place_of_one_hot([tensor.name for tensor in net.inputs], shapes)
    classes = _width(shapes[labels])
    if classes < 2:
        raise UserError(
            f"takes two inputs, {' and '.join(map(_shown, shapes))}, and the number of classes is not told by an "
            f"Embedding or a one-hot input: {NEEDED}"
        )
    return Inputs(_width(shapes[1 - labels]), classes, 1 - labels, labels, is_one_hot=True)


def discriminator_inputs_of(net: keras.Model) -> Inputs:
    """What a discriminator takes: images, or images and labels.

    Raises:
        UserError: something else; the message is to be put after its name.
    """
    shapes = [tuple(tensor.shape[1:]) for tensor in net.inputs]
    images = [place for place, shape in enumerate(shapes) if len(shape) == 3]
    if len(shapes) > 2 or len(images) != 1:
        raise UserError(
            f"takes {' and '.join(map(_shown, shapes))}, not an image, or an image and a label: give the file of a "
            "discriminator"
        )
    [place] = images
    if len(shapes) == 1:
        return Inputs(0)
    classes = _classes_of_numbers(net, net.inputs[1 - place])
    if classes is not None:
        return Inputs(0, classes, place, 1 - place)
    return Inputs(0, _width(shapes[1 - place]), place, 1 - place, is_one_hot=True)


def is_discriminator(net: keras.Model) -> bool:
    """Whether a net takes an image first, and says one number of it."""
    takes, gives = net.inputs[0].shape[1:], [tensor.shape[1:] for tensor in net.outputs]
    return len(takes) == 3 and len(gives) == 1 and math.prod(size or 0 for size in gives[0]) == 1


def _shown(shape: tuple) -> str:
    return shape_text(shape) or "a number"


def _width(shape: tuple) -> int:
    if len(shape) != 1 or None in shape:
        raise UserError(f"takes {_shown(shape)}, not a row of latents; give the file of a generator")
    return shape[0]


def _classes_of_numbers(net: keras.Model, tensor) -> int | None:
    """Of an input that takes one class number: how many there are, by the Embedding it goes into; None of any other."""
    if tensor.shape[1:] not in ((), (1,)):
        return None
    while True:
        layer, gives = _first_user(net, tensor)
        if isinstance(layer, layers.Embedding):
            return layer.input_dim
        if isinstance(layer, layers.CategoryEncoding):
            return layer.num_tokens
        if not isinstance(layer, _PASSED_OVER):
            return None
        tensor = gives


def _first_user(net: keras.Model, tensor):
    """(a layer that takes the tensor, what it gives), or (None, None)."""
    for layer in net.layers:
        for node in layer._inbound_nodes:
            if any(taken is tensor for taken in node.input_tensors):
                return layer, node.outputs[0]
    return None, None


def _place_of_one_hot(names: list[str], shapes: list[tuple]) -> int:
    """Which of two inputs the classes are: the one whose name says so, else the narrower, else the second."""
    for pattern, of_labels in ((_NAMES_OF_LABELS, True), (_NAMES_OF_LATENTS, False)):
        found = [place for place, name in enumerate(names) if pattern.search(name)]
        if len(found) == 1:
            return found[0] if of_labels else 1 - found[0]
    widths = [shape[0] if len(shape) == 1 and shape[0] else 0 for shape in shapes]
    return 0 if 0 < widths[0] < widths[1] else 1
