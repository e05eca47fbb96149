import pytest

from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.pictures import picture_path, sample_pictures


@pytest.fixture
def folder(tmp_path):
    names = ["epoch_0009", "epoch_0010", "epoch_12345", "step_000000", "step_000200", "step_000215", "step_1000000"]
    (tmp_path / "picture").mkdir()
    for name in (*(f"image_at_{name}.png" for name in names), "reals.png", "image_at_epoch_7.jpg", "image_at_step_x.png",
                 "image_at_epoch_last.png", "image_at_epoch_5.png.part", "image_at_7.png"):  # fmt: skip
        (tmp_path / "picture" / name).touch()
    return RunFolder(tmp_path)


def test_pictures_are_ordered_by_step_whatever_they_are_named_after(folder):
    found = sample_pictures(folder, steps_per_epoch=21)
    assert [(picture.step, picture.caption) for picture in found] == [
        (0, "step 0"), (9 * 21, "epoch 9"), (200, "step 200"), (10 * 21, "epoch 10"), (215, "step 215"),
        (12345 * 21, "epoch 12345"), (1_000_000, "step 1000000"),
    ]  # fmt: skip
    assert found[1].path == folder.path / "picture/image_at_epoch_0009.png"
    for picture in found:
        assert picture_path(folder, picture.step, 21) == picture.path


@pytest.mark.parametrize("config", [None, "", "{}", '{"config": {}, "steps_per_epoch": "21"}'])
def test_without_a_config_json_that_tells_epochs_come_after_steps(folder, config):
    if config is not None:
        folder.config.write_text(config)
    captions = [picture.caption for picture in sample_pictures(folder)]
    assert captions == [
        "step 0", "step 200", "step 215", "step 1000000", "epoch 9", "epoch 10", "epoch 12345",
    ]  # fmt: skip


def test_no_pictures(tmp_path):
    assert sample_pictures(RunFolder(tmp_path / "nothing")) == []


@pytest.mark.parametrize(
    ("step", "name"),
    [(0, "step_000000"), (20, "step_000020"), (21, "epoch_0001"), (22, "step_000022"), (42, "epoch_0002")],
)
def test_a_picture_is_named_after_the_epoch_whose_end_it_shows_else_after_its_step(tmp_path, step, name):
    assert picture_path(RunFolder(tmp_path), step, 21) == tmp_path / f"picture/image_at_{name}.png"
