"""What `benchmarks/quality/run.py` compares: recipes, and the sets of images they are tried on."""

from dataclasses import dataclass

from dcgan_tf.config.commands import IMAGENET as IMAGENET  # what --features calls the net that has seen the world

DIGITS = "digits"  # the set that the program brings along


@dataclass(frozen=True)
class Study:
    """One set of images, trained on in several ways.

    data        below --data-root, or DIGITS; for Stacked MNIST, the digits to make it of
    steps       of the tutorial recipe
    flags       of `train.py`, for every variant
    classifier  labelled images below --data-root, and flags for `dcgan-tf train-features`: tiny grey images are compared in
                the features of a net that is trained on them; all others, (), in those of IMAGENET
    images      of each set, for the measures; None: as published, or half of the real ones
    credit      whose the images are, where pictures made from them may be shown; "": they are not shown
    """

    data: str
    steps: int
    flags: tuple[str, ...]
    variants: tuple[str, ...]
    classifier: tuple[str, ...] = ()
    images: int | None = None
    credit: str = ""
    is_stacked: bool = False

    @property
    def keeps_epochs(self) -> bool:
        """Whether every epoch that is measured while it trains is kept, and measured by KID in the end."""
        return self.variants == CONFIRMATION


# Flags on top of the tutorial recipe, or of the best one where the name begins with "best", which has small batches for few
# images alone, augments few images alone, and none that are tiny, and has a gain for pictures on black or white alone.
NOW = {
    "tutorial": (),
    "best": (),
    "ema": ("--ema", "0.995"),
    "augment": ("--augment", "colour", "translation", "cutout"),
    "augment without colour": ("--augment", "translation", "cutout"),
    "flips": ("--flips", "on"),
    "hinge": ("--loss", "hinge"),
    "least squares": ("--loss", "least-squares"),
    "relativistic, R1, R2": ("--loss", "relativistic", "--r1", "1", "--r2", "1", "--penalty-every", "8"),
    "Wasserstein, penalty": ("--loss", "wasserstein", "--gradient-penalty", "10"),
    "R1": ("--r1", "1", "--penalty-every", "8"),
    "minibatch std": ("--minibatch-std", "on"),
    "packing": ("--packing", "2"),
    "bias": ("--d-bias", "on"),
    "spectral norm": ("--spectral-norm", "on"),
    "D learns twice as fast": ("--d-learning-rate", "0.0004"),
    "instance noise": ("--instance-noise", "0.1"),
    "batches of 32": ("--batch-size", "32"),
    "batches of 16": ("--batch-size", "16"),
    "batches of 16, EMA": ("--batch-size", "16", "--ema", "0.995"),
    "batches of 16, bias": ("--batch-size", "16", "--d-bias", "on"),
    "even kernels": ("--upsampling", "even"),
    "resizing": ("--upsampling", "resize"),
    "best, augment": ("--augment", "translation"),
    "best, no augment": ("--augment",),
    "best, no EMA": ("--ema", "0"),
    "best, cutout too": ("--augment", "translation", "cutout"),
    "best, colour too": ("--augment", "colour", "translation"),
    "best, flips": ("--flips", "on"),
    "best, R1": ("--r1", "1", "--penalty-every", "8"),
    "best, R1 of 0.05": ("--r1", "0.05", "--penalty-every", "8"),
    "best, relativistic, R1, R2": (
        "--loss", "relativistic", "--r1", "1", "--r2", "1", "--penalty-every", "8",
    ),
    "best, relativistic, R1, R2 of 0.05": (
        "--loss", "relativistic", "--r1", "0.05", "--r2", "0.05", "--penalty-every", "8",
    ),
    "best, hinge": ("--loss", "hinge"),
    "best, least squares": ("--loss", "least-squares"),
    "best, Wasserstein, penalty": ("--loss", "wasserstein", "--gradient-penalty", "10"),
    "best, minibatch std": ("--minibatch-std", "on"),
    "best, packing": ("--packing", "2"),
    "best, spectral norm": ("--spectral-norm", "on"),
    "best, instance noise": ("--instance-noise", "0.1"),
    "best, gain": ("--tanh-gain", "1.05"),
    "best, no gain": ("--tanh-gain", "1"),
    "best, uneven kernels": ("--upsampling", "transposed"),
    "best, resizing": ("--upsampling", "resize"),
    "best, EMA 0.95": ("--ema", "0.95"),
    "best, EMA 0.999": ("--ema", "0.999"),
    "best, twice the learning rate": ("--learning-rate", "0.0004"),
    "best, D learns twice as fast": ("--d-learning-rate", "0.0004"),
    "best, batches of 8": ("--batch-size", "8"),
    "best, batches of 16, learning rate 1e-4": ("--batch-size", "16", "--learning-rate", "0.0001"),
    "best, batches of 32": ("--batch-size", "32"),
    "best, batches of 64": ("--batch-size", "64"),
    "best, no bias": ("--d-bias", "off"),
}  # fmt: skip

NO_GAIN_NO_BIAS = ("--tanh-gain", "1", "--d-bias", "off")
BEFORE_IN_COLOUR = ("--d-bias", "off", "--augment", "translation", "cutout")
# What was measured when best was something else.
BEFORE = {
    # It had no gain on black and white;
    "best, no gain, no bias": NO_GAIN_NO_BIAS,
    "best, no gain, no bias, cutout too": ("--tanh-gain", "1", *BEFORE_IN_COLOUR),
    "best, no gain, augment": ("--tanh-gain", "1", "--augment", "translation"),
    "best, no gain, batches of 64": ("--tanh-gain", "1", "--batch-size", "64"),
    # in grey it had no augmentation;
    "best, no augment, EMA 0.95": ("--augment", "--ema", "0.95"),
    "best, no augment, no gain, no bias": ("--augment", *NO_GAIN_NO_BIAS),
    # its discriminator had no bias, and in colour it had cutout, too.
    "best, no bias, cutout too": BEFORE_IN_COLOUR,
    "best, no bias, cutout too, resizing": (*BEFORE_IN_COLOUR, "--upsampling", "resize"),
    "best, no bias, cutout too, EMA 0.999": (*BEFORE_IN_COLOUR, "--ema", "0.999"),
    "best, no bias, cutout too, batches of 32": (*BEFORE_IN_COLOUR, "--batch-size", "32"),
    "best, no bias, cutout too, batches of 64": (*BEFORE_IN_COLOUR, "--batch-size", "64"),
    "best, no bias, cutout too, batches of 64, colour too": (
        "--d-bias", "off", "--augment", "colour", "translation", "cutout", "--batch-size", "64",
    ),
    "best, no bias, cutout too, batches of 64, flips": (*BEFORE_IN_COLOUR, "--batch-size", "64", "--flips", "on"),
    "best, no bias, cutout too, batches of 64, R1": (
        *BEFORE_IN_COLOUR, "--batch-size", "64", "--r1", "1", "--penalty-every", "8",
    ),
}  # fmt: skip
VARIANTS = NOW | BEFORE

# Nets of the family that fits 32x32 have even kernels anyway.
ABLATION = tuple(name for name in NOW if "even" not in name)
# Without what best does there by itself: the paintings and the faces have little black or white, the scans much.
IN_COLOUR, ON_BLACK = (
    tuple(name for name in ABLATION if name not in ("best, augment", of_best))
    for of_best in ("best, no gain", "best, gain")
)
CONFIRMATION = ("tutorial", "best")
STUDIES = {
    # Half an hour to an hour on two cores with AVX2 (AMD EPYC), for the tutorial recipe as for the best one.
    # As many samples as are published, 20,000 for MS-SSIM, would take half as long as the training.
    "faces64": Study("faces", 1300, ("--preset", "faces64"), CONFIRMATION, images=5000),
    "emoji64": Study(
        "emoji",
        1300,
        ("--preset", "faces64"),
        CONFIRMATION,
        images=5000,
        credit="Noto Emoji, Apache License 2.0, Google",
    ),
    "paintings64": Study("paintings", 1300, ("--preset", "faces64"), CONFIRMATION, images=5000),
    "mri96": Study("mri/Training", 2500, ("--image-size", "96", "96"), CONFIRMATION, images=5000),
    "paintings200": Study("paintings", 1600, ("--preset", "paints200"), CONFIRMATION, images=2000),
    "digits8": Study(DIGITS, 1680, (), CONFIRMATION, (DIGITS,), credit="scikit-learn's digits"),
    "mnist28": Study("mnist", 3000, ("--preset", "mnist"), CONFIRMATION, ("mnist",), credit="MNIST"),
    "fashion28": Study(
        "fashion-mnist", 3000, ("--preset", "mnist"), CONFIRMATION, ("fashion-mnist",), credit="Fashion-MNIST"
    ),
    "stacked": Study("mnist", 12_000, (), CONFIRMATION, ("mnist",), images=10_000, credit="MNIST", is_stacked=True),
    # Ten epochs: no more than the 640,000 images of mmgeneration's anchor, which is scored on 10,000.
    "mnist64": Study(
        "mnist", 9380, ("--image-size", "64", "64"), CONFIRMATION, ("mnist",), images=10_000, credit="MNIST"
    ),
    "faces32": Study("faces", 2000, ("--image-size", "32", "32"), IN_COLOUR),
    "paintings32": Study("paintings", 2000, ("--image-size", "32", "32"), IN_COLOUR),
    "mri32": Study("mri/Training", 2000, ("--image-size", "32", "32"), ON_BLACK),
}
# Where the recipes stand: photographs and drawings, compared in the features of IMAGENET.
PICTURES = tuple(name for name, study in STUDIES.items() if study.keeps_epochs and not study.classifier)
TINY = tuple(name for name, study in STUDIES.items() if study.classifier)


def flags_of(variant: str) -> list[str]:
    recipe = "best" if variant.startswith("best") else "tutorial"
    return ["--recipe", recipe, *VARIANTS[variant]]


def slug(variant: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in variant.lower())
