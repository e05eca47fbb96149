"""How a net is trained beyond what its preset says: frozen rows of data. Standard library only.

The preset is the net and the update as they were published. A recipe adds what has been found since, each part a
switch; `tutorial` has none of it.
"""

from dataclasses import asdict, dataclass, replace
from typing import Literal

from dcgan_tf.config.fitting import images_a_batch
from dcgan_tf.config.presets import Layer, Preset

Loss = Literal["standard", "least-squares", "hinge", "relativistic", "wasserstein"]
Augmentation = Literal["colour", "translation", "cutout"]
Upsampling = Literal["transposed", "even", "resize"]


@dataclass(frozen=True)
class Recipe:
    """The switches, and what follows the preset where nothing is said of it.

    batch_size        images a step on one processor, at most the preset's; None: the preset's
    learning_rate     at least, where the preset's is lower; None: the preset's
    loss              see `dcgan_tf.gan.losses`; "standard" is the preset's own
    ema               decay per step of the moving average of the generator's weights, which is what is shown and saved
                      (arXiv:1806.04498); 0: none
    augment           what is done at random to all images that the discriminator sees, generated ones too
                      (differentiable augmentation, arXiv:2006.10738)
    flips             half of the real images are mirrored, left to right
    r1, r2            weight of the squared gradient of the discriminator at real (arXiv:1801.04406) and generated
                      images; 0: none
    gradient_penalty  weight of the penalty that holds the gradient between real and generated images at length 1
                      (arXiv:1704.00028); 0: none
    penalty_every     steps from one penalty to the next, which then weighs so much more (arXiv:1912.04958)
    minibatch_std     the discriminator sees how much the images of a batch differ (arXiv:1710.10196)
    packing           it judges so many images at once (PacGAN, arXiv:1712.04086)
    d_bias            its first layer has a bias, and no batch normalization (as in arXiv:1511.06434); see `applied`
    spectral_norm     its weights are held at a spectral norm of 1 (arXiv:1802.05957)
    d_learning_rate   its own learning rate (arXiv:1706.08500); None: the generator's
    instance_noise    standard deviation of noise on all that it sees, falling to 0 over the first 5,000 steps
                      (arXiv:1610.04490)
    upsampling        how the generator enlarges: transposed convolutions as in the preset; "even": with kernels of whole
                      multiples of the stride, which cover all pixels alike (Odena et al. 2016, "Deconvolution and
                      Checkerboard Artifacts"): 4 in place of 5 for a stride of 2; "resize": pixels repeated, then a
                      convolution
    tanh_gain         what is shown and saved is the generator's tanh times so much, cut off at -1 and 1: by itself a tanh
                      stays a few levels off black and white, where it has next to no gradient; 1: as it is
    """

    batch_size: int | None = None
    learning_rate: float | None = None
    loss: Loss = "standard"
    ema: float = 0.0
    augment: tuple[Augmentation, ...] = ()
    flips: bool = False
    r1: float = 0.0
    r2: float = 0.0
    gradient_penalty: float = 0.0
    penalty_every: int = 1
    minibatch_std: bool = False
    packing: int = 1
    d_bias: bool = False
    spectral_norm: bool = False
    d_learning_rate: float | None = None
    instance_noise: float = 0.0
    upsampling: Upsampling = "transposed"
    tanh_gain: float = 1.0

    @property
    def penalizes(self) -> bool:
        return self.r1 > 0 or self.r2 > 0 or self.gradient_penalty > 0


TUTORIAL = Recipe()
SETTLED = ("batch_size", "learning_rate")  # with the preset's, among the flags; the rest are the switches
FEW_IMAGES = 20_000
LEAST_SIDE = 16  # pixels, of images that are augmented
BLACK_OR_WHITE = 0.2  # of all values: with so many, the gain is worth it
# Small batches and the average gave more than all else: on a processor, three times as many steps in the same time
# (docs/quality.md). Translation keeps the discriminator from learning few images by heart: without it, SWD of grey images
# of 64x64 was twice as high or more. With cutout on top of it SWD was worse by a fifth or more, and more faces had white
# patches, though KID was better there. Paintings of 200x200 learned faster at the rate that the other nets have.
# Flips are no part of a recipe: nobody but the user knows whether there is text in the pictures.
RECIPES: dict[str, Recipe] = {
    "tutorial": TUTORIAL,
    "best": Recipe(
        batch_size=16,
        learning_rate=2e-4,
        ema=0.995,
        augment=("translation",),
        d_bias=True,
        upsampling="even",
        tanh_gain=1.05,
    ),
}


def default_recipe(images: int) -> str:
    """The recipe of a set of so many images where none is asked for: "best" where it was measured to win
    (docs/quality.md), which is on a few thousand images."""
    return "best" if images <= FEW_IMAGES else "tutorial"


def suited(
    recipe: Recipe, images: int, image_shape: tuple[int, int, int], clipped: float, *, one_processor: bool = True
) -> Recipe:
    """The recipe for a set of so many images (H, W, C): it augments few images alone, and none that are tiny, has batches of
    its own for few on one processor alone, smaller ones of large images, and a gain where many values are black or white.

    clipped: the share of such values, as of `metrics.tones`.

    On the digits of 8x8 augmentation cost recall, and many images a discriminator does not learn by heart. With batches of 16
    the pictures of MNIST were sharper, but some digits came seldom (docs/quality.md). Only for one processor are several
    small steps as fast as a large one.
    """
    height, width, _ = image_shape
    are_few = images <= FEW_IMAGES
    own_batches = recipe.batch_size is not None and are_few and one_processor
    return replace(
        recipe,
        batch_size=min(recipe.batch_size, images_a_batch(height, width)) if own_batches else None,
        augment=recipe.augment if are_few and min(height, width) >= LEAST_SIDE else (),
        tanh_gain=recipe.tanh_gain if clipped >= BLACK_OR_WHITE else 1.0,
    )


def with_switches(recipe: Recipe, switches) -> Recipe:
    """The recipe with the switches that are given, a `config.Switches`, in place of its own."""
    given = {switch: value for switch, value in asdict(switches).items() if value is not None}
    on_off = {"on": True, "off": False}
    return replace(recipe, **{switch: on_off.get(value, value) for switch, value in given.items()})


def applied(preset: Preset, recipe: Recipe) -> Preset:
    """The preset with the recipe's changes to its nets.

    Without a bias before its first batch normalization, a discriminator gives the same logits where all images of a batch
    are multiplied by any number: real and generated ones are normalized apart. It cannot see then how strong the contrast
    of generated images is, which drifts, up to where the generator's tanh has no gradient.
    """
    generator, discriminator = preset.generator, preset.discriminator
    if recipe.upsampling != "transposed":
        generator = tuple(_enlarging(layer, recipe.upsampling) for layer in generator)
    if recipe.d_bias:
        discriminator = _with_bias(discriminator)
    if recipe.minibatch_std:
        # Before the last convolution or the flattening before the first dense layer, where features are largest.
        last = max(place for place, layer in enumerate(discriminator) if layer.kind == "conv")
        place = last if discriminator[last].units == 1 else last + 1
        discriminator = (*discriminator[:place], Layer("minibatch_std"), *discriminator[place:])
    drop = preset.drop_remainder or recipe.packing > 1  # what is left over may be no whole pack
    return replace(
        preset,
        generator=generator,
        discriminator=discriminator,
        batch_size=min(preset.batch_size, recipe.batch_size or preset.batch_size),
        learning_rate=max(preset.learning_rate, recipe.learning_rate or preset.learning_rate),
        packing=recipe.packing,
        drop_remainder=drop,
    )


def _with_bias(rows: tuple[Layer, ...]) -> tuple[Layer, ...]:
    first = next(place for place, row in enumerate(rows) if row.kind != "flatten")
    words = [word for word in rows[first].then.split() if word != "bn"]  # it would take the bias away
    return (*rows[:first], replace(rows[first], bias=True, then=" ".join(words)), *rows[first + 1 :])


def _enlarging(layer: Layer, upsampling: Upsampling) -> Layer:
    if layer.kind != "deconv" or layer.stride == (1, 1) or layer.padding == "valid":
        return layer
    if upsampling == "resize":
        return replace(layer, kind="resize")
    # Smaller ones, which take less time, but never so small that neighbours do not overlap.
    return replace(layer, kernel=tuple(max(2, size // step) * step for size, step in zip(layer.kernel, layer.stride)))


def described(recipe: Recipe) -> str:
    """The switches that are on, in words such as "ema 0.995, augment colour translation"; "" for none."""
    defaults = asdict(TUTORIAL)
    return ", ".join(
        f"{name.replace('_', '-')} {_shown(value)}".strip()
        for name, value in asdict(recipe).items()
        if value != defaults[name] and name not in SETTLED
    )


def _shown(value) -> str:
    if value is True:
        return ""
    return (
        " ".join(value)
        if isinstance(value, (list, tuple))
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
