"""A generator of classes called with a weight for each class in place of one label: it draws what lies between classes.

Brock et al. 2019 (arXiv:1809.11096) go from class to class in this way, by the embeddings of the two.
"""

from collections.abc import Callable

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.nets.calls import calls_of
from dcgan_tf.nets.conditional import inputs_of

layers = keras.layers


def mixing(net: keras.Model) -> Callable | None:
    """A function of latents [N, Z] and weights [N, classes], float32, those of an image with a sum of 1, that gives what the
    net gives, outside training.

    Each Embedding of the label gives the mean of its rows by these weights; a net that takes one-hot vectors takes the
    weights as they are. So the weights of one class alone, 1 and else 0, give exactly what its label gives.

    None: the net takes no label, or does something else with its number than to look up a row for it.
    """
    takes = inputs_of(net)
    if not takes.classes:
        return None

    def in_order(latents, weights) -> list:
        return [latents, weights] if takes.latents < takes.labels else [weights, latents]

    if takes.is_one_hot:
        return lambda latents, weights: net(in_order(latents, weights), training=False)
    shapes = _shapes_of_labels(net, takes.labels)
    if shapes is None:
        return None
    calls = calls_of(net)

    def compute(call, values):
        layer, first = call.layer, call.takes[0]
        if call.gives in shapes:  # It gives the labels another shape, in which the weights have no part.
            return values[0]
        if first in shapes:
            return _mean_row(layer, values[0], shapes[first])
        return layer(values if len(values) > 1 else values[0], training=False)

    return lambda latents, weights: calls.run(in_order(latents, weights), compute)


def _shapes_of_labels(net: keras.Model, labels: int) -> dict[int, tuple] | None:
    """The shapes, without the batch axis, of the tensors that hold labels, by the numbers of `Calls`; None where a label goes
    into a layer that does more than to look up a row for it.

    labels: the number of the input that takes them.
    """
    try:
        calls = calls_of(net)
    except UserError:  # A layer is called in an unusual way.
        return None
    shapes = {labels: tuple(net.inputs[labels].shape[1:])}
    for layer, takes, gives in calls.calls:
        if not shapes.keys() & set(takes):
            continue
        if _keeps_labels(layer):
            shapes[gives] = layer.compute_output_shape((None, *shapes[takes[0]]))[1:]
        elif len(takes) > 1 or not _looks_up(layer):
            return None
    return shapes


def _keeps_labels(layer) -> bool:
    is_linear = isinstance(layer, layers.Activation) and layer.activation is keras.activations.linear
    return is_linear or isinstance(layer, layers.Reshape | layers.Flatten | layers.Identity)


def _looks_up(layer) -> bool:
    # With mask_zero, layers that come later see which labels are 0.
    return isinstance(layer, layers.CategoryEncoding) or (isinstance(layer, layers.Embedding) and not layer.mask_zero)


def _mean_row(layer, weights, shape: tuple):
    """What an Embedding or a one-hot encoding makes of labels [N, *shape], one for each image, as the mean by weights [N,
    classes].

    In float64, in which a weight of 1 leaves a row as it is; some accelerators round factors of float32 to 11 bits.
    """
    rows = tf.cast(weights, tf.float64)
    if isinstance(layer, layers.Embedding):
        rows = tf.matmul(rows, tf.cast(layer.embeddings, tf.float64))
    gives = layer.compute_output_shape((None, *shape))[1:]
    return tf.cast(tf.reshape(rows, [-1, *gives]), layer.compute_dtype)
