"""Classes by name or number: which are meant, how they are told, and what the files of each are called."""

import pytest
from support.helpers import error_of

from dcgan_tf.common.console import forget_notes
from dcgan_tf.generators.classes import asks_for_all, chosen_labels, classes_text, file_words, in_turn, said_names

NAMES = ("cat", "dog", "old cat")
MANY = tuple(f"kind {number}" for number in range(12))


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (["cat", "dog", "old cat"], NAMES),
        (NAMES, NAMES),
        (["a\nb", "c", "d"], ("a\\nb", "c", "d")),
        (["cat", "dog"], ()),
        (["cat", "dog", 3], ()),
        (["cat", "dog", ""], ()),
        ("abc", ()),
        ({"0": "cat", "1": "dog", "2": "cow"}, ()),
        (None, ()),
    ],
)
def test_names_are_taken_where_there_is_one_for_each_class(said, names):
    assert said_names(said, 3) == names


@pytest.mark.parametrize(
    ("asked", "names", "labels"),
    [
        (("dog", "cat"), NAMES, (1, 0)),
        (("old cat", "0", "2"), NAMES, (2, 0, 2)),
        (("all",), NAMES, (0, 1, 2)),
        (("2", "0"), (), (2, 0)),
        (("7", "1"), ("1", "2", "7"), (2, 0)),  # A name goes before a number,
        (("0",), ("1", "2", "7"), (0,)),  # and what is none is one.
        (("-3",), ("-3", "70", "x"), (0,)),
        (("all",), ("some", "all", "none"), (1,)),
        (("all", "2"), ("some", "all", "none"), (1, 2)),
    ],
)
def test_classes_are_asked_for_by_name_or_number(asked, names, labels):
    assert chosen_labels("pets", 3, names, asked) == labels
    assert asks_for_all(asked, names) == (labels == (0, 1, 2))


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (NAMES, 'pets draws 3 classes, cat, dog, old cat, which take turns: --labels "old cat" draws one alone'),
        ((), "pets draws 3 classes, 0 to 2, which take turns: --labels 2 draws one alone"),
    ],
)
def test_without_being_asked_all_take_turns_and_that_is_said(capsys, names, note):
    forget_notes()
    assert chosen_labels("pets", 3, names, ()) == (0, 1, 2)
    assert capsys.readouterr() == (f"note: {note}\n", "")


@pytest.mark.parametrize(
    ("names", "asked", "message"),
    [
        (NAMES, ("cat", "dogs"), "--labels dogs: pets draws no class of that name: did you mean dog? It draws cat, dog, old cat"),
        (NAMES, ("OLD CAT",), "--labels OLD CAT: pets draws no class of that name: did you mean old cat? It draws cat, dog, old cat"),
        (NAMES, ("zebra",), "--labels zebra: pets draws no class of that name: give one of cat, dog, old cat"),
        (NAMES, ("3",), "--labels 3: pets draws 3 classes: give numbers from 0 to 2, or names"),
        ((), ("3",), "--labels 3: pets draws 3 classes: give numbers from 0 to 2"),
        ((), ("-1",), "--labels -1: pets draws 3 classes: give numbers from 0 to 2"),
        ((), ("9" * 5000,), f"--labels {'9' * 5000}: pets draws 3 classes: give numbers from 0 to 2"),
        ((), ("cat",), "--labels cat: pets draws 3 classes without names: give numbers from 0 to 2, or all"),
        (NAMES, ("all", "cat"), "--labels all cat: give all by itself, or the classes that you want"),
    ],
    ids=["near", "capitals", "far", "number", "number without names", "negative", "long", "without names", "all"],
)  # fmt: skip
def test_a_class_that_is_not_there_is_one_line(names, asked, message):
    assert error_of(chosen_labels, "pets", 3, names, asked) == message


def test_of_many_classes_ten_are_named():
    ten = ", ".join(MANY[:10])
    assert error_of(chosen_labels, "pets", 12, MANY, ("x",)).endswith(f": give one of {ten}, ...")
    assert in_turn(range(12), MANY) == f"classes {ten}, ... in turn"


def test_a_net_without_classes_is_asked_for_none():
    assert chosen_labels("plain", 0, (), ()) == ()
    assert error_of(chosen_labels, "plain", 0, (), ("cat", "all")) == (
        "--labels cat all: plain draws no classes: leave --labels out"
    )


def test_classes_in_words():
    assert [in_turn((2,), NAMES), in_turn((2, 0), NAMES)] == ["class old cat", "classes old cat, cat in turn"]
    assert [classes_text((2,), ()), classes_text((0, 2), ())] == ["class 2", "classes 0, 2"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), ["class0", "class1", "class2"]),
        (NAMES, ["cat", "dog", "old_cat"]),
        (("a/b", "..", "grün-2"), ["a_b", "..", "grün-2"]),
        (("gru\u0308n", "猫", "नीला"), ["grün", "猫", "नीला"]),
        (("a b", "a_b", "c"), ["a_b_class0", "a_b_class1", "c"]),
        (("Cat", "cat", "dog"), ["Cat_class0", "cat_class1", "dog"]),
        (("x" * 50, "x" * 60, "y" * 50), ["x" * 40 + "_class0", "x" * 40 + "_class1", "y" * 40]),
        (("0001-0100", "cat_1-2", "3-4x"), ["0001-0100_class0", "cat_1-2_class1", "3-4x"]),
        (("a b", "a_b", "a_b_class0"), ["class0", "class1", "class2"]),
    ],
)
def test_files_of_classes_are_named_safely_and_apart(names, words):
    assert file_words(3, names) == words
