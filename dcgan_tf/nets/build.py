"""Generator and discriminator built from a preset's rows: Sequential models, functional ones where there are classes.

All layers and initializers are classes of Keras itself, so that a saved .h5 loads without this package. The only
exception is `MinibatchStd`, because Keras has no such layer.
"""

import math
from collections.abc import Iterator

import numpy as np

from dcgan_tf.common.backend import keras
from dcgan_tf.config.presets import CLASS_EMBEDDING_DIM, Layer, Preset
from dcgan_tf.layers import MinibatchStd
from dcgan_tf.nets.takeover import CLASS_LOGITS

layers, initializers = keras.layers, keras.initializers
# The latents are several times as large. With numbers as large as theirs, classes differ so much that the generator soon
# heeds nothing else, and draws one picture of each (docs/findings.md).
CLASS_EMBEDDING_DEVIATION = 0.1
_WITHOUT_WEIGHTS = {"flatten": layers.Flatten, "minibatch_std": MinibatchStd}


def build_generator(preset: Preset, seed: int = 0) -> keras.Model:
    """Makes a net from latents [N, latent_dim] to images [N, H, W, C] in -1..1, float32.

    With classes, it takes [latents, labels], labels int [N] from 0 to classes - 1: an embedding of the class is joined with
    the latents (arXiv:1411.1784 does so with a one-hot vector).

    The same seed draws the same weights.
    """
    if not preset.classes:
        return _chain("generator", (preset.latent_dim,), preset.generator, preset, seed)
    latents, labels = keras.Input((preset.latent_dim,), name="latents"), _labels()
    seeds = _seeds(seed, "generator", len(preset.generator))
    small = initializers.RandomNormal(0.0, CLASS_EMBEDDING_DEVIATION, seed=next(seeds))
    embedding = layers.Embedding(preset.classes, CLASS_EMBEDDING_DIM, small)
    x = layers.Concatenate()([latents, embedding(labels)])
    return keras.Model(
        [latents, labels], _rows(x, labels, preset.generator, preset, seed, "generator"), name="generator"
    )


def build_discriminator(preset: Preset, seed: int = 0) -> keras.Model:
    """Makes a net from images [N, H, W, C] in -1..1 to logits [N, 1]: the log-odds of being real, without a sigmoid.

    With packing, the net takes [N, H, W, packing * C]. With classes and `class_judge`

        projection  it takes [images, labels], and adds to the logit the inner product of what its last row takes with an
                    embedding of the class (arXiv:1802.05637)
        auxiliary   it gives [logits, class_logits], the second [N, classes], of what its last row takes (arXiv:1610.09585)

    The same seed draws the same weights.
    """
    *size, channels = preset.image_shape
    shape = (*size, preset.packing * channels)
    if not preset.classes:
        return _chain("discriminator", shape, preset.discriminator, preset, seed)
    images, labels = keras.Input(shape, name="images"), _labels()
    head = max(place for place, row in enumerate(preset.discriminator) if row.units)  # the row that gives the logit
    before = _rows(images, labels, preset.discriminator[:head], preset, seed, "discriminator")
    logits = _rows(before, labels, preset.discriminator[head:], preset, seed, "discriminator", head)
    features = before if len(before.shape) == 2 else layers.Flatten()(before)
    seeds = _seeds(seed, "discriminator", len(preset.discriminator))
    drawn = _weight_initializers(preset.discriminator[head], preset, before.shape[1:], seeds)
    if preset.class_judge == "auxiliary":
        outputs = [logits, layers.Dense(preset.classes, name=CLASS_LOGITS, **drawn)(features)]
        return keras.Model(images, outputs, name="discriminator")
    embedding = layers.Embedding(preset.classes, features.shape[-1], drawn["kernel_initializer"])
    logits = layers.Add()([logits, layers.Dot(1)([features, embedding(labels)])])
    return keras.Model([images, labels], logits, name="discriminator")


def _labels():
    return keras.Input((), dtype="int32", name="labels")


def _seeds(seed: int, role: str, position: int) -> Iterator[int]:
    """Every initializer and every dropout gets a seed of its own, because equal seeds would draw equal weights.

    position: of a row; that after the last one is what a class needs beside the rows.
    """
    number = ("generator", "discriminator").index(role)
    return iter(np.random.SeedSequence([seed, number, position]).generate_state(8).tolist())


def _chain(name, input_shape, rows, preset, seed) -> keras.Sequential:
    made, shape = [], input_shape  # The batch axis is left out.
    for position, row in enumerate(rows):
        of_row = list(_layers(row, preset, shape, _seeds(seed, name, position)))
        for layer in of_row:
            shape = layer.compute_output_shape((None, *shape))[1:]
        made += of_row
    # All at once: a model that is there traces all of its layers anew for each that is added.
    return keras.Sequential([keras.Input(input_shape), *made], name=name)


def _rows(x, labels, rows, preset, seed, role, first=0):
    """What the rows, of which the first is number `first` of its net, make of a tensor."""
    for position, row in enumerate(rows, first):
        for layer in _layers(row, preset, x.shape[1:], _seeds(seed, role, position)):
            x = layer(x, labels) if isinstance(layer, _ClassNorm) else layer(x)
    return x


class _ClassNorm:
    """A batch normalization whose scale and shift are those of the class (arXiv:1610.07629), made of Keras's own layers."""

    def __init__(self, preset: Preset, scale):
        self._preset, self._scale = preset, scale

    def __call__(self, x, labels):
        normalized = layers.BatchNormalization(
            momentum=self._preset.bn_momentum, epsilon=self._preset.bn_epsilon, center=False, scale=False
        )(x)
        return layers.Add()(
            [
                layers.Multiply()([normalized, self._of_class(x, labels, self._scale)]),
                self._of_class(x, labels, "zeros"),
            ]
        )

    def _of_class(self, x, labels, initializer):
        """A learned number of the class for each channel of x, to be broadcast to it."""
        numbers = layers.Embedding(self._preset.classes, x.shape[-1], initializer)(labels)
        return layers.Reshape((1,) * (len(x.shape) - 2) + (x.shape[-1],))(numbers)


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
    """Makes the layer that one word of `Layer.then` names: "bn", "class_bn", "leaky:0.2", "dropout:0.3" or an activation."""
    kind, _, value = word.partition(":")
    if kind in ("bn", "class_bn"):
        scale = initializers.RandomNormal(1.0, 0.02, seed=next(seeds)) if preset.initializer == "dcgan" else "ones"
        if kind == "class_bn":
            return _ClassNorm(preset, scale)
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
