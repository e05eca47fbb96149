"""The contact sheets of what generate draws: of all pictures, and of each class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dcgan_tf.generators.classes import class_text, classes_text, file_words
from dcgan_tf.pictures.images import write_png
from dcgan_tf.pictures.sheet import contact_sheet

MAX_SHEET_PICTURES = 100
# The sheets of all classes are filled side by side. With so many classes, or such large pictures, that these together take
# more memory than this, a sheet has fewer pictures.
MAX_HELD_BYTES = 2**30


class Sheets:
    """Contact sheets of the pictures of some seeds: each is written, whole or not at all, when its last picture is there."""

    def __init__(self, folder: Path, name: str, seeds: range, generator, most: int = MAX_SHEET_PICTURES):
        """name: of the files, without their ending; where there are several, they get their first and last seed behind it.
        seeds: in the order in which the pictures come. most: pictures on a sheet."""
        self._folder, self._name, self._seeds, self._generator, self._most = folder, name, seeds, generator, most
        self._images = []
        self.written: list[str] = []

    def add(self, seed: int, image: np.ndarray) -> None:
        """Takes the picture of a seed, one of its own, uint8 [H, W, C]."""
        self._images.append(image)
        if len(self._images) < self._most and seed != self._seeds[-1]:
            return
        place = self._seeds.index(seed) + 1
        on_it = self._seeds[place - len(self._images) : place]
        is_alone = len(self._seeds) <= self._most
        self.written.append(f"{self._name}.png" if is_alone else f"{self._name}_{on_it[0]:04d}-{on_it[-1]:04d}.png")
        sheet = contact_sheet(self._images, captions(self._generator, on_it))
        write_png(self._folder / self.written[-1], sheet, flush=False)
        self._images.clear()


class ClassSheets:
    """Contact sheets of each class that a generator draws in turn, from the pictures of consecutive seeds."""

    def __init__(self, folder: Path, seeds: range, generator):
        classes = generator.classes
        most = min(MAX_SHEET_PICTURES, MAX_HELD_BYTES // (classes * int(np.prod(generator.image_shape))))
        own_seeds = [generator.seeds_of(place, seeds) for place in range(classes)]
        words = file_words(classes, generator.class_names)
        self._generator = generator
        self._sheets = [
            Sheets(folder, f"grid_{word}", own, generator, max(most, 1)) for word, own in zip(words, own_seeds)
        ]
        self._without = [label for label, own in enumerate(own_seeds) if not own]

    def add(self, seed: int, image: np.ndarray) -> None:
        """Takes the picture of a seed, uint8 [H, W, C]."""
        [label] = self._generator.labels_of([seed])
        self._sheets[label].add(seed, image)

    @property
    def written(self) -> list[str]:
        """The names of the files, class by class."""
        return [name for sheets in self._sheets for name in sheets.written]

    @property
    def missing(self) -> str:
        """The classes of which there is no picture: "class cat", "classes cat, dog"; "" where there are none."""
        return classes_text(self._without, self._generator.class_names) if self._without else ""


def captions(generator, seeds: Sequence[int]) -> list[str]:
    """What stands below the pictures of seeds: the seed, and its class where there are classes: "7: cat"."""
    labels = generator.labels_of(seeds)
    if labels is None:
        return [str(seed) for seed in seeds]
    return [f"{seed}: {class_text(label, generator.class_names)}" for seed, label in zip(seeds, labels, strict=True)]
