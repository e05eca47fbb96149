"""Makes a source of TFRecord files, on this machine or in a cloud. Each image is one seek and one read."""

import zlib

import numpy as np

from dcgan_tf.common import pixels, remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.fit import cut
from dcgan_tf.common.text import shape_text
from dcgan_tf.common.threads import Threads
from dcgan_tf.data.decode import decode, why_not_decoded
from dcgan_tf.data.sizes import how_to_choose, square
from dcgan_tf.data.source import ImageSource, Wanted, channels_note
from dcgan_tf.data.tfrecord.examples import HEADER_BYTES, example_parser
from dcgan_tf.data.tfrecord.index import CONCURRENT_READS, index_of_foreign_files, is_prepared, read_index

LABELS_AT_ONCE = 2**16


def records_source(where: str, name: str, wanted: Wanted, *, cache, max_chosen_side: int | None = None) -> ImageSource:
    """Makes a source of a prepared folder, of one TFRecord file, or of all TFRecord files that match a pattern.

    cache: whether the index of files that have none is kept for the next time.
    max_chosen_side: see `open_source`.

    Raises:
        UserError: a file is missing, damaged or cut short, or holds no images.
    """
    if is_prepared(where):
        index = read_index(where)
    else:
        folder, pattern = remote.split(where)
        prepared = read_index(folder, pattern) if is_prepared(folder) else None
        index = prepared or index_of_foreign_files(where, cache)
    return _source(index, printable(where), name, wanted, max_chosen_side)


def _source(index, what, name, wanted, max_chosen_side):
    facts = index.facts
    side, chosen = facts.get("median_side"), None
    if not (wanted.size or facts["size"]):
        if side is None or max_chosen_side is None:
            raise UserError(f"{what} {printable(facts['sizes'])}: {how_to_choose(side)}")
        chosen = square(side, max_chosen_side)
    size = tuple(wanted.size or facts["size"] or chosen)
    fit = wanted.fit._replace(size=size)
    stored_sides = facts["size"] or (side and [side, side])
    channels = wanted.channels or facts["channels"]
    notes = list(facts["notes"])
    if facts["size"] != list(size):
        stored = "many sizes" if facts["size"] is None else shape_text(facts["size"])
        notes.append(f"resized from {stored} to {shape_text(size)}")
    if channels != facts["channels"]:
        notes.append(channels_note(channels))

    parse = example_parser()
    # Reading raw pixels from a disk takes less time than handing the work to a thread.
    quick = not (remote.is_remote(index.shards[0]) or facts["encoded"])
    run = map if quick else Threads(CONCURRENT_READS).map

    def load(image, row, place=None):
        content = _content(index, image, row)
        try:
            return _to_pixels(parse(content), fit, channels, wanted.value_range, place)
        except Exception as error:  # Pillow raises almost anything for a damaged image.
            raise UserError(f"{_place(index, image)} cannot be read: {why_not_decoded(error, content)}") from error

    def read(indices, at=None):
        images = np.empty((len(indices), *size, channels), np.uint8)
        at = [None] * len(indices) if at is None else at
        for i, image in enumerate(run(load, indices.tolist(), index.rows[indices], at)):
            images[i] = image
        return images

    return ImageSource(
        name,
        (*size, channels),
        facts["count"],
        read,
        wanted.values,
        labels=_labels(index.rows) if facts["labels"] else None,
        class_names=facts["class_names"],
        notes=notes,
        headroom=fit.headroom(tuple(stored_sides)) if stored_sides else None,
        size_is_chosen=chosen is not None,
        is_cut=wanted.is_cut,
    )


def _labels(rows):
    """The labels of all images, int64 [N]; rows of an index in a file are read in parts."""
    labels = np.empty(len(rows), np.int64)
    for start in range(0, len(rows), LABELS_AT_ONCE):
        part = np.arange(start, min(start + LABELS_AT_ONCE, len(rows)))
        labels[part] = rows[part]["label"]
    return labels


def _content(index, image, row) -> bytes:
    """Reads the serialized Example of one image, and compares its checksum with the one in the index."""
    shard = index.shards[_shard_of(index, image)]
    length = int(row["length"])
    content = remote.read(shard, int(row["offset"]) + HEADER_BYTES, length)
    if len(content) < length:
        raise UserError(f"{printable(shard)} is shorter than its index says: it is truncated, copy it again")
    if zlib.crc32(content) != row["crc32"]:
        raise UserError(f"{_place(index, image)} is damaged, its checksum is wrong: copy the file again")
    return content


def _shard_of(index, image) -> int:
    return int(np.searchsorted(index.starts, image, side="right")) - 1


def _place(index, image) -> str:
    """Says where an image lies: its file, and its number in that file."""
    shard = _shard_of(index, image)
    return f"{printable(index.shards[shard])}: image {image - index.starts[shard]}"


def _to_pixels(picture, fit, channels, value_range, place) -> np.ndarray:
    """Makes uint8 [H, W, channels] of the wanted size from a `Picture`. place: where it is cut; None: not at all."""
    if picture.shape is None:
        image = pixels.to_channels(decode(picture.content, fit, value_range).pixels, channels)
        return image if place is None else cut(image, fit.size, place)
    image = np.frombuffer(picture.content, np.uint8)
    if picture.channels_first:
        height, width, depth = picture.shape
        image = np.moveaxis(image.reshape(depth, height, width), 0, -1)
    image = pixels.to_uint8(image.reshape(1, *picture.shape), *(value_range or (0, 255)))
    return fit.images(pixels.to_channels(image, channels), None if place is None else [place])[0]
