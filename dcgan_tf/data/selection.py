"""Sets of which some images are left out: those of other classes, and copies of earlier ones."""

import contextlib
import dataclasses
import fnmatch
import hashlib
from collections.abc import Sequence

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.program import program
from dcgan_tf.common.progress import Work
from dcgan_tf.common.text import first_of, first_three, nearest_name, plural
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.source import ImageSource

MIN_SHARE_TO_INSPECT = 0.01  # of duplicates; fewer may well be known
MAX_LISTED_CLASSES = 10  # in a message; there may be thousands
DIGEST_BYTES = 16  # Two different images of a billion have the same digest once in 10^20 sets.


def with_classes(source: ImageSource, wanted: tuple[str, ...]) -> ImageSource:
    """The images of some classes alone; these are numbered anew, in the order that they had.

    wanted: names of classes, or of a set whose classes have none the numbers of labels; or patterns of these, such as
        dog*; at least one.

    Raises:
        UserError: the images have no classes, or none that a name or a pattern fits.
    """
    classes = source.classes
    if classes is None:
        why = f" ({source.no_classes})" if source.no_classes else ""
        asked = printable(" ".join(wanted))
        raise UserError(f"--classes {asked}: the images of {printable(source.name)} have no classes{why}")
    kept = sorted({number for word in wanted for number in _fitting(word, classes.names, source.name)})
    names = [classes.names[number] for number in kept]
    indices = np.flatnonzero(np.isin(classes.numbers, kept))
    note = f"{plural(len(indices), 'image')} of {len(source):,}: of the classes {first_of(names, MAX_LISTED_CLASSES)}"
    chosen = _subset(source, indices, note)
    if source.class_names is None:
        return chosen
    return dataclasses.replace(chosen, labels=np.searchsorted(kept, classes.numbers[indices]), class_names=names)


def _fitting(word: str, names: Sequence[str], what: str) -> list[int]:
    """The numbers of the classes of that name; where there are none, of those that it fits as a pattern."""
    word = printable(word)  # As the names are.
    found = [number for number, name in enumerate(names) if name == word]
    found = found or [number for number, name in enumerate(names) if fnmatch.fnmatchcase(name, word)]
    if not found:
        near = nearest_name(word.strip("*?"), names)
        meant = f"; did you mean {near}?" if near else ""
        raise UserError(
            f"--classes {word}: {printable(what)} has no such class: it has {first_of(names, MAX_LISTED_CLASSES)}{meant}"
        )
    return found


def without_copies(source: ImageSource) -> ImageSource:
    """The set without images that are equal to an earlier one."""
    if source.firsts is None:
        source = dataclasses.replace(source, firsts=find_firsts(source))
    copies = _copies(source)
    if len(copies) == 0:
        return source
    return _subset(source, np.setdiff1d(np.arange(len(source)), copies), f"{_copies_text(source, copies)} left out")


def with_copies_told(source: ImageSource) -> ImageSource:
    """The set, with a note on its copies where they are known."""
    if source.firsts is None or len(copies := _copies(source)) == 0:
        return source
    told = f"{_copies_text(source, copies)} among them: --drop-duplicates leaves them out"
    if len(copies) > MIN_SHARE_TO_INSPECT * len(source):
        told += f", {program()} inspect tells more"
    return dataclasses.replace(source, notes=[*source.notes, told])


def find_firsts(source: ImageSource) -> np.ndarray:
    """For each image the index of the first that is equal to it as it is read, mostly its own: int64 [N]. Reads all images."""

    def digests_of(indices):
        return [digest(image) for image in source.read(indices)]

    first_of, firsts = {}, []
    with (
        contextlib.closing(in_order(digests_of, source.pieces())) as results,
        Work("looking for copies", len(source), "image") as bar,
    ):
        for digests in results:
            firsts += [first_of.setdefault(found, index) for index, found in enumerate(digests, start=bar.done)]
            bar.update(len(digests))
    return np.asarray(firsts, np.int64)


def digest(image: np.ndarray) -> bytes:
    """A hash of an image, uint8 [H, W, C], that no other image has."""
    hashed = hashlib.blake2b(repr(image.shape).encode(), digest_size=DIGEST_BYTES)
    hashed.update(np.ascontiguousarray(image))
    return hashed.digest()


def _copies(source) -> np.ndarray:
    """The indices of images that are equal to an earlier one."""
    return np.flatnonzero(source.firsts != np.arange(len(source)))


def _copies_text(source, copies) -> str:
    pairs = (
        [] if source.names is None else [f"{source.names[i]} of {source.names[source.firsts[i]]}" for i in copies[:4]]
    )
    return plural(len(copies), "duplicate") + (f" ({first_three(pairs)})" if pairs else "")


def _subset(source, indices, note) -> ImageSource:
    """The images at some indices, int64 ascending."""
    firsts = None
    if source.firsts is not None:
        _, places, groups = np.unique(source.firsts[indices], return_index=True, return_inverse=True)
        firsts = places[groups]  # The first of a group may have been left out; then the next is.
    return dataclasses.replace(
        source,
        count=len(indices),
        pixels=lambda chosen, *where: source.pixels(indices[chosen], *where),
        stored=None if source.stored is None else lambda i: source.stored(int(indices[i])),
        labels=None if source.labels is None else source.labels[indices],
        names=None if source.names is None else [source.names[i] for i in indices],
        notes=[*source.notes, note],
        firsts=firsts,
    )
