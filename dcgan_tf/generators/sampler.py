"""The net that makes a run's pictures, and is saved."""

import numpy as np

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.gan.randomness import STATISTICS, draw_latents, key
from dcgan_tf.gan.step import GAN
from dcgan_tf.generators.generator import picture_function
from dcgan_tf.nets.surgery import copy_of

BATCHES, BATCH = 8, 64  # of images that the statistics are of


class Sampler:
    """The generator; or its moving average, with statistics of batch normalization of its own.

    Of averaged weights the averages of the statistics are not the statistics: what swings in the weights averages out,
    and is then missing from what they let through, while each generator's statistics had it. So the average's own are
    taken over some images whenever it is asked for (Izmailov et al. 2018, arXiv:1803.05407, "batch normalization update";
    Brock et al. 2019, arXiv:1809.11096, "standing statistics"). Training knows nothing of them and no state keeps them:
    they follow from the weights and the seed.
    """

    def __init__(self, gan: GAN):
        self._gan, self._step = gan, None
        self._has_own = gan.recipe.ema > 0 and bool(_moving(gan.sampler))
        self._net = copy_of(gan.sampler) if self._has_own else gan.sampler
        self._draw = picture_function(self._net)
        spec = tf.TensorSpec([None, gan.preset.latent_dim], tf.float32)
        self._statistics = tf.function(self._statistics_of, input_signature=[spec], autograph=False)

    def net(self, step: int) -> keras.Sequential:
        """The net after `step` updates, which must be those that are done; always the same object."""
        if self._has_own and step != self._step:
            self._net.set_weights(self._gan.sampler.get_weights())
            self._take_statistics()
            self._step = step
        return self._net

    def pictures(self, latents, step: int):
        """latents [N, Z] float32 -> images [N, H, W, C] uint8, of the net after `step` updates."""
        self.net(step)
        return self._draw(latents)

    def _take_statistics(self) -> None:
        own_key, of_batches = key(self._gan.seed, STATISTICS), []
        for number in range(BATCHES):
            latents = draw_latents(self._gan.preset, BATCH, own_key, number)
            of_batches.append([value.numpy() for value in self._statistics(latents)])
        for variable, values in zip(_moving(self._net), zip(*of_batches), strict=True):
            variable.assign(np.mean(values, axis=0))

    def _statistics_of(self, x) -> list:
        """Mean and variance at each batch normalization, [C] float32 each; those before it go by the same images'."""
        found = []
        for layer in self._net.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                others = [axis for axis in range(len(x.shape)) if axis != layer.axis % len(x.shape)]
                mean, variance = tf.nn.moments(tf.cast(x, tf.float32), others)
                layer.moving_mean.assign(mean)
                layer.moving_variance.assign(variance)
                found += [mean, variance]
            x = layer(x, training=False)  # what comes after the last of them is no part of the graph
        return found


def _moving(net) -> list:
    """The statistics of its batch normalizations, a mean and a variance each, in order."""
    norms = (layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization))
    return [variable for layer in norms for variable in (layer.moving_mean, layer.moving_variance)]
