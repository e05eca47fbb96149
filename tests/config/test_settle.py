"""Who says each value: a table of images, flags and devices, with what comes of them."""

import json
from dataclasses import replace

import pytest
from support.helpers import error_of

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.checks import check
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.ranges import Range
from dcgan_tf.config.recipes import RECIPES, SWITCHES, TUTORIAL, Recipe, described
from dcgan_tf.config.settings import Images, settings_from_json
from dcgan_tf.config.settle import Facts, Start, settle, wanted_shape
from dcgan_tf.config.train import Switches, TrainConfig

BEST = "ema 0.995, augment translation, d-bias, upsampling even"
MNIST, FACES, PAINTS, SCANS, DIGITS = (28, 28, 1), (64, 64, 3), (200, 200, 3), (96, 96, 1), (8, 8, 1)


def settled(
    shape,
    count=3000,
    begun=None,
    black_or_white=0.0,
    devices=1,
    on_processor=True,
    start=None,
    names=(),
    why="",
    **flags,
):
    """names: of the classes that the images have. why: they have none."""
    images = Images("x", count, shape, "uint8 0..255", "0" * 16, tuple(names))
    facts = Facts(images, lambda: black_or_white, "checkpoints/x", start, devices, on_processor, why)
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


# ---- classes

PETS = ("cat", "dog", "owl")
CONDITIONAL = Switches(conditional="on")


def test_classes_are_settled_where_the_nets_know_them_and_nowhere_else():
    made = settled(FACES, names=PETS, switches=CONDITIONAL)
    assert (made.data.class_names, made.preset.classes, made.preset.class_judge) == (PETS, 3, "projection")
    assert made.recipe.conditional and described(made.recipe) == f"{BEST}, conditional"
    for flags in ({}, {"balance": "on"}, {"switches": Switches(conditional="off")}):
        made = settled(FACES, names=PETS, **flags)
        assert (made.data.class_names, made.preset.classes, made.preset.generator_inputs) == ((), 0, 100)
        assert settings_from_json(json.loads(json.dumps(made.to_json()))) == made
    assert made.preset == settled(FACES).preset
    made = settled(FACES, names=PETS, switches=Switches(conditional="on", class_norm="on", class_judge="auxiliary"))
    assert described(made.recipe) == f"{BEST}, conditional, class-norm, class-judge auxiliary"
    assert made.preset.class_judge == "auxiliary"
    norms = [word for row in made.preset.generator for word in row.then.split() if "bn" in word]
    assert norms == ["class_bn"] * 4
    assert settings_from_json(json.loads(json.dumps(made.to_json()))) == made


def test_what_is_balanced_is_settled_by_the_flag_alone():
    assert settled(FACES, names=PETS).config.balance == "off"
    assert settled(FACES, names=PETS, balance="on").config.balance == "on"


GIVE = (
    "give a folder with a folder for each class, an archive of one, an IDX file with its labels beside, a .npz, HDF5 or "
    "MATLAB file with labels, a CSV or Parquet table with a column of them, TFRecord files with labels, or mnist"
)
NO_CLASSES = [
    ({"switches": CONDITIONAL}, f"--conditional on: the images of x.npy have no classes: {GIVE}"),
    ({"balance": "on"}, f"--balance on: the images of x.npy have no classes: {GIVE}"),
    (
        {"balance": "on", "switches": CONDITIONAL, "why": "labels ignored: 'y' is int64 [4]"},
        f"--conditional on: the images of x.npy have no classes (labels ignored: 'y' is int64 [4]): {GIVE}",
    ),
    (
        {"switches": CONDITIONAL, "names": ["c\x1bat"]},
        "--conditional on: all images of x.npy are of one class, c\\x1bat: give images of two or more, or leave "
        "--conditional out",
    ),
    (
        {"balance": "on", "names": ["cat"]},
        "--balance on: all images of x.npy are of one class, cat: give images of two or more, or leave --balance out",
    ),
    (
        {"switches": CONDITIONAL, "names": [str(label) for label in range(1000)], "count": 3999},
        "--conditional on: 3,999 images of 1,000 classes are too few, 4 of each are needed on average: are the labels of "
        "x.npy classes? Give fewer with --classes, or more images",
    ),
    (
        {"balance": "on", "names": PETS, "count": 11},
        "--balance on: 11 images of 3 classes are too few, 4 of each are needed on average: are the labels of x.npy "
        "classes? Give fewer with --classes, or more images",
    ),
    (
        {"switches": Switches(conditional="on", packing=2), "names": PETS},
        "--packing 2 --conditional on: a pack would hold images of several classes: give one of them",
    ),
    ({"switches": Switches(class_norm="on"), "names": PETS}, "--class-norm on: is for --conditional on: give both"),
    (
        {"switches": Switches(conditional="off", class_judge="auxiliary"), "names": PETS},
        "--class-judge auxiliary: is for --conditional on: give both",
    ),
    (
        {"switches": Switches(class_norm="on"), "names": PETS, "balance": "on"},
        "--class-norm on: is for --conditional on: give both",
    ),
    (
        {"switches": Switches(conditional="on", class_norm="on"), "names": PETS, "preset": "mnist-mlp"},
        "--class-norm on: the generator of --preset mnist-mlp has no batch normalization: leave it out, or give another "
        "--preset",
    ),
]


@pytest.mark.parametrize("given, message", NO_CLASSES, ids=[message.partition(":")[0] for _, message in NO_CLASSES])
def test_classes_that_are_needed_and_not_there(given, message):
    assert error_of(settled, FACES, **given) == message


@pytest.mark.parametrize(
    "given",
    [
        {"switches": CONDITIONAL, "names": PETS, "count": 12, "batch_size": 4},
        {"balance": "on", "names": PETS, "switches": Switches(packing=2)},
        {"switches": Switches(class_norm="off", class_judge="projection")},  # what is so anyway
        {"names": ["cat"]},
    ],
    ids=["just enough", "packing with balance", "as it is", "one class that nobody asks for"],
)
def test_classes_that_are_as_they_have_to_be(given):
    settled(FACES, **given)


def test_a_run_that_is_there_says_that_it_is_conditional_until_a_flag_does():
    begun = settled(FACES, names=PETS, switches=CONDITIONAL)
    assert settled(FACES, names=PETS, begun=begun).preset == begun.preset
    assert error_of(settled, FACES, begun=begun).startswith("--conditional on: the images of x.npy have no classes: ")
    off = settled(FACES, names=PETS, begun=begun, switches=Switches(conditional="off"))
    assert (off.preset.classes, off.data.class_names) == (0, ())


@pytest.mark.parametrize(
    "classes, preset, grid, shown",
    [
        (3, "faces64", (3, 8), [0, 1, 2]),
        (16, "faces64", (16, 8), list(range(16))),
        (17, "faces64", (16, 8), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        (40, "faces64", (16, 8), [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 30, 32, 35, 37]),
        (3, "paints200", (3, 8), [0, 1, 2]),  # whose own sheet has two columns
    ],
)
@pytest.mark.parametrize("recipe", ["tutorial", "best"])
def test_sample_pictures_have_a_row_for_each_class(classes, preset, grid, shown, recipe):
    names = list(map(str, range(classes)))
    made = settled(FACES, names=names, switches=CONDITIONAL, preset=preset, recipe=recipe)
    assert (made.preset.grid, made.preset.shown_classes) == (grid, shown)
    assert settled(FACES, names=names, preset=preset, recipe=recipe).preset.shown_classes == []


def test_a_run_that_goes_on_keeps_the_rows_and_columns_that_it_began_with():
    begun = settled(FACES, names=PETS, switches=CONDITIONAL)
    begun = replace(begun, preset=replace(begun.preset, grid=(2, 5)))  # as another version had them
    again = settled(FACES, names=PETS, begun=begun)
    assert (again.preset.grid, again.preset.shown_classes) == ((2, 5), [0, 1])


@pytest.mark.parametrize("latent_dim", [33, 256, None])
def test_the_first_row_is_as_wide_as_latents_and_class(latent_dim):
    """Of the presets that begin with a reshape, too; of a saved generator's latents, where there is one."""
    start = Start(FACES, latent_dim, 7)
    for name in PRESETS:
        preset = settled(FACES, names=PETS, start=start, preset=name, switches=CONDITIONAL).preset
        own = latent_dim or PRESETS[name].latent_dim
        assert (preset.latent_dim, preset.generator_inputs) == (own, own + 50)
        first = preset.generator[0]
        assert first.kind == ("reshape" if name in ("faces64", "mri96") else "dense")
        assert first.kind == "dense" or first.shape == (1, 1, own + 50)


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
