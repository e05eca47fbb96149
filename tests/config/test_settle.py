"""Who says each value: a table of images, flags and devices, with what comes of them."""

import pytest

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.checks import check
from dcgan_tf.config.ranges import Range
from dcgan_tf.config.recipes import RECIPES, SWITCHES, TUTORIAL, Recipe, described
from dcgan_tf.config.settings import Images
from dcgan_tf.config.settle import Facts, Start, settle, wanted_shape
from dcgan_tf.config.train import Switches, TrainConfig

BEST = "ema 0.995, augment translation, d-bias, upsampling even"
MNIST, FACES, PAINTS, SCANS, DIGITS = (28, 28, 1), (64, 64, 3), (200, 200, 3), (96, 96, 1), (8, 8, 1)


def settled(shape, count=3000, begun=None, black_or_white=0.0, devices=1, on_processor=True, start=None, **flags):
    images = Images("x", count, shape, "uint8 0..255", "0" * 16)
    facts = Facts(images, lambda: black_or_white, "checkpoints/x", start, devices, on_processor)
    return settle(TrainConfig("x.npy", **flags), facts, begun)


# shape, what else is known or said; preset, batch size, learning rate, epochs, steps per epoch, recipe
TABLE = [
    # The preset made for the images; best on few of them: batches of 16, and no lower a rate than 0.0002.
    (MNIST, {}, "mnist", 16, 3e-4, 13, 188, BEST),
    (FACES, {}, "faces64", 16, 2e-4, 43, 188, BEST),
    (PAINTS, {}, "paints200", 8, 2e-4, 800, 375, BEST),  # 8: 200x200 is large, 1e-4 is below the recipe's rate
    # On other images the family of faces64, fitted, for 10,000 steps at least.
    (SCANS, {}, "faces64@96x96x1", 16, 2e-4, 54, 188, BEST),
    ((300, 300, 3), {}, "faces64@300x300x3", 8, 2e-4, 27, 375, BEST),
    (DIGITS, {}, "faces64@8x8x1", 16, 2e-4, 54, 188, "ema 0.995, d-bias, upsampling even"),  # too small to augment
    (DIGITS, {"count": 8}, "faces64@8x8x1", 16, 2e-4, 400, 1, "ema 0.995, d-bias, upsampling even"),  # 400 at most
    # A gain where a fifth of the values is black or white.
    (MNIST, {"black_or_white": 0.2}, "mnist", 16, 3e-4, 13, 188, f"{BEST}, tanh-gain 1.05"),
    (MNIST, {"black_or_white": 0.19}, "mnist", 16, 3e-4, 13, 188, BEST),
    # Many images have the tutorial recipe, and the preset's own numbers.
    (MNIST, {"count": 60_000}, "mnist", 128, 3e-4, 5, 469, ""),
    (FACES, {"count": 202_599}, "faces64", 128, 2e-4, 5, 1583, ""),
    (MNIST, {"count": 20_000}, "mnist", 16, 3e-4, 5, 1250, BEST),
    (MNIST, {"count": 20_001}, "mnist", 128, 3e-4, 15, 157, ""),
    # Best, asked for: with many images without its batches and augmentation.
    (MNIST, {"count": 60_000, "recipe": "best"}, "mnist", 128, 3e-4, 5, 469, "ema 0.995, d-bias, upsampling even"),
    (FACES, {"recipe": "tutorial"}, "faces64", 128, 2e-4, 330, 24, ""),
    (PAINTS, {"recipe": "tutorial"}, "paints200", 16, 1e-4, 800, 188, ""),
    # On a GPU, and on several devices, best has the preset's batches.
    (FACES, {"on_processor": False}, "faces64", 128, 2e-4, 330, 24, BEST),
    (FACES, {"devices": 2}, "faces64", 128, 2e-4, 330, 24, BEST),
    # A named preset, fitted; each of its epochs drops what is no whole batch.
    (FACES, {"preset": "mri96", "recipe": "tutorial"}, "mri96@64x64x3", 64, 2e-4, 218, 46, ""),
    (PAINTS, {"preset": "mnist-mlp", "recipe": "tutorial"}, "mnist-mlp@200x200x3", 8, 2e-4, 27, 375, ""),
    # Flags go first.
    (FACES, {"batch_size": 40, "learning_rate": 0.01, "epochs": 2}, "faces64", 40, 0.01, 2, 75, BEST),
    (FACES, {"switches": Switches(ema=0.0, augment=(), flips="on")}, "faces64", 16, 2e-4, 43, 188, "flips, d-bias, upsampling even"),
    (FACES, {"recipe": "tutorial", "switches": Switches(packing=2)}, "faces64", 128, 2e-4, 345, 23, "packing 2"),
]  # fmt: skip


@pytest.mark.parametrize("shape, known, preset, batch_size, learning_rate, epochs, steps, recipe", TABLE)
def test_table(shape, known, preset, batch_size, learning_rate, epochs, steps, recipe):
    made = settled(shape, **known)
    assert (made.preset.name, described(made.recipe)) == (preset, recipe)
    config = made.config
    assert (config.batch_size, config.learning_rate, config.epochs) == (batch_size, learning_rate, epochs)
    assert made.steps_per_epoch == steps
    assert (config.run_dir, config.precision) == ("checkpoints/x", "auto")


def test_a_run_that_is_there_says_recipe_and_precision_until_a_flag_does():
    begun = settled(FACES, recipe="tutorial", precision="bfloat16", switches=Switches(r1=1.0))
    again = settled(FACES, begun=begun)
    assert described(again.recipe) == "r1 1" and again.config.precision == "bfloat16"
    said = settled(FACES, begun=begun, recipe="best", precision="float32", switches=Switches(ema=0.5))
    assert described(said.recipe) == BEST.replace("0.995", "0.5") and said.config.precision == "float32"
    # The recipe as it came out: batches of 16 also where a new run would have others.
    small = settled(FACES)
    assert [settled(FACES, begun=small, on_processor=where).config.batch_size for where in (True, False)] == [16, 16]


def test_images_are_looked_at_only_where_a_recipe_has_a_gain():
    with pytest.raises(ZeroDivisionError):
        facts = Facts(Images("x", 44, FACES, "", ""), lambda: 1 / 0, "x")
        settle(TrainConfig(recipe="best"), facts)
    assert settle(TrainConfig(recipe="tutorial"), facts).recipe == TUTORIAL


def test_what_the_flags_ask_of_the_images():
    start = Start((48, 40, 1), 100, 7)
    assert wanted_shape(TrainConfig(), None) == (None, None)
    assert wanted_shape(TrainConfig(image_size=(8, 9)), None) == ((8, 9), None)
    assert wanted_shape(TrainConfig(preset="mnist"), start) == ((28, 28), 1)
    assert wanted_shape(TrainConfig(), start) == ((48, 40), 1)
    assert wanted_shape(TrainConfig(image_size=(8, 9)), start) == ((8, 9), 1)


def test_every_switch_is_a_flag_of_the_same_name_that_is_not_said():
    assert [switch.name for switch in SWITCHES] == list(Switches.__dataclass_fields__)
    assert set(vars(Switches()).values()) == {None}
    assert set(Recipe.__dataclass_fields__) - {switch.name for switch in SWITCHES} == {"batch_size", "learning_rate"}


OUT_OF_RANGE = {
    "ema": 1.0, "r1": -1.0, "r2": -1.0, "gradient_penalty": float("inf"), "penalty_every": 0, "packing": 0,
    "d_learning_rate": 1.5, "instance_noise": -0.1, "tanh_gain": 2.5,
}  # fmt: skip


def test_every_switch_that_is_a_number_has_a_range():
    ranged = {switch.name for switch in SWITCHES if isinstance(switch.metadata["range"], Range)}
    assert ranged == set(OUT_OF_RANGE)
    for recipe in RECIPES.values():
        values = {name: getattr(recipe, name) for name in ranged}
        check(TrainConfig(switches=Switches(**values)))


@pytest.mark.parametrize("name, value", OUT_OF_RANGE.items())
def test_out_of_range(name, value):
    with pytest.raises(UserError, match=f"^--{name.replace('_', '-')} {value:g}: must be "):
        check(TrainConfig(switches=Switches(**{name: value})))
