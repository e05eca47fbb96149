"""Which images of a set are taken: those of some classes, and none that are equal to an earlier one."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest
from support import image_sets
from support.helpers import error_of
from support.image_files import cached_files, encoded, noise, put
from support.sources import source_error

from dcgan_tf.common.program import program
from dcgan_tf.config.reading import Reading
from dcgan_tf.data.selection import find_firsts, with_classes
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture
def animals(tmp_path):
    """Seeds of the noise in each image: the 3rd is the 1st again under another class, saved otherwise; so is the 5th."""
    for name, seed in {"cat/a": 1, "cat/b": 2, "dog/a": 1, "dog/b": 3, "owl/a": 1, "owl/b": 4}.items():
        put(tmp_path / f"set/{name}.{'bmp' if name == 'dog/a' else 'png'}", noise(8, 8, seed))


def seeds(source) -> list[int]:
    known = {noise(8, 8, seed).tobytes(): seed for seed in range(10)}
    return [known[image.tobytes()] for image in source.read(np.arange(len(source)))]


def test_duplicates_are_told_and_left_out_where_asked(animals):
    for options in ({}, {}, {"cache": False}):
        source = open_source("set", **options)
        assert source.notes[1:] == [
            "2 duplicates (dog/a.bmp of cat/a.png, owl/a.png of cat/a.png) among them: --drop-duplicates leaves them out, "
            f"{program()} inspect tells more"
        ]
        assert source.firsts.tolist() == [0, 1, 0, 3, 0, 5]
        source = open_source("set", reading=Reading(drop_duplicates=True), **options)
        assert seeds(source) == [1, 2, 3, 4] and source.labels.tolist() == [0, 0, 1, 2]
        assert source.names == ["cat/a.png", "cat/b.png", "dog/b.png", "owl/b.png"]
        assert source.notes[1:] == ["2 duplicates (dog/a.bmp of cat/a.png, owl/a.png of cat/a.png) left out"]
    assert source.fingerprint != open_source("set").fingerprint


def test_a_class_keeps_an_image_whose_first_is_of_another_class(animals):
    source = open_source("set", reading=Reading(classes=("owl", "dog"), drop_duplicates=True))
    assert source.class_names == ["dog", "owl"] and source.labels.tolist() == [0, 0, 1]
    assert source.names == ["dog/a.bmp", "dog/b.png", "owl/b.png"] and seeds(source) == [1, 3, 4]
    assert source.notes[1:] == [
        "4 images of 6: of the classes dog, owl",
        "1 duplicate (owl/a.png of dog/a.bmp) left out",
    ]


def test_classes_that_are_not_there():
    np.savez("x.npz", images=np.stack([noise(8, 8, i) for i in range(6)]), labels=[7, 3, 7, 5, 3, 3])
    source = open_source("x.npz", reading=Reading(classes=("7", "3")))
    assert source.labels.tolist() == [7, 3, 7, 3, 3] and source.class_names is None  # numbers stay what they are
    assert seeds(source) == [0, 1, 2, 4, 5]
    assert (
        source_error("x.npz", reading=Reading(classes=("3", "4"))) == "--classes 4: x has no such class: it has 3, 5, 7"
    )
    np.save("y.npy", np.zeros((4, 8, 8), np.uint8) + 200)
    assert source_error("y.npy", reading=Reading(classes=("3", "a*"))) == (
        "--classes 3 a*: the images of y have no classes"
    )
    np.savez("z.npz", images=np.zeros((4, 8, 8), np.uint8) + 200, labels=[1, 2, 3])
    assert source_error("z.npz", reading=Reading(classes=("3",))) == (
        "--classes 3: the images of z have no classes (labels ignored: 'labels' is int64 [3], not one whole number for each "
        "image)"
    )


@pytest.fixture(scope="module")
def breeds():
    """Image i is of the class i; class 4 has no images."""
    names = ["dog beagle", "dog_pug", "Dog", "cat", "unicorn", "[ab]", "a", "b", "*"]
    labels = np.array([0, 1, 2, 3, 5, 6, 7, 8])
    return image_sets.source_of(image_sets.noise(8, 4, 4, 1), labels=labels, class_names=names)


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (["dog*"], ["dog beagle", "dog_pug"]),
        (["dog*", "cat"], ["dog beagle", "dog_pug", "cat"]),
        (["cat", "dog*", "dog_pug", "cat"], ["dog beagle", "dog_pug", "cat"]),  # in the order that they had, each once
        (["[dD]og*"], ["dog beagle", "dog_pug", "Dog"]),
        (["?"], ["a", "b", "*"]),
        (["[ab]"], ["[ab]"]),  # A name goes before a pattern.
        (["*"], ["*"]),
        (["[a-b]"], ["a", "b"]),
        (["[!ab]"], ["*"]),
        (["**"], ["dog beagle", "dog_pug", "Dog", "cat", "[ab]", "a", "b", "*"]),
    ],
    ids=" ".join,
)
def test_names_and_patterns_of_classes(breeds, wanted, kept):
    source = with_classes(breeds, tuple(wanted))
    assert source.class_names == kept and list(source.classes.names) == kept
    assert source.labels.tolist() == list(range(len(kept)))  # one image of each
    assert source.notes == [f"{len(kept)} image{'s' * (len(kept) > 1)} of 8: of the classes {', '.join(kept)}"]
    of_name = dict(zip(breeds.classes.names, breeds.read(range(8))))
    np.testing.assert_array_equal(source.read(range(len(kept))), [of_name[name] for name in kept])


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("dog_pugg", "; did you mean dog_pug?"),
        ("DOG_PUG", "; did you mean dog_pug?"),
        ("dog", "; did you mean Dog?"),
        ("CAT*", "; did you mean cat?"),
        ("beagle*", "; did you mean dog beagle?"),
        ("zebra", ""),
        ("unicorn", ""),  # There are no images of it.
        ("", ""),
        ("x\x1b[2J", ""),
    ],
    ids=[
        "longer",
        "large letters",
        "small letters",
        "pattern",
        "a part",
        "nothing near",
        "without images",
        "empty",
        "escape",
    ],
)
def test_a_class_that_nothing_is_called_like(breeds, word, meant):
    assert error_of(with_classes, breeds, ("cat", word)) == (
        f"--classes {word}: images has no such class: it has dog beagle, dog_pug, Dog, cat, [ab], a, b, *{meant}"
    ).replace("\x1b", "\\x1b")


def test_ten_classes_of_many_are_listed():
    labels = np.arange(40, dtype=np.int64) * 10**12 - 1  # The smallest is -1: a number, not a place in a list.
    many = image_sets.source_of(image_sets.noise(40, 4, 4, 1), labels=labels)
    ten = ", ".join(str(label) for label in labels[:10])
    assert error_of(with_classes, many, ("7",)) == f"--classes 7: images has no such class: it has {ten}, ..."
    chosen = with_classes(many, ("*9",))
    assert chosen.notes == [f"39 images of 40: of the classes {', '.join(map(str, labels[1:11]))}, ..."]
    assert chosen.labels.tolist() == labels[1:].tolist() and chosen.class_names is None
    assert with_classes(many, ("-1",)).labels.tolist() == [-1]


def test_classes_of_one_name_are_one():
    twice = image_sets.source_of(image_sets.noise(3, 4, 4, 1), labels=np.arange(3), class_names=["a", "b", "a"])
    assert with_classes(twice, ("a",)).labels.tolist() == [0, 1] and len(with_classes(twice, ("a",))) == 2


def test_duplicates_of_arrays_are_looked_for_where_asked():
    images = np.stack([noise(8, 8, seed) for seed in (1, 2, 1, 3, 2, 1)])
    np.save("x.npy", images)
    assert open_source("x.npy").notes == [] and open_source("x.npy").firsts is None  # All would have to be read.
    source = open_source("x.npy", reading=Reading(drop_duplicates=True))
    assert seeds(source) == [1, 2, 3] and source.notes == ["3 duplicates left out"]
    assert find_firsts(open_source("x.npy")).tolist() == [0, 1, 0, 3, 1, 0]
    assert open_source("digits", reading=Reading(drop_duplicates=True)).notes == []


def test_a_cache_whose_duplicates_cannot_be_is_made_anew(animals):
    open_source("set")
    (entry,) = [path for path in cached_files() if path.suffix == ".json"]
    facts = json.loads(entry.read_text())
    for copies in (None, [[2, 4]], [[9, 0]], [[2]], "x"):
        content = {name: value for name, value in facts.items() if name != "checksum"}
        content["facts"] = {name: value for name, value in facts["facts"].items() if name != "copies"}
        if copies is not None:
            content["facts"]["copies"] = copies
        entry.write_text(json.dumps(content))
        assert open_source("set").firsts.tolist() == [0, 1, 0, 3, 0, 5]


def test_equal_files_in_an_archive(tmp_path):

    with zipfile.ZipFile("set.zip", "w") as archive:
        for name in "abc":
            archive.writestr(f"{name}.png", encoded(noise(8, 8, 5)))
    assert open_source("set.zip", reading=Reading(drop_duplicates=True)).names == ["a.png"]


def test_images_of_each_class_are_counted_by_name_or_label():
    source = image_sets.source_of(image_sets.noise(3, 4, 4, 1), labels=np.array([7, 2, 7]))
    assert source.class_counts == {"2": 1, "7": 2}
    named = dataclasses.replace(source, labels=np.array([0, 2, 2]), class_names=["a", "b", "c"])
    assert named.class_counts == {"a": 1, "b": 0, "c": 2}
    assert dataclasses.replace(source, labels=None).class_counts == {}
