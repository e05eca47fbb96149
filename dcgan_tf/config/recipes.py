"""How a net is trained beyond what its preset says: frozen rows of data. Standard library only.

The preset is the net and the update as they were published. A recipe adds what has been found since, each part a
switch, declared here once: flags, checks and config.json are made from these fields. `tutorial` has none of it.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Literal

from dcgan_tf.config.flags import MOST_USED, OF_NET, OF_TRAINING, Group
from dcgan_tf.config.ranges import AT_LEAST_1, DECAY, GAIN, LEARNING_RATE, NOT_NEGATIVE, Range

Loss = Literal["standard", "least-squares", "hinge", "relativistic", "wasserstein"]
Augmentation = Literal["colour", "translation", "cutout"]
Upsampling = Literal["transposed", "even", "resize"]
ClassJudge = Literal["projection", "auxiliary"]


def _switch(off, group: Group, help: str, range: Range | None = None):
    """A field that is a flag as well. off: what the tutorial recipe has. group, help: where --help has it, and says what."""
    return field(default=off, metadata={"help": help, "range": range, "group": group})


@dataclass(frozen=True)
class Recipe:
    """The switches, and what follows the preset where nothing is said of it.

    batch_size        images a step on one processor, at most the preset's; None: the preset's
    learning_rate     at least, where the preset's is lower; None: the preset's
    loss              see `dcgan_tf.gan.losses`; "standard" is the preset's own
    ema               arXiv:1806.04498
    augment           differentiable augmentation, arXiv:2006.10738
    r1, r2            weight of the squared gradient of the discriminator at real (arXiv:1801.04406) and generated images
    gradient_penalty  holds the gradient between real and generated images at length 1 (arXiv:1704.00028)
    penalty_every     lazy regularization, arXiv:1912.04958
    minibatch_std     arXiv:1710.10196
    packing           PacGAN, arXiv:1712.04086
    d_bias            as in arXiv:1511.06434; the reason is in `dcgan_tf.config.variants`
    spectral_norm     arXiv:1802.05957
    d_learning_rate   arXiv:1706.08500; None: the generator's
    instance_noise    arXiv:1610.04490
    upsampling        transposed convolutions as in the preset; "even": with kernels of whole multiples of the stride,
                      which cover all pixels alike (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"): 4 in
                      place of 5 for a stride of 2; "resize": pixels repeated, then a convolution
    tanh_gain         by itself a tanh stays a few levels off black and white, where it has next to no gradient
    conditional       nets that draw the class that is asked for, and judge whether an image is of it; see
                      `dcgan_tf.nets.build`
    class_norm        conditional batch normalization, arXiv:1610.07629
    class_judge       projection: arXiv:1802.05637; auxiliary: arXiv:1610.09585
    """

    batch_size: int | None = None
    learning_rate: float | None = None
    loss: Loss = _switch(
        "standard", OF_TRAINING, "How the discriminator's logits are scored. standard: the preset's own."
    )
    ema: float = _switch(
        0.0,
        OF_TRAINING,
        "Decay per step of the moving average of the generator that is shown and saved, such as 0.995; 0: none.",
        DECAY,
    )
    augment: tuple[Augmentation, ...] = _switch(
        (),
        OF_TRAINING,
        "Random changes to all images that the discriminator sees; no name: none. They make few images go a long way.",
    )
    flips: bool = _switch(
        False,
        MOST_USED,
        "Mirror half of the real images. Not for digits, letters, or anything else that has a left and a right.",
    )
    r1: float = _switch(
        0.0,
        OF_TRAINING,
        "Weight of the penalty on the discriminator's gradient at real images, such as 1; 0: none.",
        NOT_NEGATIVE,
    )
    r2: float = _switch(0.0, OF_TRAINING, "The same as --r1, at generated images.", NOT_NEGATIVE)
    gradient_penalty: float = _switch(
        0.0, OF_TRAINING, "Weight of the penalty of --loss wasserstein, such as 10; 0: none.", NOT_NEGATIVE
    )
    penalty_every: int = _switch(
        1, OF_TRAINING, "Steps from one penalty to the next, which weighs so much more.", AT_LEAST_1
    )
    minibatch_std: bool = _switch(False, OF_NET, "Show the discriminator how much the images of a batch differ.")
    packing: int = _switch(1, OF_NET, "How many images the discriminator judges at once.", AT_LEAST_1)
    d_bias: bool = _switch(
        False,
        OF_NET,
        "Give the discriminator's first layer a bias, and no batch normalization: else it may not see contrast.",
    )
    spectral_norm: bool = _switch(False, OF_NET, "Hold the discriminator's weights at a spectral norm of 1.")
    d_learning_rate: float | None = _switch(None, OF_TRAINING, "The discriminator's own learning rate.", LEARNING_RATE)
    instance_noise: float = _switch(
        0.0,
        OF_TRAINING,
        "Standard deviation of noise on all that the discriminator sees, falling to 0 over 5,000 steps, such as 0.1.",
        NOT_NEGATIVE,
    )
    upsampling: Upsampling = _switch(
        "transposed",
        OF_NET,
        'How the generator enlarges. "even" and "resize" make no checkerboards; "resize" takes more time.',
    )
    tanh_gain: float = _switch(
        1.0,
        OF_NET,
        "What is shown and saved is the generator's tanh times so much, such as 1.05, cut off at black and white, which it "
        "does not quite reach by itself; 1: as it is.",
        GAIN,
    )
    conditional: bool = _switch(
        False,
        MOST_USED,
        "Train a net that draws the class that is asked for. The images need classes, such as a folder for each.",
    )
    class_norm: bool = _switch(
        False,
        OF_NET,
        "With --conditional on: each class has a scale and a shift of its own in the generator's batch normalizations.",
    )
    class_judge: ClassJudge = _switch(
        "projection",
        OF_NET,
        "With --conditional on, what the discriminator does with a class. projection: it judges whether an image is a real "
        "one of that class. auxiliary: it also tells the class.",
    )

    @property
    def penalizes(self) -> bool:
        return self.r1 > 0 or self.r2 > 0 or self.gradient_penalty > 0


SWITCHES = tuple(declared for declared in fields(Recipe) if "help" in declared.metadata)
TUTORIAL = Recipe()
# Small batches and the moving average gave more than all else: on a processor, three times as many steps in the same
# time. Translation keeps the discriminator from learning few images by heart; cutout on top of it made SWD worse by a
# fifth. Flips are no part of a recipe: nobody but the user knows whether there is text in the pictures. The
# measurements are in docs/quality.md and docs/findings.md.
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


def with_switches(recipe: Recipe, switches) -> Recipe:
    """The recipe with the switches that are given, a `config.train.Switches`, in place of its own."""
    given = {switch: value for switch, value in asdict(switches).items() if value is not None}
    on_off = {"on": True, "off": False}
    return replace(recipe, **{switch: on_off.get(value, value) for switch, value in given.items()})


def described(recipe: Recipe) -> str:
    """The switches that are on, in words such as "ema 0.995, augment colour translation"; "" for none."""
    return ", ".join(
        f"{switch.name.replace('_', '-')} {_shown(getattr(recipe, switch.name))}".strip()
        for switch in SWITCHES
        if getattr(recipe, switch.name) != switch.default
    )


def _shown(value) -> str:
    if value is True:
        return ""
    if isinstance(value, (list, tuple)):
        return " ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
