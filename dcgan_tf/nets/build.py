"""Generator and discriminator as Keras Sequential models, built from a preset's rows.

All layers and initializers are classes of Keras itself, so that a saved .h5 loads without this package. The only
exception is `MinibatchStd`, because Keras has no such layer.
"""

import math

import numpy as np

from dcgan_tf.common.backend import keras
from dcgan_tf.config.presets import Layer, Preset
from dcgan_tf.layers import MinibatchStd

layers, initializers = keras.layers, keras.initializers
_WITHOUT_WEIGHTS = {"flatten": layers.Flatten, "minibatch_std": MinibatchStd}


def build_generator(preset: Preset, seed: int = 0) -> keras.Sequential:
    """Makes a net from latents [N, latent_dim] to images [N, H, W, C] in -1..1, float32.

    The same seed draws the same weights.
    """
    return _build("generator", (preset.latent_dim,), preset.generator, preset, seed)


def build_discriminator(preset: Preset, seed: int = 0) -> keras.Sequential:
    """Makes a net from images [N, H, W, C] in -1..1 to logits [N, 1]: the log-odds of being real, without a sigmoid.

    With packing, the net takes [N, H, W, packing * C]. The same seed draws the same weights.
    """
    *size, channels = preset.image_shape
    return _build("discriminator", (*size, preset.packing * channels), preset.discriminator, preset, seed)


def _build(name, input_shape, rows, preset, seed) -> keras.Sequential:
    role = ("generator", "discriminator").index(name)
    made, shape = [], input_shape  # The batch axis is left out.
    for position, row in enumerate(rows):
        # Every initializer and every dropout gets a seed of its own, because equal seeds would draw equal weights.
        seeds = iter(np.random.SeedSequence([seed, role, position]).generate_state(8).tolist())
        of_row = list(_layers(row, preset, shape, seeds))
        for layer in of_row:
            shape = layer.compute_output_shape((None, *shape))[1:]
        made += of_row
    # All at once: a model that is there traces all of its layers anew for each that is added.
    return keras.Sequential([keras.Input(input_shape), *made], name=name)


def _layers(row: Layer, preset: Preset, input_shape, seeds):
    """Yields the Keras layers of one row, in order. input_shape: what the row takes, without the batch axis."""
    if row.kind == "reshape":
        yield layers.Reshape(row.shape)
        return
    if row.kind in _WITHOUT_WEIGHTS:
        yield _WITHOUT_WEIGHTS[row.kind]()
        return
    weights = _weight_initializers(row, preset, input_shape, seeds)
    if row.kind == "dense":
        yield layers.Dense(row.units, use_bias=row.bias, **weights)
    else:
        if row.kind == "resize":
            yield layers.UpSampling2D(row.stride)
        convolution = layers.Conv2DTranspose if row.kind == "deconv" else layers.Conv2D
        strides = (1, 1) if row.pool or row.kind == "resize" else row.stride
        yield convolution(row.units, row.kernel, strides, padding=row.padding, use_bias=row.bias, **weights)
    if any(row.crop):
        yield layers.Cropping2D(((0, row.crop[0]), (0, row.crop[1])))
    for word in row.then.split():
        yield _following(word, preset, seeds)
    if row.pool:
        yield layers.MaxPooling2D(row.stride, padding="same")


def _following(word: str, preset: Preset, seeds):
    """Makes the layer that one word of `Layer.then` names: "bn", "leaky:0.2", "dropout:0.3" or an activation."""
    kind, _, value = word.partition(":")
    if kind == "bn":
        scale = initializers.RandomNormal(1.0, 0.02, seed=next(seeds)) if preset.initializer == "dcgan" else "ones"
        return layers.BatchNormalization(
            momentum=preset.bn_momentum, epsilon=preset.bn_epsilon, gamma_initializer=scale
        )
    if kind == "leaky":
        return layers.LeakyReLU(negative_slope=float(value))
    if kind == "dropout":
        return layers.Dropout(float(value), seed=next(seeds))
    return layers.Activation(kind)


def _weight_initializers(row: Layer, preset: Preset, input_shape, seeds) -> dict:
    """Makes the arguments for a layer's constructor that say how its kernel, and its bias if it has one, are drawn."""
    if preset.initializer == "dcgan":
        kernel, bias = initializers.RandomNormal(0.0, 0.02, seed=next(seeds)), "zeros"
    elif preset.initializer == "keras":
        kernel, bias = initializers.GlorotUniform(seed=next(seeds)), "zeros"
    else:
        # PyTorch draws from U(-1/sqrt(fan-in), 1/sqrt(fan-in)). Its weight of a transposed convolution is
        # [in, out, kh, kw], and it takes the second axis for the fan-in: the output channels.
        channels = row.units if row.kind == "deconv" else input_shape[-1]
        bound = 1 / math.sqrt(channels * math.prod(row.kernel))
        kernel, bias = (initializers.RandomUniform(-bound, bound, seed=next(seeds)) for _ in range(2))
    return {"kernel_initializer": kernel} | ({"bias_initializer": bias} if row.bias else {})
