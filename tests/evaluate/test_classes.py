import numpy as np
import pytest
from support.image_sets import noise, source_of

from dcgan_tf.evaluate.classes import DrawnClasses, drawn_classes, held_out_of, images_of
from dcgan_tf.generators.generator import Generator


def generator(names=("cat", "dog", "owl"), labels=(0, 1, 2), classes=3):
    return Generator("pets", 6, (4, 4, 1), "normal", None, classes=classes, labels=labels, class_names=names)


def reals(*numbers, names=("owl", "cat", "dog")):
    """Images of the classes of these numbers."""
    return source_of(noise(len(numbers), 4, 4, 1), labels=np.array(numbers), class_names=list(names))


def test_classes_are_found_by_their_names_and_have_the_shares_of_the_real_images():
    source = reals(0, 1, 1, 1, 2, 2, 1, 0)
    drawn = drawn_classes(generator(), source)
    assert drawn == DrawnClasses(labels=(2, 0, 1), names=("owl", "cat", "dog"), shares=(0.25, 0.5, 0.25))
    assert drawn.protocol == "all, as often as among the real images"
    assert drawn.places_in(source).tolist() == [0, 1, 1, 1, 2, 2, 1, 0]
    assert drawn.places_of([0, 1, 2]).tolist() == [1, 2, 0]
    assert images_of(drawn, source) is source
    placed = drawn.of(generator())
    assert (placed.labels, placed.shares) == ((2, 0, 1), (0.25, 0.5, 0.25))
    assert drawn_classes(generator((), (), 0), source) is None


def test_of_some_classes_the_real_images_are_those_alone(capsys):
    source = reals(0, 1, 1, 1, 2, 2, 1, 0)
    drawn = drawn_classes(generator(labels=(1, 0, 1)), source)  # One that is asked for twice comes no oftener.
    assert drawn == DrawnClasses((0, 1), ("cat", "dog"), (4 / 6, 2 / 6), are_some=True)
    assert drawn.protocol == "cat, dog, as often as among the real images"
    chosen = images_of(drawn, source)
    assert capsys.readouterr().out == "real images: 6 of 8 of images, those of classes cat, dog\n"
    np.testing.assert_array_equal(chosen.read(range(6)), source.read([1, 2, 3, 4, 5, 6]))
    assert drawn.places_in(chosen).tolist() == [0, 0, 0, 1, 1, 0]
    assert len(held_out_of(drawn, reals(0, 1, 0, 0))) == 1
    unlabelled = source_of(noise(3, 4, 4, 1))
    assert held_out_of(drawn, unlabelled) is unlabelled


def test_real_images_of_more_classes_than_are_drawn_are_those_of_these(capsys):
    """As of a run that was trained on some classes of a set."""
    drawn = drawn_classes(generator(("cat", "dog"), (0, 1), 2), reals(0, 1, 1, 2))
    assert (drawn.names, drawn.are_some) == (("cat", "dog"), False)
    assert len(images_of(drawn, reals(0, 1, 1, 2))) == 3


@pytest.mark.parametrize(
    ("given", "source", "lack"),
    [
        ({}, source_of(noise(3, 4, 4, 1)), "the images of images have no classes"),
        ({}, source_of(noise(3, 4, 4, 1), notes=["labels ignored: two of them"]),
         "the images of images have no classes (labels ignored: two of them)"),
        ({"names": ()}, reals(0, 1), "pets does not name its classes, so that they are not found among the images of images"),
        ({"labels": (1, 2)}, reals(0, 1), "the images of images have no class dog, but owl, cat"),
        ({}, reals(0, 1, 2, 3, names=("cat", "dog", "owl", "cat")), "the images of images have several classes of one name"),
    ],
)  # fmt: skip
def test_classes_that_are_not_found_take_turns_and_a_line_says_why(given, source, lack, capsys):
    made = generator(**given)
    drawn = drawn_classes(made, source)
    assert (drawn.lack, drawn.shares, drawn.labels) == (lack, (), made.labels)
    assert images_of(drawn, source) is source
    which = (
        "classes dog, owl" if "labels" in given else "classes 0, 1, 2" if "names" in given else "classes cat, dog, owl"
    )
    assert capsys.readouterr().out == (f"note: {lack}: the pictures of {which} in turn are compared with all of them\n")
    assert drawn.protocol == ("dog, owl, in turn" if "labels" in given else "all, in turn")
