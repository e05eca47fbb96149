"""Images in TFRecord files, on this machine or in a cloud: any one of them is one seek and one read."""

import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dcgan_tf.common import pixels, remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import shape_text
from dcgan_tf.data.decode import decode, reason
from dcgan_tf.data.source import ImageSource, Wanted, channels_note
from dcgan_tf.data.tfrecord.examples import HEADER_BYTES, parser
from dcgan_tf.data.tfrecord.index import READS_AT_ONCE, index_of_others, is_prepared, read_index


def records_source(where: str, name: str, wanted: Wanted, *, cache) -> ImageSource:
    """The images of a prepared folder, of one TFRecord file, or of all that match a pattern.

    With `cache` the index of files of others is kept.

    Raises:
        UserError: a file is missing, damaged or cut short, or holds no images.
    """
    if is_prepared(where):
        index = read_index(where)
    else:
        folder, pattern = remote.split(where)
        prepared = read_index(folder, pattern) if is_prepared(folder) else None
        index = prepared or index_of_others(where, cache)
    return _source(index, printable(where), name, wanted)


def _source(index, what, name, wanted):
    facts = index.facts
    if not (wanted.size or facts["size"]):
        raise UserError(f"{what} {facts['sizes']}: choose one with --image-size H W or --preset NAME")
    size = tuple(wanted.size or facts["size"])
    channels = wanted.channels or facts["channels"]
    notes = list(facts["notes"])
    if facts["size"] != list(size):
        stored = "many sizes" if facts["size"] is None else shape_text(facts["size"])
        notes.append(f"resized from {stored} to {shape_text(size)}")
    if channels != facts["channels"]:
        notes.append(channels_note(channels))

    parse = parser()
    # Raw pixels from a disk are there before a thread could have taken over.
    quick = not (remote.is_remote(index.shards[0]) or facts["encoded"])
    run = map if quick else ThreadPoolExecutor(READS_AT_ONCE, "records").map

    def load(image, row):
        content = _content(index, image, row)
        try:
            return _to_pixels(parse(content), size, channels, wanted.value_range)
        except Exception as error:  # a damaged image makes Pillow raise almost anything
            raise UserError(f"{_place(index, image)} cannot be read: {reason(error, content)}") from error

    def read(indices):
        images = np.empty((len(indices), *size, channels), np.uint8)
        for i, image in enumerate(run(load, indices.tolist(), index.rows[indices])):
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
    )


def _labels(rows):
    labels = np.empty(len(rows), np.int64)
    for start in range(0, len(rows), 2**16):
        part = np.arange(start, min(start + 2**16, len(rows)))
        labels[part] = rows[part]["label"]
    return labels


def _content(index, image, row) -> bytes:
    """The Example of one image, checked."""
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
    """An image in words: its file, and which record of it."""
    shard = _shard_of(index, image)
    return f"{printable(index.shards[shard])}: image {image - index.starts[shard]}"


def _to_pixels(picture, size, channels, value_range) -> np.ndarray:
    if picture.shape is None:
        return pixels.to_channels(decode(picture.content, size, value_range).pixels, channels)
    image = np.frombuffer(picture.content, np.uint8)
    if picture.channels_first:
        height, width, depth = picture.shape
        image = np.moveaxis(image.reshape(depth, height, width), 0, -1)
    image = pixels.to_uint8(image.reshape(1, *picture.shape), *(value_range or (0, 255)))
    return pixels.fit_all(pixels.to_channels(image, channels), size)[0]
