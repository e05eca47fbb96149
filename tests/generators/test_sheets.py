"""A contact sheet for each class, and the names of classes on all of them."""

import numpy as np
import pytest
from PIL import Image
from support.zoo import NAMES, image, zoo

from dcgan_tf.common.console import forget_notes
from dcgan_tf.config.commands import GenerateConfig
from dcgan_tf.generators import generate, generator, latents, sheets
from dcgan_tf.generators.classes import chosen_labels
from dcgan_tf.pictures.sheet import contact_sheet


@pytest.fixture
def opens(monkeypatch):
    """Makes every source open the zoo; the first latent of a seed is the seed."""

    def seed_latents(seeds, latent_dim, distribution):
        return np.stack([seeds % 60, seeds], axis=1).astype(np.float32)

    def opened(names=NAMES):
        def open_generator(*_, labels, **__):
            return zoo(names, labels=chosen_labels("zoo", 3, names, labels))

        monkeypatch.setattr(generator, "open_generator", open_generator)

    forget_notes()
    monkeypatch.setattr(latents, "seed_latents", seed_latents)
    opened()
    return opened


def sheet(seeds, labels, names=NAMES):
    shown = [f"{seed}: {names[label] if names else label}" for seed, label in zip(seeds, labels, strict=True)]
    return contact_sheet([image(seed % 60, label) for seed, label in zip(seeds, labels)], shown)


def read(path):
    with Image.open(path) as opened:
        return np.asarray(opened)[..., None]


def sheets_in(folder):
    return sorted(path.name for path in folder.glob("grid*"))


def test_all_classes_asked_for_give_a_sheet_each(tmp_path, opens, capsys):
    generate.generate(GenerateConfig("zoo", str(tmp_path), count=8, seed=5, labels=("all",)))
    assert sheets_in(tmp_path) == ["grid_cat.png", "grid_dog.png", "grid_old_cat.png"]
    np.testing.assert_array_equal(read(tmp_path / "grid_cat.png"), sheet([7, 10], [0, 0]))
    np.testing.assert_array_equal(read(tmp_path / "grid_dog.png"), sheet([5, 8, 11], [1, 1, 1]))
    np.testing.assert_array_equal(read(tmp_path / "grid_old_cat.png"), sheet([6, 9, 12], [2, 2, 2]))
    assert capsys.readouterr().out == (
        f"{tmp_path}: 8 pictures of epoch 7, seed0005.png to seed0012.png, of classes cat, dog, old cat in turn; "
        "3 contact sheets by class, grid_cat.png to grid_old_cat.png\n"
    )


def test_a_class_without_a_picture_has_no_sheet_and_that_is_said(tmp_path, opens, capsys):
    generate.generate(GenerateConfig("zoo", str(tmp_path), count=1, seed=2, labels=("all",), grid=True))
    assert sheets_in(tmp_path) == ["grid.png", "grid_dog.png"]
    assert capsys.readouterr().out.endswith(
        "; 1 contact sheet, grid.png; 1 contact sheet by class, grid_dog.png; none of classes cat, old cat, as there is no "
        "picture\n"
    )


def test_classes_without_names_are_told_by_number(tmp_path, opens, capsys):
    opens(names=())
    generate.generate(GenerateConfig("zoo", str(tmp_path), count=3, labels=("all",), grid=True))
    assert sheets_in(tmp_path) == ["grid.png", "grid_class0.png", "grid_class1.png", "grid_class2.png"]
    np.testing.assert_array_equal(read(tmp_path / "grid.png"), sheet([1, 2, 3], [0, 1, 2], names=()))
    assert ", of classes 0, 1, 2 in turn; " in capsys.readouterr().out


@pytest.mark.parametrize("labels", [(), ("cat", "dog", "old cat"), ("1",)])
def test_other_classes_give_the_sheets_that_are_asked_for_alone(tmp_path, opens, labels):
    generate.generate(GenerateConfig("zoo", str(tmp_path), count=3, labels=labels, grid=True))
    assert sheets_in(tmp_path) == ["grid.png"]
    drawn = [1, 1, 1] if labels == ("1",) else [0, 1, 2]
    np.testing.assert_array_equal(read(tmp_path / "grid.png"), sheet([1, 2, 3], drawn))


def test_a_class_that_is_called_all_is_that_class(tmp_path, opens, capsys):
    opens(names=("some", "all", "none"))
    generate.generate(GenerateConfig("zoo", str(tmp_path), count=2, labels=("all",)))
    assert sheets_in(tmp_path) == [] and ", of class all\n" in capsys.readouterr().out


def test_more_than_a_sheet_of_a_class_is_named_by_its_seeds(tmp_path, opens, monkeypatch):
    monkeypatch.setattr(sheets, "MAX_SHEET_PICTURES", 3)
    generate.generate(GenerateConfig("zoo", str(tmp_path), count=11, labels=("all",)))
    assert sheets_in(tmp_path) == [
        "grid_cat_0001-0007.png", "grid_cat_0010-0010.png", "grid_dog_0002-0008.png", "grid_dog_0011-0011.png",
        "grid_old_cat.png",
    ]  # fmt: skip
    np.testing.assert_array_equal(read(tmp_path / "grid_cat_0001-0007.png"), sheet([1, 4, 7], [0, 0, 0]))
    np.testing.assert_array_equal(read(tmp_path / "grid_cat_0010-0010.png"), sheet([10], [0]))


def test_sheets_of_many_classes_side_by_side_stay_within_the_memory(tmp_path, opens, monkeypatch):
    monkeypatch.setattr(sheets, "MAX_HELD_BYTES", 3 * (4 * 6) * 2 + 5)  # two pictures for each of three classes
    generate.generate(GenerateConfig("zoo", str(tmp_path), count=9, labels=("all",)))
    assert [name for name in sheets_in(tmp_path) if "dog" in name] == [
        "grid_dog_0002-0005.png", "grid_dog_0008-0008.png",
    ]  # fmt: skip


def test_the_seeds_of_a_class_are_those_that_it_gets_in_turn():
    made = zoo(labels=(2, 0))
    for seeds in (range(0, 9), range(7, 8), range(4, 30)):
        for place, label in enumerate(made.labels):
            assert list(made.seeds_of(place, seeds)) == [seed for seed in seeds if made.labels_of([seed])[0] == label]
