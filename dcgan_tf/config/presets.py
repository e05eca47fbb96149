"""What each net is: frozen rows of data, one Preset per net.

Standard library only, so that flags and usage errors answer at once. `dcgan_tf.nets.build` turns rows into Keras layers,
`dcgan_tf.config.fitting` fits a preset to images of any shape.
"""

import math
from dataclasses import dataclass
from typing import Literal

from dcgan_tf.config.ranges import Size

CLASS_EMBEDDING_DIM = 50  # So many learned numbers stand for a class beside the latents.


@dataclass(frozen=True)
class Layer:
    """One layer with weights (or a reshape), and what follows it.

    kind        dense | conv | deconv (transposed convolution) | resize (pixels repeated, then a convolution) | reshape |
                flatten | minibatch_std (one more channel, see `dcgan_tf.layers`)
    units       units of a dense layer, filters of a convolution
    kernel      (height, width)
    stride      (height, width); with `pool`, the convolution has stride 1 and a max-pooling of this size follows
    then        what follows, in order, in words: "bn", "class_bn" (one whose scale and shift depend on the class), "relu",
                "leaky:0.2" (negative slope), "tanh", "dropout:0.3"
    crop        rows and columns cut at the bottom and the right, for odd sizes
    shape       of a reshape
    """

    kind: Literal["dense", "conv", "deconv", "resize", "reshape", "flatten", "minibatch_std"]
    units: int = 0
    kernel: tuple[Size, Size] = (1, 1)
    stride: tuple[Size, Size] = (1, 1)
    then: str = ""
    bias: bool = True
    padding: Literal["same", "valid"] = "same"
    pool: bool = False
    crop: tuple[int, int] = (0, 0)
    shape: tuple[Size, ...] = ()

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what the row gives for one input, (H, W, C) or (length,)."""
        if self.kind == "reshape":
            return self.shape
        if self.kind == "flatten":
            return (math.prod(shape),)
        if self.kind == "dense":
            return (self.units,)
        if self.kind == "minibatch_std":
            return (*shape[:2], shape[2] + 1)
        return (*map(self._side, shape, self.kernel, self.stride, self.crop), self.units)

    def _side(self, side: int, kernel: int, stride: int, crop: int) -> int:
        """A side of the image that a convolution gives; a pooling of the same stride may stand in for the stride."""
        if self.kind == "conv":
            return math.ceil((side if self.padding == "same" else side - kernel + 1) / stride)
        return (side * stride if self.padding == "same" else (side - 1) * stride + kernel) - crop


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
    packing          how many images the discriminator judges at once, one on another in its channels
    classes          how many classes the nets know; 0: they take no label
    class_judge      what the discriminator does with a class, see `Recipe`
    epochs           of the set that the net was published with
    least_steps      on smaller sets: what those epochs come to there; see `epochs_for`
    grid             rows and columns of the sample pictures
    """

    name: str
    about: str
    image_shape: tuple[Size, Size, Size]
    generator: tuple[Layer, ...]
    discriminator: tuple[Layer, ...]
    latent_dim: Size = 100
    latents: Literal["normal", "uniform"] = "normal"
    initializer: Literal["keras", "torch", "dcgan"] = "torch"
    bn_epsilon: float = 1e-5  # PyTorch's constants. Its momentum of 0.1 is 0.9 as Keras counts it.
    bn_momentum: float = 0.9
    update: Literal["joint", "alternating"] = "alternating"
    generator_step: Literal["fakes", "latents", "fresh"] = "fakes"
    real_target: float = 1.0
    d_loss_scale: float = 1.0
    packing: Size = 1
    classes: int = 0
    class_judge: Literal["projection", "auxiliary"] = "projection"
    learning_rate: float = 2e-4
    beta_1: float = 0.5
    beta_2: float = 0.999
    adam_epsilon: float = 1e-8  # PyTorch's; Keras's is 1e-7
    batch_size: Size = 128
    epochs: Size = 5
    least_steps: int = 0
    drop_remainder: bool = False
    grid: tuple[Size, Size] = (8, 8)

    @property
    def family(self) -> str:
        """The name without the shape that the preset is fitted to: "faces64@8x8x1" -> "faces64"."""
        return self.name.partition("@")[0]

    @property
    def generator_inputs(self) -> int:
        """How many numbers the first row of the generator takes: the latents and, where there are classes, what stands for
        the class."""
        return self.latent_dim + (CLASS_EMBEDDING_DIM if self.classes else 0)

    @property
    def shown_classes(self) -> list[int]:
        """The classes of the rows of the sample pictures: all, or where there are more classes than rows, evenly chosen."""
        rows = self.grid[0]
        return [row * self.classes // rows for row in range(rows)] if self.classes else []

    @property
    def in_words(self) -> str:
        if self.family == self.name:
            return f"{self.name}: {self.about}"
        height, width, channels = self.image_shape
        return f"the net of {self.family}, fitted to {height}x{width} {'grey' if channels == 1 else 'colour'}"


# faces64 and mri96 share all stages but the outermost one, next to the image.
_DCGAN_STEM = (_reshape(1, 1, 100), _deconv(512, 4, 1, "bn relu", bias=False, padding="valid"))  # 4x4x512
_DCGAN_UP = tuple(_deconv(filters, 4, 2, "bn relu", bias=False) for filters in (256, 128, 64))  # 32x32x64
_DCGAN_DOWN = tuple(_conv(filters, 4, 2, "bn leaky:0.2", bias=False) for filters in (128, 256, 512))  # 4x4x512
_DCGAN_HEAD = (_conv(1, 4, 1, bias=False, padding="valid"), _flatten)

_ROWS = (
    Preset(
        name="mnist",
        about="28x28 grey, DCGAN of a course notebook",
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
        least_steps=2345,  # 5 epochs of MNIST's 60,000 images; the two presets below count theirs alike
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
        least_steps=9380,
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
        least_steps=18760,
        grid=(5, 5),
    ),
    Preset(
        name="faces64",
        about="64x64 colour, the DCGAN of the paper (arXiv:1511.06434) as PyTorch's tutorial gives it",
        image_shape=(64, 64, 3),
        generator=(*_DCGAN_STEM, *_DCGAN_UP, _deconv(3, 4, 2, "tanh", bias=False)),
        discriminator=(_conv(64, 4, 2, "leaky:0.2", bias=False), *_DCGAN_DOWN, *_DCGAN_HEAD),
        initializer="dcgan",
        least_steps=7915,  # 5 epochs of CelebA's 202,599 faces
    ),
    Preset(
        name="mri96",
        about="96x96 colour, faces64 with a last step of 3; made for folders of a few hundred scans",
        image_shape=(96, 96, 3),
        generator=(*_DCGAN_STEM, *_DCGAN_UP, _deconv(3, 5, 3, "tanh", bias=False)),
        discriminator=(_conv(64, 5, 3, "bn leaky:0.2", bias=False), *_DCGAN_DOWN, *_DCGAN_HEAD),
        batch_size=64,
        epochs=400,
        drop_remainder=True,
        grid=(5, 5),  # A grid of 64 such images would make a GIF of 250 MB in 400 epochs.
    ),
    Preset(
        name="paints200",
        about="200x200 colour, both nets updated at once, dropout in the discriminator",
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


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        KeyError: there is none; the message lists those that there are.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise KeyError(f"no preset {name!r}; there are {', '.join(PRESETS)}") from None
