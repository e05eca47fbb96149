"""Makes a source of image files: finds the images and their size, and keeps them decoded in the cache."""

import collections
import contextlib

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.pixels import size_within
from dcgan_tf.common.progress import counted
from dcgan_tf.common.text import first_three
from dcgan_tf.data.cache import CacheEntry, write_images
from dcgan_tf.data.cuts import Strips, as_lines
from dcgan_tf.data.decode import FORMATS_TEXT, decode, file_facts, image_size, image_sizes, is_of_disk, why_not_decoded
from dcgan_tf.data.facts import are_facts_of_images, are_facts_of_strips
from dcgan_tf.data.files.image_files import FRAME_MARK, IMAGE_ENDINGS, ImageFiles
from dcgan_tf.data.files.survey import Survey
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.ranges import HardlyUsed
from dcgan_tf.data.sizes import chosen_size, how_to_choose, many_sizes, median_side
from dcgan_tf.data.source import ImageSource, Wanted

MAX_STORED_SIDE_PIXELS = 2048


def files_source(files: ImageFiles, name, wanted: Wanted, *, cache, max_chosen_side: int | None = None) -> ImageSource:
    """Makes a source of the images among some files, in their order, with their classes as labels.

    max_chosen_side: see `open_source`.

    With `cache`, every image is decoded once into the cache. Without it, every image is decoded now, to know which can
    be read, and again whenever it is asked for.

    Raises:
        UserError: no image can be read, the images have many sizes and none is wanted, the cache cannot be written.
    """
    entry, chosen, sizes = _entry(files, wanted), None, None
    loaded = entry.load()
    if wanted.size is None:
        kept = loaded and tuple(_facts_of_images(wanted, loaded[1])["image_shape"][:2])
        sizes = collections.Counter([kept]) if kept else _sizes(files, _split_images(files)[0], wanted)
        if chosen := chosen_size(sizes, max_chosen_side):
            wanted = wanted._replace(size=chosen)
            entry = _entry(files, wanted)
            loaded = entry.load()
    if loaded is None:
        images, others = _split_images(files)
        wanted = wanted._replace(size=wanted.size or _common_size(files, sizes))
        survey = Survey(files, images, others, wanted)
        with contextlib.closing(survey.decoded()) as decoded:
            if not cache:
                collections.deque(decoded, maxlen=0)
                return _source(files, name, survey.facts(), survey.read, wanted, chosen)
            write = _write_strips if wanted.is_cut else _write_images
            loaded = entry.store(lambda path: write(path, decoded, wanted, survey))
    array, facts = loaded
    of_images = _facts_of_images(wanted, facts)
    if wanted.is_cut:
        size = tuple(of_images["image_shape"][:2])
        read = Strips(size, array, np.array(facts["lengths"]), np.array(facts["turned"])).cut
    else:
        read = array.__getitem__
    return _source(files, name, of_images, read, wanted, chosen)


def _source(files, name, facts, read, wanted, chosen):
    labels = facts["labels"]
    return ImageSource(
        name,
        tuple(facts["image_shape"]),
        facts["count"],
        read,
        wanted.values,
        labels=None if labels is None else np.asarray(labels, np.int64),
        class_names=facts["class_names"],
        notes=facts["notes"],
        headroom=facts["headroom"],
        shape_of_most=facts["shape_of_most"] and tuple(facts["shape_of_most"]),
        hardly_used=facts["hardly_used"] and HardlyUsed(*facts["hardly_used"]),
        size_is_chosen=chosen is not None,
        names=facts["names"],
        home=files.home,
        firsts=_firsts(facts),
        stored=lambda index: _stored(files, facts, wanted, index),
        headers=lambda names: _headers(files, names, wanted),
        is_cut=wanted.is_cut,
    )


def _firsts(facts):
    """See `ImageSource.firsts`."""
    firsts = np.arange(facts["count"])
    for copy, first in facts["copies"]:
        firsts[copy] = first
    return firsts


def _stored(files, facts, wanted, index):
    """See `ImageSource.stored`."""
    (name, frame), content = _file_and_frame(files, facts["names"][index], wanted), None
    try:
        content = files.content(name)
        own_size = image_size(content, frame)
        fit = Fit(size_within(own_size, MAX_STORED_SIDE_PIXELS))
        bits = tuple(facts["range_of_16_bits"])
        image = decode(content, fit, wanted.value_range, frame=frame, range_of_16_bits=bits).pixels
    except Exception as error:
        raise UserError(f"{files.where(name)} cannot be read any more: {why_not_decoded(error, content)}") from error
    return image, own_size


def _file_and_frame(files, name, wanted) -> tuple[str, int]:
    """The file that an image lies in, and the number of its frame from 0. name: of the image."""
    if wanted.frames == "all" and FRAME_MARK in name:
        name_of_file, _, number = name.rpartition(FRAME_MARK)
        if number.isdecimal() and name not in files.names:
            return name_of_file, int(number) - 1
    return name, 0


def _headers(files, names, wanted):
    """See `ImageSource.headers`."""

    def facts_of(name):
        try:
            return file_facts(files.content(name))
        except Exception as error:  # Pillow raises anything for damage; the pixels were readable a moment ago.
            if is_of_disk(error):
                raise
            return None

    names = list(dict.fromkeys(_file_and_frame(files, name, wanted)[0] for name in names))
    with contextlib.closing(in_order(facts_of, names)) as found:
        yield from counted(found, "reading headers", len(names), "file")


# ---- what is kept in the cache: whole images, or strips of those that are cut


def _entry(files, wanted):
    sound = are_facts_of_strips if wanted.is_cut else are_facts_of_images
    return CacheEntry(files.place, tuple(wanted), files.stamp, sound=sound)


def _facts_of_images(wanted, facts):
    return facts["images"] if wanted.is_cut else facts


def _write_images(path, decoded, wanted, survey):
    return write_images(path, decoded, wanted.size, wanted.channels or 3, survey.facts)


def _write_strips(path, decoded, wanted, survey):
    lengths, turned, longer = [], [], max(wanted.size)

    def facts():
        return {
            "count": sum(lengths),
            "image_shape": [longer, survey.result_channels],  # of a line
            "images": survey.facts(),
            "lengths": lengths,
            "turned": turned,
        }

    lines = as_lines(decoded, wanted.size, lengths, turned)
    return write_images(path, lines, (longer,), wanted.channels or 3, facts)


# ---- which files are images, and how large


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


def _sizes(files, names, wanted) -> collections.Counter:
    """How many images have each (H, W), by their headers alone; images that cannot be read do not count."""

    def sizes_of(name):
        try:
            content = files.content(name)
            return image_sizes(content) if wanted.frames == "all" else [image_size(content)]
        except Exception as error:  # Decoding says why it cannot be read.
            if is_of_disk(error):
                raise
            return []

    with contextlib.closing(in_order(sizes_of, names)) as found:
        return collections.Counter(size for sizes in found for size in sizes if size)


def _common_size(files, sizes: collections.Counter):
    """Returns the (H, W) that all images have.

    Raises:
        UserError: the images have several sizes.
    """
    if len(sizes) > 1:
        raise UserError(f"{files.what} {many_sizes(sizes)}: {how_to_choose(median_side(sizes))}")
    return next(iter(sizes), (1, 1))  # Any size does when no image can be read: decoding then says why.
