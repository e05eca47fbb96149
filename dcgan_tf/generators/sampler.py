"""The net that makes the pictures of a run in training, and that each epoch saves."""

from collections.abc import Sequence

import numpy as np

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.gan.randomness import STATISTICS, draw_latents, key
from dcgan_tf.gan.step import GAN
from dcgan_tf.generators.keras_net import picture_function
from dcgan_tf.generators.shares import classes_at
from dcgan_tf.nets.calls import calls_of
from dcgan_tf.nets.conditional import inputs_of
from dcgan_tf.nets.surgery import copy_of

STATISTICS_BATCHES, STATISTICS_BATCH_SIZE = 8, 64


class Sampler:
    """The generator, or the moving average of its weights with batch-norm statistics of its own.

    Averaged weights need statistics that are measured with these weights. The moving averages of the generator's
    statistics do not fit: the weights swing from step to step, each generator's activations carry that swing, and the
    averaged net, in which it cancels out, has others. So the statistics are measured over 512 images whenever the net
    is asked for (Izmailov et al. 2018, arXiv:1803.05407, "batch normalization update"; Brock et al. 2019,
    arXiv:1809.11096, "standing statistics"). Training does not use them, and no checkpoint holds them: they follow from
    the weights and the seed.
    """

    def __init__(self, gan: GAN, shares: Sequence[float] | None = None):
        """shares: of each class among the images of training, as the statistics are to be those of training; None: equal
        ones, or no classes."""
        self._gan, self._shares = gan, shares
        self._measured_step = None  # the step whose weights and statistics the net has
        self._measures = gan.recipe.ema > 0 and bool(_moving(gan.sampler))
        self._net = copy_of(gan.sampler) if self._measures else gan.sampler
        self._draw = picture_function(self._net)
        self._takes, self._calls = inputs_of(self._net), calls_of(self._net)
        specs = self._takes.specs()
        self._statistics = tf.function(self._statistics_of, input_signature=specs, autograph=False)

    def net(self, step: int) -> keras.Sequential:
        """The net after `step` updates; always the same object.

        step: how many updates are done. The weights are those of now, so that it cannot be an earlier one.
        """
        if self._measures and step != self._measured_step:
            self._net.set_weights(self._gan.sampler.get_weights())
            self._measure_statistics()
            self._measured_step = step
        return self._net

    def pictures(self, latents, step: int, labels=None):
        """latents [N, Z] float32, and labels [N] int32 where the net draws classes -> images [N, H, W, C] uint8, of the net
        after `step` updates."""
        self.net(step)
        return self._draw(latents) if labels is None else self._draw(latents, labels)

    def _measure_statistics(self) -> None:
        """Gives each batch normalization the mean over the batches of its statistics in them."""
        own_key, of_batches = key(self._gan.seed, STATISTICS), []
        classes = self._takes.classes
        for number in range(STATISTICS_BATCHES):
            given = [draw_latents(self._gan.preset, STATISTICS_BATCH_SIZE, own_key, number)]
            if classes:
                places = np.arange(STATISTICS_BATCH_SIZE) + number * STATISTICS_BATCH_SIZE
                given.append(tf.constant(classes_at(places, self._shares or [1 / classes] * classes), tf.int32))
            of_batches.append([value.numpy() for value in self._statistics(*given)])
        for variable, values in zip(_moving(self._net), zip(*of_batches), strict=True):
            variable.assign(np.mean(values, axis=0))

    def _statistics_of(self, latents, labels=None) -> list:
        """Mean and variance at each batch normalization, [C] float32 each, of latents [N, Z] and labels [N].

        Each one is assigned before the images go on, so that the later ones see them normalized by it.
        """
        found = []

        def compute(call, values):
            layer, x = call.layer, values[0]
            if isinstance(layer, keras.layers.BatchNormalization):
                others = [axis for axis in range(len(x.shape)) if axis != layer.axis % len(x.shape)]
                mean, variance = tf.nn.moments(tf.cast(x, tf.float32), others)
                layer.moving_mean.assign(mean)
                layer.moving_variance.assign(variance)
                found.extend([mean, variance])
            # TensorFlow prunes the layers after the last batch normalization.
            return layer(values if len(values) > 1 else x, training=False)

        self._calls.run(self._takes.arguments(self._net, latents, labels), compute)
        return found


def _moving(net) -> list:
    """The variables of a net's batch normalizations, in order: a moving mean and a moving variance each."""
    norms = (call.layer for call in calls_of(net).calls if isinstance(call.layer, keras.layers.BatchNormalization))
    return [variable for layer in norms for variable in (layer.moving_mean, layer.moving_variance)]
