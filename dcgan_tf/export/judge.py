"""A discriminator that is exported beside its generator, and the only place that calls it, for `score` and its check."""

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.export.signatures import Score
from dcgan_tf.nets.conditional import discriminator_inputs_of


class Judge:
    """Scores images.

    net    takes images in -1..1, and a label where it judges by class; gives logits [N, 1], and class logits where it tells
           the class, too
    score  what its signature takes and gives
    """

    def __init__(self, net: keras.Model):
        self.net = net
        self._takes = discriminator_inputs_of(net)
        tells = net.outputs[1].shape[-1] if len(net.outputs) > 1 else 0
        self.score = Score(bool(self._takes.classes), tells)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return tuple(self.net.inputs[self._takes.latents].shape[1:])

    def __call__(self, images, labels=None) -> dict:
        """The outputs of the signature `score`, by name. images: uint8 [N, H, W, C]. labels: int32 [N], or None where the
        net takes none."""
        signed = tf.cast(images, tf.float32) / 127.5 - 1.0
        outputs = self.net(self._takes.arguments(self.net, signed, labels), training=False)
        return dict(zip(("logits", "class_logits"), outputs if isinstance(outputs, list) else [outputs]))
