"""The size of images: chosen, kept, offered, warned of."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from support.image_files import noise, put

from dcgan_tf.config.settle import Start
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.runs.settings import changes, identity, read_settings, write_settings
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.sizes import sizes_text


@pytest.fixture
def mixed(tmp_path):
    """A folder of images whose shorter sides are 150, 200 and 220."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for i, (width, height) in enumerate([(150, 300), (200, 210), (240, 220)] * 3):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (height, width, 3), np.uint8)).save(
            folder / f"{i}.png"
        )
    return folder


def sides(plan):
    return [other.data.image_shape[:2] for other in plan.other_sizes]


def test_images_of_many_sizes_are_trained_on_at_64_and_on_a_gpu_at_128(mixed):
    flags = TrainConfig(data=str(mixed), batch_size=4)
    small, large = make_plan(flags), make_plan(flags, on_processor=False)
    assert (small.config.image_size, small.source.image_shape, small.preset.name) == ((64, 64), (64, 64, 3), "faces64")
    assert (large.config.image_size, large.source.image_shape) == ((128, 128), (128, 128, 3))
    assert sides(small) == [(128, 128), (200, 200)] and sides(large) == [(64, 64), (200, 200)]
    assert [other.preset.name for other in small.other_sizes] == ["faces64@128x128x3", "paints200"]


def test_a_set_of_wide_images_is_offered_its_shape(tmp_path):
    for i in range(8):
        put(tmp_path / f"wide/{i}.png", noise(100, 150 + i, i))
    flags = TrainConfig(data=str(tmp_path / "wide"), batch_size=4, epochs=1000)
    for plan in (make_plan(flags), make_plan(flags)):  # The second reads the cache.
        assert (plan.config.image_size, sides(plan)) == ((64, 64), [(64, 96)])
    text = sizes_text(plan.settings, True, plan.other_sizes, 0.1)
    assert text == "64x64, chosen as no --image-size is given; with --image-size 64 96: about 5 min"
    assert sides(make_plan(dataclasses.replace(flags, image_size=(64, 96)))) == []


def test_a_size_that_was_asked_for_is_the_same_run_as_the_chosen_one(mixed):
    chosen = make_plan(TrainConfig(data=str(mixed), batch_size=4))
    asked = make_plan(TrainConfig(data=str(mixed), batch_size=4, image_size=(64, 64)))
    assert changes(identity(chosen.settings), identity(asked.settings)) == []
    assert asked.other_sizes == ()


def test_a_run_keeps_the_size_that_it_began_with(mixed, tmp_path):
    flags = TrainConfig(data=str(mixed), run_dir=str(tmp_path / "run"), batch_size=4)
    plan = make_plan(flags, on_processor=False)
    (tmp_path / "run").mkdir()
    write_settings(plan.folder, plan.settings)
    # Before its first state, it begins anew.
    assert make_plan(flags).config.image_size == (64, 64)
    plan.folder.state(3).mkdir(parents=True)
    again = make_plan(flags)
    assert (again.config.image_size, again.source.image_shape, again.other_sizes) == ((128, 128), (128, 128, 3), ())
    assert changes(identity(read_settings(plan.folder)), identity(again.settings)) == []
    assert make_plan(dataclasses.replace(flags, image_size=(32, 32))).config.image_size == (32, 32)
    assert make_plan(dataclasses.replace(flags, preset="paints200")).source.image_shape == (200, 200, 3)


def test_a_run_of_large_images_of_one_size_keeps_them(tmp_path):
    folder = tmp_path / "large"
    folder.mkdir()
    for i in range(8):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (260, 260), np.uint8)).save(folder / f"{i}.png")
    flags = TrainConfig(data=str(folder), run_dir=str(tmp_path / "run"), batch_size=4)
    assert make_plan(flags).config.image_size == (64, 64)
    # Earlier versions trained on them as they are, and recorded no size.
    old = dataclasses.replace(make_plan(dataclasses.replace(flags, image_size=(260, 260))).settings, config=flags)
    (tmp_path / "run" / "state" / "3").mkdir(parents=True)
    write_settings(make_plan(flags).folder, old)
    again = make_plan(flags)
    assert (again.config.image_size, again.source.image_shape) == (None, (260, 260, 1))


def test_a_dry_run_offers_smaller_sizes_as_well_and_saved_nets_have_their_own(tmp_path):
    np.save(tmp_path / "x.npy", np.full([40, 200, 200, 3], 255, np.uint8))
    flags = TrainConfig(data=str(tmp_path / "x.npy"), recipe="tutorial")
    assert sides(make_plan(flags)) == []
    dry = dataclasses.replace(flags, dry_run=True)
    assert sides(make_plan(dry)) == [(64, 64), (128, 128)]
    assert sides(make_plan(dry, Start((200, 200, 3), 100, 7))) == []


def test_the_text_has_the_time_of_each(mixed):
    plan = make_plan(TrainConfig(data=str(mixed), batch_size=4, epochs=1000))  # 3,000 steps
    text = sizes_text(plan.settings, True, plan.other_sizes[:1], 0.1)
    assert text == "64x64, chosen as no --image-size is given; with --image-size 128: about 23 min"  # 4.6 times 5 min
    assert sizes_text(plan.settings, False, (), 0.1) == ""
    assert sizes_text(plan.settings, True, (), 0.1) == "64x64, chosen as no --image-size is given"
