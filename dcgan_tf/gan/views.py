"""The discriminator as training asks it: about images after all that the recipe does to them."""

import math

from dcgan_tf.common.backend import tf
from dcgan_tf.config.presets import Preset
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.gan import penalties
from dcgan_tf.gan.augment import augment
from dcgan_tf.gan.fast.forward import TrainingForward
from dcgan_tf.gan.randomness import AUGMENT, BETWEEN, NOISE, key, pair

_SMALL_IMAGE = 64 * 64 * 3  # numbers
_NOISY_STEPS = 5000


class Critic:
    """couples_images: whether what it says of an image depends on the others of its batch."""

    def __init__(self, discriminator, preset: Preset, recipe: Recipe, seed: int, dropout_keys):
        self._forward, self._recipe, self._packing = (
            TrainingForward(discriminator, dropout_keys),
            recipe,
            preset.packing,
        )
        self._keys = {purpose: key(seed, purpose) for purpose in (AUGMENT, NOISE, BETWEEN)}
        self.couples_images = self._forward.couples_images or preset.packing > 1
        self._small = math.prod(preset.image_shape) <= _SMALL_IMAGE

    def __call__(self, images, draw, step):
        """Images [N, H, W, C], float32 -> logits [N / packing, 1].

        draw: int64 scalar, for random numbers; another one at every call. step: int64 scalar.
        """
        if self._recipe.augment:
            images = augment(images, self._recipe.augment, pair(self._keys[AUGMENT], draw))
        if self._recipe.instance_noise:
            left = 1 - tf.minimum(tf.cast(step, tf.float32) / _NOISY_STEPS, 1)
            noise = tf.random.stateless_normal(tf.shape(images), pair(self._keys[NOISE], draw))
            images += self._recipe.instance_noise * left * noise
        return self._forward(packed(images, self._packing), draw)

    def both(self, real, fakes, draws, step):
        """The logits of real and of generated images."""
        # In one mixed batch, batch normalization would give the answer away. Without it one batch has fewer calls of
        # small operations, but for large images the memory of twice as many costs more than that.
        if self.couples_images or not self._small:
            return self(real, next(draws), step), self(fakes, next(draws), step)
        logits = self(tf.concat([real, fakes], 0), next(draws), step)
        return tf.split(logits, [tf.shape(real)[0], tf.shape(fakes)[0]])

    def penalty(self, real, fakes, draw, step):
        """What the recipe's penalties add to the discriminator's loss, a scalar, where they are due."""
        recipe, total = self._recipe, 0.0

        def judge(images):
            return self(images, draw, step)

        if recipe.r1:
            total += recipe.r1 / 2 * penalties.gradient_size(judge, real)
        if recipe.r2:
            total += recipe.r2 / 2 * penalties.gradient_size(judge, fakes)
        if recipe.gradient_penalty:
            between = tf.random.stateless_uniform([tf.shape(real)[0]], pair(self._keys[BETWEEN], draw))
            total += recipe.gradient_penalty * penalties.gradient_off_one(judge, real, fakes, between)
        return total * recipe.penalty_every


def packed(images, packing: int):
    """[N, H, W, C] -> [N / packing, H, W, packing * C]: images that follow each other, one on another."""
    if packing == 1:
        return images
    height, width, channels = images.shape[1:]
    images = tf.reshape(images, [-1, packing, height, width, channels])
    return tf.reshape(tf.transpose(images, [0, 2, 3, 1, 4]), [-1, height, width, packing * channels])
