"""What one step trains on."""

from typing import NamedTuple

from dcgan_tf.gan.replicas import Part


class Batch(NamedTuple):
    """The images of one step that one replica works on.

    images  [N, H, W, C] float32 in -1..1
    labels  [N] int32, the class of each image; None where the nets know none. Fakes are asked for the same classes
    step    int64 scalar, the number of updates done before this one
    part    which part of the whole batch the images are
    """

    images: object
    labels: object
    step: object
    part: Part
