"""The discriminator as training asks it: about images after all that the recipe does to them."""

import math
from typing import NamedTuple

from dcgan_tf.common.backend import tf
from dcgan_tf.config.presets import Preset
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.gan import penalties
from dcgan_tf.gan.arithmetic import Arithmetic
from dcgan_tf.gan.augment import augment
from dcgan_tf.gan.fast.forward import couples_images
from dcgan_tf.gan.randomness import AUGMENT, BETWEEN, NOISE, key, pair
from dcgan_tf.nets.conditional import discriminator_inputs_of

NOISE_STEPS = 5000  # Instance noise falls to nothing over so many steps.


class Judgement(NamedTuple):
    """What a discriminator says of images. logits: [N, 1]. class_logits: [N, classes]; None where it tells no classes."""

    logits: object
    class_logits: object = None


class AugmentedDiscriminator:
    """A discriminator that sees all images, real and generated, after the recipe's augmentation, noise and packing.

    couples_images  whether its logit for an image depends on the other images of the batch
    tells_classes   whether it gives class logits beside the logit
    one_pass        whether it takes real and generated images in one batch
    """

    def __init__(self, discriminator, preset: Preset, recipe: Recipe, seed: int, dropout_keys, arithmetic: Arithmetic):
        self._net, self._takes = discriminator, discriminator_inputs_of(discriminator)
        self._forward = arithmetic.forward(discriminator, dropout_keys)
        self._recipe, self._packing = recipe, preset.packing
        self._keys = {purpose: key(seed, purpose) for purpose in (AUGMENT, NOISE, BETWEEN)}
        self.tells_classes = len(discriminator.outputs) > 1
        self.couples_images = couples_images(discriminator) or preset.packing > 1
        # In a mixed batch, the statistics of batch normalization would tell which images are real.
        is_small = math.prod(preset.image_shape) <= arithmetic.max_one_pass_values
        self.one_pass = is_small and not self.couples_images

    def __call__(self, images, draw, step, labels=None) -> Judgement:
        """Of images [N, H, W, C], float32; with packing, of each pack.

        labels: see `Batch`. draw: int64 scalar, for random numbers; another one at every call. step: int64 scalar.
        """
        if self._recipe.augment:
            images = augment(images, self._recipe.augment, pair(self._keys[AUGMENT], draw))
        if self._recipe.instance_noise:
            left = 1 - tf.minimum(tf.cast(step, tf.float32) / NOISE_STEPS, 1)
            noise = tf.random.stateless_normal(tf.shape(images), pair(self._keys[NOISE], draw))
            images += self._recipe.instance_noise * left * noise
        given = self._forward(self._takes.arguments(self._net, packed(images, self._packing), labels), draw)
        return Judgement(*given) if isinstance(given, list) else Judgement(given)

    def both(self, real, fakes, draws, step, labels=None) -> tuple[Judgement, Judgement]:
        """Of real images and of as many generated ones, of the same classes."""
        if not self.one_pass:
            return self(real, draws.real, step, labels), self(fakes, draws.fakes, step, labels)
        twice = None if labels is None else tf.concat([labels, labels], 0)
        whole = self(tf.concat([real, fakes], 0), draws.real_and_fakes, step, twice)
        sizes = [tf.shape(real)[0], tf.shape(fakes)[0]]
        parts = [(None, None) if tensor is None else tf.split(tensor, sizes) for tensor in whole]
        return tuple(Judgement(*of_images) for of_images in zip(*parts))

    def penalty(self, real, fakes, draw, step, labels=None):
        """What the recipe's penalties add to the discriminator's loss at a step where they are due, a scalar."""
        recipe, total = self._recipe, 0.0

        def judge(images):
            return self(images, draw, step, labels).logits

        if recipe.r1:
            total += recipe.r1 / 2 * penalties.gradient_size(judge, real)
        if recipe.r2:
            total += recipe.r2 / 2 * penalties.gradient_size(judge, fakes)
        if recipe.gradient_penalty:
            between = tf.random.stateless_uniform([tf.shape(real)[0]], pair(self._keys[BETWEEN], draw))
            total += recipe.gradient_penalty * penalties.gradient_off_one(judge, real, fakes, between)
        return total * recipe.penalty_every


def packed(images, packing: int):
    """[N, H, W, C] -> [N / packing, H, W, packing * C]: images that follow each other, stacked in the channels."""
    if packing == 1:
        return images
    height, width, channels = images.shape[1:]
    images = tf.reshape(images, [-1, packing, height, width, channels])
    return tf.reshape(tf.transpose(images, [0, 2, 3, 1, 4]), [-1, height, width, packing * channels])
