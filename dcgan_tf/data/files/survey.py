"""Makes a source of image files: finds the images, decodes them once in parallel, and keeps them in the cache."""

import collections
import contextlib
import math
import sys

import numpy as np

from dcgan_tf.common import pixels
from dcgan_tf.common.console import warn
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.progress import counted
from dcgan_tf.common.text import first_three, plural, shape_text
from dcgan_tf.data.cache import CacheEntry, write_images
from dcgan_tf.data.decode import FORMATS_TEXT, decode, image_size, is_of_disk, why_not_decoded
from dcgan_tf.data.facts import are_facts_of_images
from dcgan_tf.data.files.image_files import IMAGE_ENDINGS, ImageFiles
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.selection import digest
from dcgan_tf.data.sizes import chosen_size, headroom, how_to_choose, many_sizes, median_side
from dcgan_tf.data.source import ImageSource, Wanted


def files_source(files: ImageFiles, name, wanted: Wanted, *, cache, max_chosen_side: int | None = None) -> ImageSource:
    """Makes a source of the images among some files, in their order, with their classes as labels.

    max_chosen_side: see `open_source`.

    With `cache`, every image is decoded once into the cache. Without it, every image is decoded now, to know which can
    be read, and again whenever it is asked for.

    Raises:
        UserError: no image can be read, the images have many sizes and none is wanted, the cache cannot be written.
    """

    def entry_of(wanted):
        return CacheEntry(files.place, tuple(wanted), files.stamp, sound=are_facts_of_images)

    entry, chosen = entry_of(wanted), None
    loaded = entry.load()
    if wanted.size is None:
        kept = loaded and tuple(loaded[1]["image_shape"][:2])
        sizes = collections.Counter([kept]) if kept else _sizes(files, _split_images(files)[0])
        if chosen := chosen_size(sizes, max_chosen_side):
            wanted = wanted._replace(size=chosen)
            entry = entry_of(wanted)
            loaded = entry.load()
    if loaded is None:
        images, others = _split_images(files)
        wanted = wanted._replace(size=wanted.size or _common_size(files, sizes))
        survey = _Survey(files, images, others, wanted)
        with contextlib.closing(survey.decoded()) as decoded:
            if not cache:
                collections.deque(decoded, maxlen=0)
                return _source(files, name, survey.facts(), survey.read, wanted.values, chosen)
            loaded = entry.store(
                lambda path: write_images(path, decoded, wanted.size, wanted.channels or 3, survey.facts)
            )
    array, facts = loaded
    return _source(files, name, facts, lambda indices: array[indices], wanted.values, chosen)


def _source(files, name, facts, read, values, chosen):
    labels = facts["labels"]
    return ImageSource(
        name,
        tuple(facts["image_shape"]),
        facts["count"],
        read,
        values,
        labels=None if labels is None else np.asarray(labels, np.int64),
        class_names=facts["class_names"],
        notes=facts["notes"],
        headroom=facts.get("headroom"),
        size_is_chosen=chosen is not None,
        names=facts.get("names"),
        home=files.home,
        firsts=_firsts(facts),
    )


def _firsts(facts):
    """See `ImageSource.firsts`."""
    if facts.get("copies") is None:  # An earlier version did not look for them.
        return None
    firsts = np.arange(facts["count"])
    for copy, first in facts["copies"]:
        firsts[copy] = first
    return firsts


class _Survey:
    """Decodes images in one pass, and remembers what it has seen of them.

    Iterate `decoded` to its end first; `facts` and `read` then know which images can be read.
    """

    def __init__(self, files, names, others, wanted):
        self._files, self._names, self._others = files, names, others
        self._size, self._channels, self._value_range = wanted
        self._kept, self._coloured, self._skipped = [], [], []
        self._stored_sizes = collections.Counter()
        self._first_of, self._copies = {}, []  # {digest: index}, [[index, index of the first]]

    def decoded(self):
        """Yields every image that can be read, in order: uint8 [H, W, 3], or with the wanted number of channels."""

        def decode_one(name):
            content = None
            try:
                content = self._files.content(name)
                return decode(content, self._size, self._value_range)
            except Exception as error:  # Pillow raises almost anything for a damaged file.
                if is_of_disk(error):  # The cache would leave the image out for good.
                    raise UserError(
                        f"{self._files.where(name)} cannot be read: {error.strerror}: check the disk, and run the same command "
                        "again"
                    ) from None  # With a cause, the cache would take it for an error of its own disk.
                return why_not_decoded(error, content)

        result_bytes = math.prod(self._size) * 3
        with contextlib.closing(in_order(decode_one, self._names, result_bytes)) as results:
            in_terminal = sys.stderr.isatty()
            bar = counted(results, "decoding", len(self._names), "image")
            for name, result in zip(self._names, bar, strict=True):
                if isinstance(result, str):
                    self._skipped.append((name, result))
                    continue
                if not self._kept and not in_terminal:
                    warn(f"decoding {plural(len(self._names), 'image')} ...")
                first = self._first_of.setdefault(digest(result.pixels), len(self._kept))
                if first != len(self._kept):
                    self._copies.append([len(self._kept), first])
                self._kept.append(name)
                self._stored_sizes[result.stored_size] += 1
                if not pixels.is_grey(result.pixels):
                    self._coloured.append(name)
                yield pixels.to_channels(result.pixels, self._channels or 3)

    def facts(self) -> dict:
        """Returns what the pass has found, as a dict for JSON.

        Raises:
            UserError: no image could be read.
        """
        if not self._kept:
            raise UserError(
                f"{self._files.what}: none of {plural(len(self._names), 'image')} can be read: "
                f"{first_three(self._skipped_texts())}"
            )
        labels, class_names = self._files.classes(self._kept)
        return {
            "count": len(self._kept),
            "image_shape": [*self._size, self._result_channels()],
            "labels": labels,
            "class_names": class_names,
            "notes": self._notes(),
            "headroom": headroom(self._stored_sizes, self._size),
            "names": list(self._kept),
            "copies": self._copies,
        }

    def read(self, indices):
        """Decodes the images at `indices` again: uint8 [n, H, W, C]."""
        channels = self._result_channels()
        images = np.empty((len(indices), *self._size, channels), np.uint8)
        for i, index in enumerate(indices):
            name, content = self._kept[index], None
            try:
                content = self._files.content(name)
                images[i] = pixels.to_channels(decode(content, self._size, self._value_range).pixels, channels)
            except Exception as error:
                raise UserError(
                    f"{self._files.where(name)} cannot be read any more: {why_not_decoded(error, content)}"
                ) from error
        return images

    def _result_channels(self):
        return self._channels or (3 if self._coloured else 1)

    def _skipped_texts(self):
        return [f"{printable(name)} ({why})" for name, why in self._skipped]

    def _notes(self):
        count, coloured = len(self._kept), len(self._coloured)
        skipped = f", {len(self._skipped):,} skipped: {first_three(self._skipped_texts())}" if self._skipped else ""
        notes = [f"{plural(count, 'image')} read{skipped}"]
        if self._others:
            notes.append(
                f"{plural(len(self._others), 'other file')} ignored: {first_three(map(printable, self._others))}"
            )
        if set(self._stored_sizes) != {self._size}:
            notes.append(self._sizes_note())
        if self._channels is None and not coloured:
            notes.append("grey in content: one channel")
        elif self._channels is None and coloured < count / 2:
            names = first_three(map(printable, self._coloured))
            notes.append(f"three channels, though only {coloured:,} of {count:,} images have colour: {names}")
        elif self._channels == 1 and coloured:
            notes.append(f"{plural(coloured, 'image')} in colour turned to grey")
        return notes

    def _sizes_note(self):
        height, width = self._size
        shorter = [min(size) for size in self._stored_sizes]
        sides = min(shorter) if len(set(shorter)) == 1 else f"{min(shorter)} to {max(shorter)}"
        enlarged = sum(n for (h, w), n in self._stored_sizes.items() if h < height or w < width)
        return (
            f"{plural(len(self._stored_sizes), 'size')}, shorter side {sides}, "
            f"resized and cropped to {shape_text(self._size)}"
            + (f"; {plural(enlarged, 'image')} enlarged" if enlarged else "")
        )


def _split_images(files: ImageFiles):
    """Splits the names of files into images, told by their ending or else by their content, and others.

    Raises:
        UserError: there are no images.
    """
    images, others = [], []
    for name in files.names:
        known_ending = name.lower().endswith(IMAGE_ENDINGS)
        (images if known_ending or files.is_image(name) else others).append(name)
    if not images:
        instead = f"only {first_three(map(printable, others))}" if others else "no files at all"
        raise UserError(f"{files.what} holds no images ({FORMATS_TEXT}), {instead}")
    return images, others


def _sizes(files, names) -> collections.Counter:
    """How many images have each (H, W), by their headers alone; images that cannot be read do not count."""

    def size_of(name):
        try:
            return image_size(files.content(name))
        except Exception as error:  # Decoding says why it cannot be read.
            if is_of_disk(error):
                raise
            return None

    with contextlib.closing(in_order(size_of, names)) as found:
        return collections.Counter(size for size in found if size)


def _common_size(files, sizes: collections.Counter):
    """Returns the (H, W) that all images have.

    Raises:
        UserError: the images have several sizes.
    """
    if len(sizes) > 1:
        raise UserError(f"{files.what} {many_sizes(sizes)}: {how_to_choose(median_side(sizes))}")
    return next(iter(sizes), (1, 1))  # Any size does when no image can be read: decoding then says why.
