import json
from dataclasses import asdict

import numpy as np
import pytest

from dcgan_tf.common.errors import UserError
from dcgan_tf.config.order import Order
from dcgan_tf.config.recipes import RECIPES
from dcgan_tf.config.settings import settings_from_json
from dcgan_tf.config.settle import Start
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.runs.settings import write_settings
from dcgan_tf.training.plan import make_plan


def test_everything_is_settled_from_the_images(squares):
    plan = make_plan(TrainConfig(data=str(squares), batch_size=8))
    assert (plan.preset.name, plan.batch_size, plan.learning_rate) == ("faces64@8x8x1", 8, 2e-4)
    assert (plan.steps_per_epoch, plan.epochs, plan.last_step) == (6, 400, 2400)
    assert str(plan.folder.path) == "checkpoints/squares"


def test_flags_go_before_the_preset(squares, tmp_path):
    config = TrainConfig(
        data=str(squares), preset="paints200", image_size=(16, 16), epochs=3, batch_size=10, learning_rate=0.01,
        max_steps=12, run_dir=str(tmp_path),
    )  # fmt: skip
    plan = make_plan(config)
    assert (plan.preset.name, plan.source.image_shape) == ("paints200@16x16x3", (16, 16, 3))
    assert (plan.batch_size, plan.learning_rate, plan.epochs, plan.last_step) == (10, 0.01, 3, 12)
    assert plan.folder.path == tmp_path


def test_a_named_preset_resizes_the_images_to_its_own_size(tmp_path):
    np.save(tmp_path / "m.npy", np.random.default_rng(0).integers(0, 256, [9, 28, 28], np.uint8))
    plan = make_plan(TrainConfig(data=str(tmp_path / "m.npy"), preset="mnist56"))
    assert (plan.preset.name, plan.source.image_shape, plan.source.read(np.array([3])).shape) == (
        "mnist56", (56, 56, 1), (1, 56, 56, 1),
    )  # fmt: skip


def test_starting_nets_bring_their_size_and_latents_and_the_count_of_epochs(squares):
    plan = make_plan(TrainConfig(data=str(squares), batch_size=8, epochs=9), Start((10, 12, 3), 33, 7))
    assert (plan.source.image_shape, plan.preset.latent_dim) == ((10, 12, 3), 33)
    assert (plan.first_step, plan.last_step) == (42, 54)


def test_the_best_recipe_has_smaller_batches_unless_told_otherwise(squares):
    def size(replicas=1, on_processor=True, **flags):
        config = TrainConfig(data=str(squares), preset="faces64", recipe="best", **flags)
        return make_plan(config, None, replicas, on_processor=on_processor).batch_size

    assert (size(), size(batch_size=20)) == (16, 20)
    # A GPU is as fast with the preset's, and shares of 16 images are too few for batch normalization.
    assert (size(on_processor=False), size(replicas=2)) == (128, 128)


@pytest.mark.parametrize(("on_processor", "size"), [(True, 16), (False, 64)])
def test_a_run_keeps_the_size_of_batches_it_began_with_wherever_it_goes_on(tmp_path, on_processor, size):
    np.save(tmp_path / "colour.npy", np.random.default_rng(0).integers(0, 256, [200, 8, 8, 3], np.uint8))
    config = TrainConfig(data=str(tmp_path / "colour.npy"), run_dir=str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    begun = make_plan(config, on_processor=on_processor)
    write_settings(begun.folder, begun.with_precision("float32").settings)
    assert [make_plan(config, on_processor=where).batch_size for where in (True, False)] == [size, size]


def test_fewer_images_than_a_batch_that_must_be_whole(squares):
    with pytest.raises(UserError) as raised:
        make_plan(TrainConfig(data=str(squares), preset="mri96", recipe="tutorial"))
    assert (
        str(raised.value) == f"--data {squares}: 44 images are fewer than one batch of 64: give --batch-size 44 or less"
    )


def test_settings_survive_json_and_say_what_made_them(squares):
    plan = make_plan(TrainConfig(data=str(squares)))
    settings = plan.with_precision("float32").settings
    held = settings.to_json()
    assert list(held) == ["config", "data", "steps_per_epoch", "preset", "recipe", "versions"]
    assert list(held["versions"]) == ["dcgan_tf", "python", "tensorflow", "keras", "numpy"]
    assert (held["config"]["batch_size"], held["config"]["precision"], held["data"]["images"]) == (16, "float32", 44)
    assert held["config"]["recipe"] == "auto" and held["recipe"] == asdict(RECIPES["best"]) | {"augment": ()}
    assert settings_from_json(json.loads(json.dumps(held))) == settings


@pytest.fixture
def labelled(tmp_path):
    """44 images of 8x8 in three classes, labels 2, 5 and 9: 4, 22 and 18 of them."""
    images = np.random.default_rng(0).integers(0, 256, [44, 8, 8], np.uint8)
    labels = np.repeat([9, 2, 5], [18, 4, 22])
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    np.savez(tmp_path / "few.npz", images=images, labels=labels[:-1])
    return tmp_path / "set.npz"


def test_classes_of_the_images_become_those_of_the_nets(labelled):
    plan = make_plan(TrainConfig(data=str(labelled), switches=Switches(conditional="on")))
    assert plan.preset.classes == 3 and plan.settings.data.class_names == ("2", "5", "9")
    assert not plan.order.balanced and plan.steps_per_epoch == 3
    plan = make_plan(TrainConfig(data=str(labelled), balance="on"))
    assert plan.preset.classes == 0 and plan.settings.data.class_names == ()
    assert plan.order == Order(44, 16, False, 0, balanced=True) and plan.steps_per_epoch == 3


def test_why_images_have_no_classes_is_told(labelled, squares):
    few = labelled.with_name("few.npz")
    with pytest.raises(UserError) as raised:
        make_plan(TrainConfig(data=str(few), switches=Switches(conditional="on")))
    assert str(raised.value).startswith(
        f"--conditional on: the images of {few} have no classes (labels ignored: 'labels' is int64 [43], not one whole number "
        "for each image): give a folder with a folder for each class, "
    )
    with pytest.raises(UserError) as raised:
        make_plan(TrainConfig(data=str(squares), balance="on"))
    assert str(raised.value).startswith(f"--balance on: the images of {squares} have no classes: give ")


def test_the_run_folder_of_a_name_that_is_not_utf_8(squares, tmp_path):
    odd = tmp_path / "f\udce9tes.npy"
    odd.write_bytes(squares.read_bytes())
    assert str(make_plan(TrainConfig(data=str(odd))).folder.path) == "checkpoints/f\\udce9tes"
    with pytest.raises(UserError) as raised:
        make_plan(TrainConfig(data=str(squares), run_dir="f\udce9tes"))
    assert str(raised.value) == "--run-dir f\\udce9tes: is not UTF-8: give another name"


@pytest.mark.parametrize(
    "batch_size, replicas, message",
    [
        (15, 2, "--batch-size 15: does not divide among 2 devices: give a multiple of 2, such as 14"),
        (43, 2, "--batch-size 43: does not divide among 2 devices: give a multiple of 2, such as 42"),
        (21, 3, "--batch-size 21: leaves a last batch of 2 for 3 devices: give a multiple of 3, such as 18"),
        (8, 50, "44 images cannot be shared among 50 devices: train on fewer"),
    ],
)
def test_a_batch_that_devices_cannot_share(squares, batch_size, replicas, message):
    config = TrainConfig(data=str(squares), batch_size=batch_size)
    with pytest.raises(UserError) as raised:
        make_plan(config, replicas=replicas)
    assert str(raised.value) == message


def test_a_last_batch_that_is_dropped_need_not_be_shared(squares):
    config = TrainConfig(data=str(squares), preset="mri96", batch_size=42)
    assert make_plan(config, replicas=3).batch_size == 42
