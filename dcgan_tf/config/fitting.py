"""The preset for images of any shape: the one made for it, or a family of nets fitted to it by rule."""

import math
from dataclasses import replace

from dcgan_tf.config.presets import PRESETS, Layer, Preset, get_preset

# The family of nets for images that no preset was made for.
DEFAULT_FAMILY = "faces64"
MAX_FILTERS = 512
MAX_INNERMOST_SIDE = 7  # A side of the image is halved until it is no longer than this.
MIN_FITTED_STEPS = 10_000  # A fitted net is trained for at least so many steps.
MAX_DEFAULT_EPOCHS = 400  # However small the set, no more epochs make up for it.
MAX_OWN_SIDE = 256  # Larger images are trained on at a chosen size, even where they are all of one.
MAX_CHOSEN_SIDE, MAX_CHOSEN_SIDE_ON_GPU = 64, 128  # pixels; more has to be asked for, as it takes many times as long.
# Sheets of a fitted net are at most so wide and high, so that their GIF stays small, but show at least 4 by 4 pictures.
MAX_SHEET_PIXELS, MIN_SHEET_PICTURES = 512, 4


def preset_for(image_shape: tuple[int, int, int], family: str = "auto") -> Preset:
    """The preset for images of that shape (H, W, C).

    family: the name of a preset, which is returned itself where the shape is its own and else is fitted to the shape;
    or "auto": the first preset made for that shape, or the DCGAN of the paper fitted to it.
    """
    image_shape = tuple(image_shape)
    if family == "auto":
        family = next((row.name for row in PRESETS.values() if row.image_shape == image_shape), DEFAULT_FAMILY)
    preset = get_preset(family)
    return preset if preset.image_shape == image_shape else fit(preset, image_shape)


def epochs_for(preset: Preset, steps_per_epoch: int) -> int:
    """How many epochs a run of the preset has by default: the preset's own number, or on a set so small that these would
    be too few steps, as many as make them, but no more than 400."""
    return max(preset.epochs, min(MAX_DEFAULT_EPOCHS, math.ceil(preset.least_steps / steps_per_epoch)))


def sensible_side(side: float) -> int:
    """The side, in pixels, of nets that suit images of that side: at most as long, and where it can be, a multiple of 4,
    so that it halves twice without a rest."""
    side = max(1, int(side))
    return side - side % 4 if side > 4 else side


def images_a_batch(height: int, width: int) -> int:
    """How many images of a size have together about as many pixels as 128 images of 64x64: a power of 2, at least 8."""
    return max(8, 2 ** int(math.log2(max(128 * 64 * 64 // (height * width), 1))))


def fit(preset: Preset, image_shape: tuple[int, int, int]) -> Preset:
    """The same family of nets for images of any other shape (H, W, C).

    Each side is halved, rounding up, until it is at most 7, and at least twice: that many stages have the nets, one
    transposed convolution each in the generator, one convolution each in the discriminator, with the preset's kernels,
    activations and normalization. Filters double from the image inwards, from the preset's outermost number to at most
    512, and are doubled all over in a shallow net until the innermost stage is as wide as the preset's own (at most
    256). Batches shrink with the image, see `images_a_batch`.
    """
    height, width, channels = image_shape
    common = dict(
        name=f"{preset.name}@{height}x{width}x{channels}",
        about=f"{preset.name} fitted to {height}x{width}x{channels}",
        image_shape=(height, width, channels),
        batch_size=min(max(8, preset.batch_size), 64, images_a_batch(height, width)),
        epochs=5,
        least_steps=MIN_FITTED_STEPS,
        grid=tuple(max(MIN_SHEET_PICTURES, min(8, MAX_SHEET_PIXELS // side)) for side in (height, width)),
    )
    if not any(layer.kind == "deconv" for layer in preset.generator):  # dense layers only
        *hidden, last, _ = preset.generator
        last = replace(last, units=height * width * channels)
        return replace(preset, generator=(*hidden, last, Layer("reshape", shape=image_shape)), **common)
    sizes = _halvings(height, width)
    return replace(
        preset,
        generator=_fit_generator(preset.generator, sizes, channels),
        discriminator=_fit_discriminator(preset.discriminator, sizes),
        **common,
    )


def _halvings(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes from the image's down to the innermost: at least three, so that a discriminator has two stages."""
    sizes = [(height, width)]
    while len(sizes) < 3 or max(sizes[-1]) > MAX_INNERMOST_SIDE:
        # A long side is halved more often than a short one; of a tiny image both are halved all the same.
        least = MAX_INNERMOST_SIDE if max(sizes[-1]) > MAX_INNERMOST_SIDE else 1
        sizes.append(tuple(math.ceil(side / 2) if side > least else side for side in sizes[-1]))
    return sizes


def _filters(outermost: int, innermost: int, stages: int) -> list[int]:
    """Filters per stage, from the image inwards."""
    filters = [min(MAX_FILTERS, outermost * 2**stage) for stage in range(stages)]
    while filters[-1] < min(256, innermost):
        filters = [2 * number for number in filters]
    return filters


def _factors(larger: tuple[int, int], smaller: tuple[int, int]) -> tuple[int, int]:
    return tuple(1 if a == b else 2 for a, b in zip(larger, smaller))


def _fit_generator(layers: tuple[Layer, ...], sizes, channels: int) -> tuple[Layer, ...]:
    ups = [layer for layer in layers if layer.kind == "deconv" and layer.padding == "same"]
    stem = layers[: -len(ups)]
    inner = next(layer for layer in reversed(stem) if layer.units or len(layer.shape) == 3)
    innermost = inner.units if inner.kind == "deconv" else inner.shape[-1]
    filters = _filters(ups[-2].units, innermost, len(sizes) - 1)
    height, width = sizes[-1]
    fitted = []
    for position, layer in enumerate(stem):
        if layer.kind == "reshape" and layer.shape[0] > 1:
            layer = replace(layer, shape=(height, width, filters[-1]))
        elif layer.kind == "deconv":
            layer = replace(layer, units=filters[-1], kernel=(height, width))
        elif stem[position + 1].kind == "reshape" and layer.kind == "dense":
            layer = replace(layer, units=height * width * filters[-1])
        fitted.append(layer)
    for stage in range(len(sizes) - 2, -1, -1):  # from the innermost to the image
        pattern = ups[0] if stage else replace(ups[-1], kernel=ups[0].kernel)
        larger, smaller = sizes[stage], sizes[stage + 1]
        stride = _factors(larger, smaller)
        crop = tuple(factor * small - large for factor, small, large in zip(stride, smaller, larger))
        units = filters[stage - 1] if stage else channels
        fitted.append(replace(pattern, units=units, stride=stride, crop=crop))
    return tuple(fitted)


def _fit_discriminator(layers: tuple[Layer, ...], sizes) -> tuple[Layer, ...]:
    downs = [layer for layer in layers if layer.kind == "conv" and layer.stride != (1, 1)]
    head = layers[len(downs) :]
    filters = _filters(downs[0].units, max(layer.units for layer in downs), len(sizes) - 1)
    fitted = []
    for stage, units in enumerate(filters):
        pattern = downs[1] if stage else replace(downs[0], kernel=downs[1].kernel)
        stride = _factors(sizes[stage], sizes[stage + 1])
        fitted.append(replace(pattern, units=units, stride=stride, padding="same"))
    # A head that is a convolution looks at the whole innermost stage at once.
    fitted += [replace(layer, kernel=sizes[-1]) if layer.kind == "conv" else layer for layer in head]
    return tuple(fitted)
