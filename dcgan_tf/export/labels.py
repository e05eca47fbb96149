"""Labels out of range, which an exported net refuses by itself: for whoever asks it, there is no other check.

Without that, a net draws something all the same: its embedding counts a negative number from the end, and a one-hot
vector of a number that is no class is all zeros.
"""

from dcgan_tf.common.backend import tf

CONVERTED_CHECK = "labels_in_range"  # the operation of `out_of_bounds_beyond` that fails


def words_of_range(classes: int) -> str:
    return f"labels must be from 0 to {classes - 1}"


def refused_beyond(labels, classes: int):
    """Labels int32 [N] as they are. Where one is out of range, the graph fails with INVALID_ARGUMENT and says the range."""
    are_classes = tf.reduce_all((labels >= 0) & (labels < classes))
    with tf.control_dependencies([tf.Assert(are_classes, [words_of_range(classes)])]):
        return tf.identity(labels)


def out_of_bounds_beyond(labels, classes: int):
    """Labels int32 [N] as they are. Where one is out of range, a lookup fails: ONNX and LiteRT have no assertions.

    A negative number would count from the end, so that the lookup is made beyond the end for it, too.
    """
    places = tf.where(labels < 0, classes, labels)
    return tf.gather(tf.range(classes), places, name=CONVERTED_CHECK)
