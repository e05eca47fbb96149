"""What is asked of a source of images (`Wanted`), and what every kind of source is (`ImageSource`: images by index)."""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dcgan_tf.common.errors import printable
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.pixels import spread
from dcgan_tf.config.reading import DEFAULT_BORDER
from dcgan_tf.data.cuts import places
from dcgan_tf.data.decode import FileFacts
from dcgan_tf.data.members import LABELS_IGNORED
from dcgan_tf.data.ranges import HardlyUsed

PIECE_BYTES = 2**20  # What a thread reads at once.
FINGERPRINT_IMAGES = 64  # This many, spread over the set, stand for all.


class Wanted(NamedTuple):
    """What a source has to make of the stored images; None leaves it to their content.

    size         (H, W), each at least 1: images are resized to cover it, then cropped to their centre
    channels     1 (grey) or 3 (RGB)
    value_range  the stored values that become 0 and 255, the first below the second
    crop         see `fit.Fit`; or random: a part that is another one in every epoch
    border       see `fit.Fit`
    trim         whether the flat margins of each image are cut off
    frames       of a file with several images: the first, or all
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    value_range: tuple[float, float] | None = None
    crop: str = "center"
    border: str = DEFAULT_BORDER
    trim: bool = False
    frames: str = "first"

    @property
    def fit(self) -> Fit:
        return Fit(self.size, self.crop, self.border, self.trim)

    @property
    def is_cut(self) -> bool:
        """Whether images are cut elsewhere in every epoch."""
        return self.crop == "random"

    @property
    def values(self) -> str:
        """The text for `ImageSource.values`, for images that are stored in 8 bits."""
        if self.value_range is None:
            return "uint8 0..255"
        low, high = self.value_range
        return f"{low:g}..{high:g} (given)"


class ImageClasses(NamedTuple):
    """names: of the classes 0, 1, ...; where they have none, their labels. numbers: the class of each image, int64 [N].
    counts: the images of each class, at least one, int64 [classes]."""

    names: tuple[str, ...]
    numbers: np.ndarray
    counts: np.ndarray

    @property
    def shares(self) -> tuple[float, ...]:
        """Of all images."""
        return tuple((self.counts / self.counts.sum()).tolist())


def channels_note(channels: int) -> str:
    """The note of a source whose stored images had to be given another number of channels, 1 or 3."""
    return "colour turned to grey" if channels == 1 else "grey images, stored in three equal channels"


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSource:
    """A set of images of one shape, read by index; make one with `dcgan_tf.data.sources.open_source`.

    Attributes:
        name: short name for a default run folder: file stem, folder name or name of the set.
        image_shape: (H, W, C), C is 1 or 3.
        count: number of images, also ``len(source)``.
        pixels: what `read` calls: indices, int64 [n] -> uint8 [n, H, W, C].
        stored: gives one image, by index, as it is stored: uint8 [h, w, C], upright, and its own (h, w); one with a side of
            over 2,048 pixels is shrunk. None: all are stored in one size, which `read` gives where no other is wanted.
        is_cut: whether images are cut elsewhere in every epoch; then `pixels` also takes where, float [n], see `cuts.places`.
        headers: reads the headers of the files that hold the images of these names, each once, in parallel: yields a
            `FileFacts` or, where one cannot be read any more, None. None: the images are no files.
        values: the stored value range, for people: "uint8 0..255".
        labels: int64 [count], or None.
        class_names: the names of the labels 0, 1, ..., or None.
        headroom: how many times as long the sides of `image_shape` could be before half of the images had to be enlarged;
            below 1: half of them or more have been. None: not known.
        shape_of_most: an (H, W) that would keep the shape of most stored images, see `sizes.shape_of_most`.
        hardly_used: the stored value range, where little of it is used and nobody has given it.
        size_is_chosen: whether nobody asked for this size, and it is not that of the stored images either.
        notes: one-line facts for the start of a run: what was skipped, resized, converted.
        home: the folder that the names lead from, where each image is a file of its own; else None.
        firsts: for each image the index of the first that is equal to it, int64 [count]; None: not known.
        names: of the images, such as their paths in the folder, or None where they have none.
    """

    name: str
    image_shape: tuple[int, int, int]
    count: int
    pixels: Callable[[np.ndarray], np.ndarray]
    values: str
    labels: np.ndarray | None = None
    class_names: list[str] | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    headroom: float | None = None
    shape_of_most: tuple[int, int] | None = None
    hardly_used: HardlyUsed | None = None
    size_is_chosen: bool = False
    names: list[str] | None = None
    home: str | None = None
    firsts: np.ndarray | None = None
    stored: Callable[[int], tuple[np.ndarray, tuple[int, int]]] | None = None
    headers: Callable[[Sequence[str]], Iterator[FileFacts | None]] | None = None
    is_cut: bool = False

    def __post_init__(self):
        # Both are printed, and come from files of others.
        object.__setattr__(self, "notes", [printable(note) for note in self.notes])
        if self.class_names is not None:
            object.__setattr__(self, "class_names", [printable(name) for name in self.class_names])

    def __len__(self) -> int:
        return self.count

    @property
    def class_counts(self) -> dict[str, int]:
        """How many images each class has, by its name, or by its label where classes have none; {} without labels."""
        if self.labels is None:
            return {}
        counts = dict(zip(self.classes.names, self.classes.counts.tolist()))
        return counts if self.class_names is None else {name: counts.get(name, 0) for name in self.class_names}

    @property
    def no_classes(self) -> str:
        """Why there are no labels, where something is known of that; else ""."""
        return "; ".join(note for note in self.notes if note.startswith(LABELS_IGNORED))

    @functools.cached_property
    def classes(self) -> ImageClasses | None:
        """The classes that there are images of, numbered without gaps; None without labels."""
        if self.labels is None:
            return None
        labels, numbers, counts = np.unique(self.labels, return_inverse=True, return_counts=True)
        names = tuple(str(label) if self.class_names is None else self.class_names[label] for label in labels.tolist())
        return ImageClasses(names, numbers.astype(np.int64), counts)

    def read(self, indices, seed: int = 0, epoch: int = 0) -> np.ndarray:
        """Returns the images at `indices`, int [n] in any order, as a new uint8 [n, H, W, C], 0..255.

        seed, epoch: decide where images are cut, if they are. Threads may call it at once.

        Raises:
            UserError: an image cannot be read any more, or holds NaN.
        """
        indices = np.asarray(indices, dtype=np.int64)
        where = (places(seed, epoch, indices),) if self.is_cut else ()
        return np.ascontiguousarray(self.pixels(indices, *where))

    def pieces(self) -> Iterator[np.ndarray]:
        """Yields the indices of all images in order, int64 [n], of about a megabyte of images at a time."""
        step = max(1, PIECE_BYTES // math.prod(self.image_shape))
        for start in range(0, len(self), step):
            yield np.arange(start, min(start + step, len(self)))

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash, 16 hex digits, of the shape, the labels and some images, but not of where or how they are stored."""
        digest = hashlib.blake2b(repr((self.count, self.image_shape)).encode(), digest_size=8)
        for index in spread(self.count, FINGERPRINT_IMAGES):  # Images may be large, so they are read one by one.
            digest.update(self.read([index]))
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels, dtype="<i8"))
        return digest.hexdigest()
