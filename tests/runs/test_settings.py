"""config.json: what a command is compared with, and the recipe of a run that is there."""

import dataclasses
import json

import numpy as np
import pytest

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.config.reading import AS_STORED, Reading
from dcgan_tf.config.recipes import RECIPES, TUTORIAL, Recipe
from dcgan_tf.config.settings import Images, settings_from_json
from dcgan_tf.config.settle import MAX_BEST_IMAGES, Facts, default_recipe, settle, suited
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import changes, differences, identity, read_settings, write_settings
from dcgan_tf.training.plan import make_plan


def settled(flags):
    """The settings that a command comes to, in float32."""
    return make_plan(flags).with_precision("float32").settings


def test_differences_name_each_setting_with_both_values():
    there = {"--batch-size": 16, "--image-size": None, "--seed": 0, "gone": 1}
    here = {"--batch-size": 32, "--image-size": [64, 48], "--seed": 0, "new": 2}
    assert differences(there, here) == [
        "--batch-size 16 there, 32 here",
        "--image-size not given there, 64 48 here",
        "gone 1 there, not given here",
        "new not given there, 2 here",
    ]
    assert differences(there, dict(there)) == []


@pytest.mark.parametrize("content", ["{", "[]", '"preset"'])
def test_a_config_that_holds_no_settings_is_one_line(tmp_path, content):
    assert read_settings(RunFolder(tmp_path)) is None
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match="config.json: cannot be read .*: restore it, or give another folder"):
        read_settings(RunFolder(tmp_path))


def test_only_what_decides_the_steps_must_be_the_same(squares, tmp_path):
    def held(**flags):
        return identity(settled(TrainConfig(data=str(squares), **flags)))

    free = dict(epochs=7, max_steps=5, save_every=2, keep_last=1, keep_every=3, sample_every=2, run_dir="elsewhere")
    assert differences(held(), held(**free)) == []
    assert differences(held(batch_size=16), held(batch_size=32, seed=1)) == [
        "--batch-size 16 there, 32 here",
        "--seed 0 there, 1 here",
    ]
    assert differences(held(), held(preset="mnist", image_size=(8, 8)))[:2] == [
        "--preset faces64 there, mnist here",
        "--image-size not given there, 8 8 here",
    ]
    assert "--image-size not given there, 8 8 here" in differences(held(), held(image_size=(8, 8)))


def test_how_images_are_read_must_be_the_same_and_says_why_they_have_changed(squares):
    def held(reading=AS_STORED):
        return identity(settled(TrainConfig(data=str(squares), image_size=(8, 6), reading=reading)))

    assert changes(held(), held(Reading(crop="stretch"))) == ["--crop center, now stretch"]
    assert differences({"--classes": []}, {"--classes": ["cat", "dog"]}) == ["--classes not given there, cat dog here"]
    old = json.loads(json.dumps(settled(TrainConfig(data=str(squares))).to_json()))
    del old["config"]["reading"]  # An earlier version had no such flags.
    assert changes(identity(settings_from_json(old)), identity(settled(TrainConfig(data=str(squares))))) == []


def test_other_images_under_the_same_name_are_a_difference(squares, tmp_path):
    images = np.load(squares)
    for folder, change in (("a", 0), ("b", 1)):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "x.npy", images ^ change)
    one, same, other = (
        identity(settled(TrainConfig(data=str(path))))
        for path in (squares, tmp_path / "a" / "x.npy", tmp_path / "b" / "x.npy")
    )
    assert differences(one, same) == []
    assert differences(one, other) == ["the images differ"]
    assert changes(one, other) == ["the images have changed since the run began"]
    np.save(tmp_path / "b" / "x.npy", images[1:])
    fewer = identity(settled(TrainConfig(data=str(tmp_path / "b" / "x.npy"))))
    assert changes(one, fewer) == ["--data 44 images, now 43 images"]
    np.save(tmp_path / "b" / "x.npy", images[:, 1:])
    smaller = identity(settled(TrainConfig(data=str(tmp_path / "b" / "x.npy"))))
    assert changes(one, smaller) == ["the images' shape 8x8x1, now 7x8x1"]


def test_other_nets_under_the_same_name_are_a_difference(squares):
    one = identity(settled(TrainConfig(data=str(squares))))
    other = one | {"the nets": "0123abcd"}
    assert differences(one, other) == ["the nets differ"]
    assert changes(one, other) == ["this version of the program builds its nets differently"]


def test_runs_begun_before_there_were_recipes_go_on(squares):
    held = settled(TrainConfig(data=str(squares), recipe="tutorial"))
    old = json.loads(json.dumps(held.to_json()))
    del old["recipe"], old["preset"]["packing"], old["config"]["recipe"], old["config"]["switches"]
    assert identity(settings_from_json(old)) == identity(held)
    other = settled(TrainConfig(data=str(squares), recipe="tutorial", switches=Switches(ema=0.9)))
    assert identity(other) == identity(held) | {"--ema": 0.9}


# The hash of the nets of each preset, as the version before there were classes made it, of `tutorial` and of `best`.
NETS_OF_BEFORE = {
    "mnist": ("b65af402", "b65af402"),
    "mnist-mlp": ("b13b764b", "b13b764b"),
    "mnist56": ("e55e4f57", "e55e4f57"),
    "faces64": ("ead9d167", "eadc0d14"),
    "mri96": ("e1301752", "3d44bcc8"),
    "paints200": ("09681bfa", "d727ff38"),
}
PETS = ("cat", "dog", "owl")


def of_preset(name, recipe="tutorial", names=PETS, **flags):
    """Settings of a run on 3,000 images of three classes."""
    images = Images("x", 3000, PRESETS[name].image_shape, "uint8 0..255", "0" * 16, names)
    return settle(TrainConfig("x", preset=name, recipe=recipe, **flags), Facts(images, lambda: 0.0, "checkpoints/x"))


def as_before_classes(settings):
    """config.json as the version before there were classes wrote it."""
    old = json.loads(json.dumps(settings.to_json()))
    of_classes = {
        "config": ["balance"], "data": ["class_names"], "preset": ["classes", "class_judge"],
        "recipe": ["conditional", "class_norm", "class_judge"],
    }  # fmt: skip
    for section, names in of_classes.items():
        for name in names:
            del old[section][name]
    for name in of_classes["recipe"]:
        del old["config"]["switches"][name]
    return old


@pytest.mark.parametrize("recipe", [0, 1], ids=["tutorial", "best"])
@pytest.mark.parametrize("name", PRESETS)
def test_runs_begun_before_there_were_classes_go_on(name, recipe):
    made = of_preset(name, ("tutorial", "best")[recipe])
    read = settings_from_json(as_before_classes(made))
    assert read == made and identity(read) == identity(made)
    assert identity(read)["the nets"] == NETS_OF_BEFORE[name][recipe]


def test_a_run_goes_on_with_the_classes_that_it_began_with():
    plain = identity(of_preset("mnist"))
    conditional = of_preset("mnist", switches=Switches(conditional="on"))
    assert settings_from_json(json.loads(json.dumps(conditional.to_json()))) == conditional
    assert changes(plain, identity(conditional)) == ["--conditional off, now on"]
    begun = identity(conditional)
    assert changes(begun, plain) == ["--conditional on, now off"]
    more = identity(of_preset("mnist", names=(*PETS, "pug"), switches=Switches(conditional="on")))
    assert changes(begun, more) == ["the classes 3, now 4"]
    assert changes(begun, more | {"the images": "1"}) == [
        "the images have changed since the run began",
        "the classes 3, now 4",
    ]
    for switch, change in (
        ({"class_norm": "on"}, "--class-norm off, now on"),
        ({"class_judge": "auxiliary"}, "--class-judge projection, now auxiliary"),
    ):
        other = of_preset("mnist", switches=Switches(conditional="on", **switch))
        assert changes(begun, identity(other)) == [change]
    assert changes(plain, identity(of_preset("mnist", balance="on"))) == ["--balance off, now on"]
    assert changes(begun, identity(replace_names(conditional, ("a", "b", "c")))) == []  # Names may be mended.


def replace_names(settings, names):
    return dataclasses.replace(settings, data=dataclasses.replace(settings.data, class_names=names))


@pytest.mark.parametrize(
    ("section", "name", "value", "line"),
    [
        ("data", "class_names", "cat", "data.class_names is 'cat', must be"),
        ("data", "class_names", ["cat", 3], "data.class_names[1] is 3, must be a text"),
        ("preset", "class_judge", "both", "preset.class_judge is 'both', must be one of projection, auxiliary"),
        ("preset", "classes", -1, "preset.classes is -1, must be a whole number of at least 0"),
        ("recipe", "conditional", "on", "recipe.conditional is 'on', must be true or false"),
        ("config", "balance", True, "config.balance is True, must be one of on, off"),
    ],
)
def test_damaged_settings_of_classes_are_named(section, name, value, line):
    damaged = json.loads(json.dumps(of_preset("mnist", switches=Switches(conditional="on")).to_json()))
    damaged[section][name] = value
    with pytest.raises(ValueError) as raised:
        settings_from_json(damaged)
    assert str(raised.value).startswith(line)


def test_only_the_size_of_batches_that_came_out_counts(squares):
    """A run of an older `best`, of larger batches, goes on with --batch-size."""

    def held(recipe_batch, **flags):
        made = settled(TrainConfig(data=str(squares), recipe="best", **flags))
        return identity(dataclasses.replace(made, recipe=dataclasses.replace(made.recipe, batch_size=recipe_batch)))

    assert differences(held(None, batch_size=32), held(16, batch_size=32)) == []
    assert differences(held(None, batch_size=32), held(16)) == ["--batch-size 32 there, 16 here"]


def test_a_run_of_an_older_best_goes_on_with_the_discriminator_it_began_with(squares):
    def held(d_bias):
        asked = TrainConfig(data=str(squares), recipe="best", switches=Switches(d_bias=d_bias))
        return settled(asked)

    old = json.loads(json.dumps(held("off").to_json()))
    del old["recipe"]["d_bias"]  # which there was not
    assert differences(identity(settings_from_json(old)), identity(held("off"))) == []
    assert changes(identity(settings_from_json(old)), identity(held(None))) == ["--d-bias off, now on"]


@pytest.mark.parametrize(
    ("images", "recipe"), [(8, "best"), (MAX_BEST_IMAGES, "best"), (MAX_BEST_IMAGES + 1, "tutorial")]
)
def test_few_images_are_trained_with_the_best_recipe(images, recipe):
    assert default_recipe(images) == recipe


MOVED = ("translation",)


@pytest.mark.parametrize(
    ("images", "shape", "batch_size", "augment"),
    [
        (8, (64, 64, 3), 16, MOVED), (MAX_BEST_IMAGES, (64, 64, 1), 16, MOVED), (MAX_BEST_IMAGES + 1, (64, 64, 1), None, ()),
        (8, (16, 90, 1), 16, MOVED), (8, (15, 90, 1), 16, ()), (8, (90, 15, 3), 16, ()),
        (8, (181, 181, 1), 16, MOVED), (8, (182, 182, 1), 8, MOVED), (8, (999, 999, 3), 8, MOVED),  # 16 are 128 of 64x64: 181.02
    ],
)  # fmt: skip
@pytest.mark.parametrize(("clipped", "gain"), [(0.0, 1.0), (0.19, 1.0), (0.2, 1.05), (1.0, 1.05)])
def test_what_suits_a_set_of_images(images, shape, batch_size, augment, clipped, gain):
    expected = Recipe(
        batch_size=batch_size, learning_rate=2e-4, ema=0.995, augment=augment, d_bias=True, upsampling="even",
        tanh_gain=gain,
    )  # fmt: skip
    assert suited(RECIPES["best"], images, shape, clipped) == expected
    assert suited(TUTORIAL, images, shape, clipped) == TUTORIAL


@pytest.mark.parametrize(("clipped", "gain"), [(12, 1.0), (13, 1.05)])  # of 64
def test_best_has_a_gain_where_a_fifth_of_the_values_is_black_or_white(tmp_path, clipped, gain):
    levels = [*np.resize([0, 5, 250, 255], clipped), *np.resize([6, 128, 249], 64 - clipped)]
    images = np.broadcast_to(np.array(levels, np.uint8)[:, None, None], [64, 8, 8])
    np.save(tmp_path / "levels.npy", images)
    plan = make_plan(TrainConfig(data=str(tmp_path / "levels.npy"), run_dir=str(tmp_path / "run")))
    assert plan.recipe.tanh_gain == gain


def test_best_does_not_augment_tiny_images_unless_told_to(squares, tmp_path):
    def augmented(**switches):
        asked = TrainConfig(data=str(squares), run_dir=str(tmp_path), recipe="best", switches=Switches(**switches))
        return make_plan(asked).recipe.augment

    assert (augmented(), augmented(augment=("cutout",))) == ((), ("cutout",))


def test_a_run_goes_on_with_the_recipe_it_began_with(squares, tmp_path):
    np.save(
        tmp_path / "larger.npy", np.load(squares).repeat(2, axis=1).repeat(2, axis=2)
    )  # 16x16: large enough to augment

    def recipe(**flags):
        return make_plan(TrainConfig(data=str(tmp_path / "larger.npy"), run_dir=str(tmp_path), **flags)).recipe

    assert recipe() == RECIPES["best"] and recipe(recipe="tutorial") == TUTORIAL
    begun = dataclasses.replace(TUTORIAL, ema=0.9, augment=("cutout",), loss="hinge")
    there = settled(TrainConfig(data=str(tmp_path / "larger.npy"), recipe="tutorial"))
    write_settings(RunFolder(tmp_path), dataclasses.replace(there, recipe=begun))
    assert recipe() == begun and recipe(recipe="best") == RECIPES["best"]
    # A switch is still a switch: that it differs is then said.
    assert recipe(switches=Switches(ema=0.5)) == dataclasses.replace(begun, ema=0.5)
    older = {name: section for name, section in there.to_json().items() if name != "recipe"}
    (tmp_path / "config.json").write_text(json.dumps(older))  # of a version that had no recipes
    assert recipe() == TUTORIAL
