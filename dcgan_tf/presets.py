"""What each net is: frozen rows of data, one Preset per net, and the rule that fits a net to any image shape.

Standard library only, so that flags and usage errors answer at once. `dcgan_tf.networks` turns rows into Keras layers.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Layer:
    """One layer with weights (or a reshape), and what follows it.

    kind        dense | conv | deconv (transposed convolution) | reshape | flatten
    units       units of a dense layer, filters of a convolution
    kernel      (height, width)
    stride      (height, width); with `pool`, the convolution has stride 1 and a max-pooling of this size follows
    then        what follows, in order, in words: "bn", "relu", "leaky:0.2" (negative slope), "tanh", "dropout:0.3"
    crop        rows and columns cut at the bottom and the right, for odd sizes
    shape       of a reshape
    """

    kind: Literal["dense", "conv", "deconv", "reshape", "flatten"]
    units: int = 0
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    then: str = ""
    bias: bool = True
    padding: Literal["same", "valid"] = "same"
    pool: bool = False
    crop: tuple[int, int] = (0, 0)
    shape: tuple[int, ...] = ()


def _dense(units, then="", **more):
    return Layer("dense", units, then=then, **more)


def _conv(filters, kernel, stride, then="", **more):
    return Layer("conv", filters, (kernel, kernel), (stride, stride), then, **more)


def _deconv(filters, kernel, stride, then="", **more):
    return Layer("deconv", filters, (kernel, kernel), (stride, stride), then, **more)


def _reshape(*shape):
    return Layer("reshape", shape=shape)


_flatten = Layer("flatten")


@dataclass(frozen=True)
class Preset:
    """A net and how it is trained.

    image_shape      (H, W, C)
    latents          distribution of the latents [N, latent_dim]: standard normal, or uniform in -1..1
    initializer      keras: the framework's defaults (Glorot uniform, zero bias);
                     torch: PyTorch's, weight and bias from U(-1/sqrt(fan_in), 1/sqrt(fan_in));
                     dcgan: weights N(0, 0.02), batch-normalization scale N(1, 0.02)
    update           joint: one forward pass, both losses, both nets at once;
                     alternating: the discriminator, then the generator through the updated discriminator
    generator_step   what the generator's half of an alternating update sees: the same "fakes", the same "latents"
                     forwarded anew, or "fresh" latents
    real_target      the label of real images (below 1: one-sided label smoothing, arXiv:1606.03498), in both losses
    d_loss_scale     factor on the discriminator's loss: 0.5 halves the sum of its two terms
    epochs           None: enough for about 10,000 steps, see `epochs_for`
    grid             rows and columns of the sample pictures
    """

    name: str
    about: str
    image_shape: tuple[int, int, int]
    generator: tuple[Layer, ...]
    discriminator: tuple[Layer, ...]
    latent_dim: int = 100
    latents: Literal["normal", "uniform"] = "normal"
    initializer: Literal["keras", "torch", "dcgan"] = "torch"
    bn_epsilon: float = 1e-5  # PyTorch's constants; its momentum 0.1 is Keras's 0.9
    bn_momentum: float = 0.9
    update: Literal["joint", "alternating"] = "alternating"
    generator_step: Literal["fakes", "latents", "fresh"] = "fakes"
    real_target: float = 1.0
    d_loss_scale: float = 1.0
    learning_rate: float = 2e-4
    beta_1: float = 0.5
    beta_2: float = 0.999
    adam_epsilon: float = 1e-8  # PyTorch's; Keras's is 1e-7
    batch_size: int = 128
    epochs: int | None = 5
    drop_remainder: bool = False
    grid: tuple[int, int] = (8, 8)


# Both DCGAN presets share everything but the step between 32x32 or 64x64 and the image.
_DCGAN_STEM = (_reshape(1, 1, 100), _deconv(512, 4, 1, "bn relu", bias=False, padding="valid"))  # 4x4x512
_DCGAN_UP = tuple(_deconv(filters, 4, 2, "bn relu", bias=False) for filters in (256, 128, 64))  # 32x32x64
_DCGAN_DOWN = tuple(_conv(filters, 4, 2, "bn leaky:0.2", bias=False) for filters in (128, 256, 512))  # 4x4x512
_DCGAN_HEAD = (_conv(1, 4, 1, bias=False, padding="valid"), _flatten)

_ROWS = (
    Preset(
        name="mnist",
        about="28x28 grey, DCGAN of a course notebook; 5 epochs of MNIST give digits a person can read",
        image_shape=(28, 28, 1),
        latent_dim=96,
        latents="uniform",
        generator=(
            _dense(1024, "relu bn"),
            _dense(6272, "relu bn"),
            _reshape(7, 7, 128),
            _deconv(64, 4, 2, "relu bn"),
            _deconv(1, 4, 2, "tanh"),
        ),
        discriminator=(
            _conv(32, 5, 2, "leaky:0.01", padding="valid", pool=True),
            _conv(64, 5, 2, "leaky:0.01", padding="valid", pool=True),
            _flatten,
            _dense(1024, "leaky:0.01"),
            _dense(1),
        ),
        generator_step="latents",
        learning_rate=3e-4,
        grid=(4, 4),
    ),
    Preset(
        name="mnist-mlp",
        about="28x28 grey, the plain GAN of dense layers; the fastest, and the noisiest pictures",
        image_shape=(28, 28, 1),
        generator=(_dense(256, "relu"), _dense(512, "relu"), _dense(784, "tanh"), _reshape(28, 28, 1)),
        discriminator=(_flatten, _dense(512, "relu"), _dense(256, "relu"), _dense(1)),
        generator_step="fresh",
        d_loss_scale=0.5,
        batch_size=64,
        epochs=10,
        grid=(5, 5),
    ),
    Preset(
        name="mnist56",
        about="56x56 grey, no batch normalization, label smoothing; 28x28 images are resized",
        image_shape=(56, 56, 1),
        generator=(
            _dense(12544, "relu"),
            _reshape(7, 7, 256),
            _deconv(128, 4, 2, "relu"),
            _deconv(64, 4, 2, "relu"),
            _deconv(1, 4, 2, "tanh"),
        ),
        discriminator=(
            _conv(64, 4, 2, "relu"),
            _conv(128, 4, 2, "relu"),
            _conv(256, 4, 2, "relu"),
            _flatten,
            _dense(1),
        ),
        generator_step="fresh",
        real_target=0.9,
        batch_size=64,
        epochs=20,
        grid=(5, 5),
    ),
    Preset(
        name="faces64",
        about="64x64 colour, the DCGAN of the paper (arXiv:1511.06434) as PyTorch's tutorial gives it",
        image_shape=(64, 64, 3),
        generator=(*_DCGAN_STEM, *_DCGAN_UP, _deconv(3, 4, 2, "tanh", bias=False)),
        discriminator=(_conv(64, 4, 2, "leaky:0.2", bias=False), *_DCGAN_DOWN, *_DCGAN_HEAD),
        initializer="dcgan",
    ),
    Preset(
        name="mri96",
        about="96x96 colour, faces64 with a last step of 3; made for folders of a few hundred scans, 400 epochs",
        image_shape=(96, 96, 3),
        generator=(*_DCGAN_STEM, *_DCGAN_UP, _deconv(3, 5, 3, "tanh", bias=False)),
        discriminator=(_conv(64, 5, 3, "bn leaky:0.2", bias=False), *_DCGAN_DOWN, *_DCGAN_HEAD),
        batch_size=64,
        epochs=400,
        drop_remainder=True,
    ),
    Preset(
        name="paints200",
        about="200x200 colour, both nets updated at once, dropout in the discriminator; 800 epochs of 2,656 paintings",
        image_shape=(200, 200, 3),
        generator=(
            _dense(160000, "bn leaky:0.3", bias=False),
            _reshape(25, 25, 256),
            _deconv(128, 5, 2, "bn leaky:0.3", bias=False),
            _deconv(64, 5, 2, "bn leaky:0.3", bias=False),
            _deconv(3, 5, 2, "tanh", bias=False),
        ),
        discriminator=(
            _conv(64, 5, 2, "leaky:0.3 dropout:0.3"),
            _conv(128, 5, 2, "leaky:0.3 dropout:0.3"),
            _conv(64, 5, 2, "leaky:0.3 dropout:0.3"),
            _flatten,
            _dense(1),
        ),
        initializer="keras",
        bn_epsilon=1e-3,
        bn_momentum=0.99,
        update="joint",
        learning_rate=1e-4,
        beta_1=0.9,
        adam_epsilon=1e-7,
        batch_size=16,
        epochs=800,
        grid=(2, 2),
    ),
)

PRESETS: dict[str, Preset] = {row.name: row for row in _ROWS}

# The family that fits images which no preset was made for.
DEFAULT_FAMILY = "faces64"
WIDEST = 512  # filters
SMALLEST_SIDE = 7  # a side is halved until it is no longer than this
ABOUT_STEPS = 10_000
GRID_PIXELS = 1024  # sample pictures of a fitted net fit a screen: 2 to 8 images each way


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        KeyError: there is none; the message lists those that there are.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise KeyError(f"no preset {name!r}; there are {', '.join(PRESETS)}") from None


def preset_for(image_shape: tuple[int, int, int], family: str = "auto") -> Preset:
    """The preset for images of that shape (H, W, C).

    family: the name of a preset, which is returned itself where the shape is its own and else is fitted to the shape;
    or "auto": the first preset made for that shape, or the DCGAN of the paper fitted to it.
    """
    image_shape = tuple(image_shape)
    if family == "auto":
        family = next((row.name for row in _ROWS if row.image_shape == image_shape), DEFAULT_FAMILY)
    preset = get_preset(family)
    return preset if preset.image_shape == image_shape else fit(preset, image_shape)


def epochs_for(preset: Preset, steps_per_epoch: int) -> int:
    """How many epochs a run of the preset has by default: the preset's own number, or for a fitted net about 10,000
    steps, at least 5 and at most 400 epochs."""
    if preset.epochs is not None:
        return preset.epochs
    return max(5, min(400, math.ceil(ABOUT_STEPS / steps_per_epoch)))


def fit(preset: Preset, image_shape: tuple[int, int, int]) -> Preset:
    """The same family of nets for images of any other shape (H, W, C).

    Each side is halved, rounding up, until it is at most 7, and at least twice: that many stages have the nets, one
    transposed convolution each in the generator, one convolution each in the discriminator, with the preset's kernels,
    activations and normalization. Filters double from the image inwards, from the preset's outermost number to at most 512, and are
    doubled all over in a shallow net until the innermost stage is as wide as the preset's own (at most 256).
    Batches shrink with the image, so that one holds about as many pixels as 128 images of 64x64.
    """
    height, width, channels = image_shape
    images = 128 * 64 * 64 // (height * width)
    common = dict(
        name=f"{preset.name}@{height}x{width}x{channels}",
        about=f"{preset.name} fitted to {height}x{width}x{channels}",
        image_shape=(height, width, channels),
        batch_size=max(8, min(preset.batch_size, 64, 2 ** int(math.log2(max(images, 1))))),
        epochs=None,
        grid=tuple(max(2, min(8, GRID_PIXELS // side)) for side in (height, width)),
    )
    if not any(layer.kind == "deconv" for layer in preset.generator):  # dense layers only
        *dense, _, _ = preset.generator
        out = replace(preset.generator[-2], units=height * width * channels)
        return replace(preset, generator=(*dense, out, _reshape(*image_shape)), **common)
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
    while len(sizes) < 3 or max(sizes[-1]) > SMALLEST_SIDE:
        # Sides differ in how often they are halved; of a tiny image both are.
        least = SMALLEST_SIDE if max(sizes[-1]) > SMALLEST_SIDE else 1
        sizes.append(tuple(math.ceil(side / 2) if side > least else side for side in sizes[-1]))
    return sizes


def _filters(outermost: int, innermost: int, stages: int) -> list[int]:
    """Filters per stage, from the image inwards."""
    filters = [min(WIDEST, outermost * 2**stage) for stage in range(stages)]
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
            layer = _reshape(height, width, filters[-1])
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
