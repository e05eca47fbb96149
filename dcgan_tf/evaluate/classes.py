"""The classes that a generator draws, found by their names among those of real images, so that like is compared with like."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dcgan_tf.common.console import note, say
from dcgan_tf.common.errors import printable
from dcgan_tf.common.text import first_of
from dcgan_tf.data.selection import with_classes
from dcgan_tf.data.source import ImageSource
from dcgan_tf.generators.classes import class_text, classes_text, in_turn
from dcgan_tf.generators.generator import Generator

MAX_NAMED_CLASSES = 10  # in a line
ALIKE = "as often as among the real images"


@dataclass(frozen=True)
class DrawnClasses:
    """The classes that pictures are drawn of.

    labels    their numbers for the generator
    names     theirs; their numbers where the generator names none
    shares    of each among the real images, a number each, with a sum of 1; () where these have not the same classes: then
              the classes take turns
    are_some  whether these are some of the classes of the generator alone
    lack      why the real images have not the same classes; "" where they have
    mend      what would be right then
    """

    labels: tuple[int, ...]
    names: tuple[str, ...]
    shares: tuple[float, ...] = ()
    are_some: bool = False
    lack: str = ""
    mend: str = ""

    def of(self, generator: Generator) -> Generator:
        """The generator, drawing these classes as often as they are to come."""
        return replace(generator, labels=self.labels, shares=self.shares)

    @property
    def protocol(self) -> str:
        """Which classes are drawn, and how often; numbers compare only where this is equal."""
        return f"{', '.join(self.names) if self.are_some else 'all'}, {ALIKE if self.shares else 'in turn'}"

    @property
    def text(self) -> str:
        """ "class cat", "classes cat, dog"."""
        return classes_text(range(len(self.names)), self.names)

    def places_of(self, labels) -> np.ndarray:
        """The places among `names` of the generator's numbers, int [n] -> int64 [n]."""
        places = np.full(max(self.labels) + 1, -1)
        places[list(self.labels)] = np.arange(len(self.labels))
        return places[np.asarray(labels)]

    def places_in(self, source: ImageSource) -> np.ndarray:
        """The place among `names` of each image's class, int64 [N]; -1 where the class is none of these.

        source: real images that have classes.
        """
        return places_among(source.classes.names, self.names)[source.classes.numbers]


def places_among(names: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """The place of each of `names` among the `wanted` ones, int64 [n]; -1 for one that is not there."""
    places = {name: place for place, name in enumerate(wanted)}
    return np.array([places.get(name, -1) for name in names], np.int64)


def drawn_classes(generator: Generator, reals: ImageSource) -> DrawnClasses | None:
    """The classes that the generator draws, and their shares among the real images; None where it draws none."""
    if not generator.classes:
        return None
    labels = generator.labels
    are_some = len(set(labels)) < generator.classes
    lack, mend = _lack(generator, reals)
    if lack:
        names = tuple(class_text(label, generator.class_names) for label in labels)
        return DrawnClasses(labels, names, are_some=are_some, lack=lack, mend=mend)
    chosen = {generator.class_names[label] for label in labels}
    # In the order of the real classes, in which training has them too.
    counts = {name: count for name, count in zip(reals.classes.names, reals.classes.counts.tolist()) if name in chosen}
    total = sum(counts.values())
    return DrawnClasses(
        labels=tuple(generator.class_names.index(name) for name in counts),
        names=tuple(counts),
        shares=tuple(count / total for count in counts.values()),
        are_some=are_some,
    )


def images_of(drawn: DrawnClasses | None, reals: ImageSource) -> ImageSource:
    """The real images to compare with: those of the classes that are drawn, where these are found; says what is not
    as one would think."""
    if drawn is None:
        return reals
    if drawn.lack:
        note(
            f"{drawn.lack}: the pictures of {in_turn(range(len(drawn.names)), drawn.names)} are compared with all of them"
        )
        return reals
    if set(drawn.names) == set(reals.classes.names):
        return reals
    chosen = with_classes(reals, drawn.names)
    say(f"real images: {len(chosen):,} of {len(reals):,} of {printable(reals.name)}, those of {drawn.text}")
    return chosen


def held_out_of(drawn: DrawnClasses | None, held_out: ImageSource) -> ImageSource:
    """The held-out images of the classes that are drawn; all of them where they have none of these classes."""
    if drawn is None or drawn.lack or held_out.classes is None:
        return held_out
    there = tuple(name for name in drawn.names if name in held_out.classes.names)
    return with_classes(held_out, there) if 0 < len(there) < len(held_out.classes.names) else held_out


def _lack(generator: Generator, reals: ImageSource) -> tuple[str, str]:
    """(why the classes that are drawn are not found among the real images, what would be right); ("", "") where they are."""
    shown, names = f"the images of {printable(reals.name)}", generator.class_names
    if reals.classes is None:
        why = f" ({reals.no_classes})" if reals.no_classes else ""
        return f"{shown} have no classes{why}", "give --data with those of the generator"
    if not names:
        why = f"{printable(generator.name)} does not name its classes, so that they are not found among {shown}"
        return why, "give the folder of its run, or a file in it"
    drawn = list(dict.fromkeys(names[label] for label in generator.labels))
    missing = [name for name in drawn if name not in reals.classes.names]
    if missing:
        has = first_of(reals.classes.names, MAX_NAMED_CLASSES)
        why = f"{shown} have no {classes_text(range(len(missing)), missing)}, but {has}"
        return why, "give --data with the classes of the generator"
    if any(reals.classes.names.count(name) > 1 or names.count(name) > 1 for name in drawn):
        return f"{shown} have several classes of one name", "give each a name of its own"
    return "", ""
