"""`dcgan-tf prepare`: writes the images of any source as TFRecord shards with an index, for data larger than memory."""

import contextlib
import io
import json
import os
import shutil
import zlib
from pathlib import Path

import numpy as np

from dcgan_tf.common import remote
from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.files import check_out, disk_errors_in_one_line, remove_leftovers, whole_folder
from dcgan_tf.common.program import program, quoted
from dcgan_tf.common.progress import Work
from dcgan_tf.common.text import plural, shape_text, size_text
from dcgan_tf.config.commands import PrepareConfig
from dcgan_tf.data.facts import seal
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.sizes import enlarging_text
from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source
from dcgan_tf.data.tfrecord.examples import FOOTER_BYTES, HEADER_BYTES, NO_LABEL
from dcgan_tf.data.tfrecord.index import INDEX_FORMAT, INDEX_JSON, INDEX_NPY, INDEX_VERSION, is_prepared
from dcgan_tf.data.tfrecord.scan import ROW

RECORD_OVERHEAD_BYTES = 120  # About what a record takes beside its pixels.


def prepare(config: PrepareConfig) -> int:
    """Writes the set that `config` describes, and prints how to train on it. Returns 0.

    On this machine the folder appears whole or not at all. A cloud has no folders to rename, so the index is written
    last there, and a set without an index does not count as one.

    Raises:
        UserError: something the user can mend. Nothing is left behind on this machine.
    """
    _check_out(config.out)
    # The cache would be a second copy of data that may be very large; decoding the images twice costs less.
    source = open_source(
        config.source, size=config.image_size, value_range=config.value_range, reading=config.reading, cache=False
    )
    if config.shards > len(source):
        raise UserError(f"--shards {config.shards}: are more than the {len(source):,} images: give a smaller number")
    images = f"{len(source):,} images of {shape_text(source.image_shape)}"
    say(f"preparing {images} from {printable(config.source)}")
    for note in source.notes:
        say(f"note: {note}")
    if enlarged := enlarging_text(source):
        say(enlarged)
    if remote.is_remote(config.out):
        with _cloud_errors_in_one_line(config.out):
            size = _write_set(source, config.out, config.shards)
    else:
        _check_room(config.out, source)
        remove_leftovers(Path(config.out).parent, is_locked=False)
        with whole_folder(config.out) as folder:
            size = _write_set(source, str(folder), config.shards)
    say(f"{printable(config.out)}: {images} in {plural(config.shards, 'shard')}, {size_text(size)}; train on them with")
    say(f"  {program()} train --data {printable(quoted(config.out))}")
    return 0


def _write_set(source: ImageSource, folder: str, shards: int) -> int:
    """Writes the shards, then the index, into a folder. Returns the bytes written."""
    from dcgan_tf.common.backend import tf

    if remote.is_remote(folder):
        tf.io.gfile.makedirs(folder)
    count = len(source)
    edges = [shard * count // shards for shard in range(shards + 1)]
    rows, files = np.zeros(count, ROW), []
    with contextlib.closing(_images(source)) as images:
        for shard, (start, stop) in enumerate(zip(edges, edges[1:])):
            name = f"train-{shard:05}-of-{shards:05}.tfrecord"
            path = remote.join(folder, name)
            offset = 0
            with tf.io.TFRecordWriter(path) as writer:
                for i in range(start, stop):
                    label = None if source.labels is None else int(source.labels[i])
                    content = _example(tf, next(images), label)
                    writer.write(content)
                    rows[i] = offset, len(content), zlib.crc32(content), NO_LABEL if label is None else label
                    offset += HEADER_BYTES + len(content) + FOOTER_BYTES
            if remote.size_and_time(path)[0] != offset:
                raise UserError(f"{printable(path)}: not all could be written: is there space left?")
            files.append({"file": name, "bytes": offset, "images": stop - start})
    facts = {
        "count": count,
        "size": list(source.image_shape[:2]),
        "channels": source.image_shape[2],
        "encoded": False,
        "labels": source.labels is not None,
        "class_names": source.class_names,
        "notes": [],
    }
    entry = {"format": INDEX_FORMAT, "version": INDEX_VERSION, "facts": facts, "shards": files}
    index = io.BytesIO()
    np.save(index, rows)
    index.seek(0)
    entry["checksum"] = seal(entry, index)
    remote.write(remote.join(folder, INDEX_NPY), index.getvalue())
    remote.write(remote.join(folder, INDEX_JSON), json.dumps(entry, indent=1).encode())
    return sum(file["bytes"] for file in files) + index.tell()


def _images(source):
    """Yields every image, uint8 [H, W, C], in order; several threads read them."""
    with (
        contextlib.closing(in_order(source.read, source.pieces())) as results,
        Work("preparing", len(source), "image") as bar,
    ):
        for images in results:
            yield from images
            bar.update(len(images))


def _example(tf, image, label) -> bytes:
    """Serializes one image as a tf.train.Example, with the names that TensorFlow's own examples use for raw pixels."""

    def numbers(value):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    height, width, depth = image.shape
    features = {
        "image_raw": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
        "height": numbers(height),
        "width": numbers(width),
        "depth": numbers(depth),
    }
    if label is not None:
        features["label"] = numbers(label)
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _check_out(out):
    """Refuses a folder for the set that is a file, or that holds anything already."""
    if out != printable(out):
        raise UserError(f"--out {printable(out)}: is not UTF-8: give another name")
    if is_prepared(out):
        raise UserError(f"--out {out}: holds a prepared set already: give another folder, or delete that one")
    if remote.is_remote(out):
        return
    if os.path.lexists(out) and not os.path.isdir(out):
        raise UserError(f"--out {out}: is a file: give a new folder")
    check_out(Path(out), is_folder=True)
    try:
        if os.path.lexists(out) and os.listdir(out):
            raise UserError(f"--out {out}: holds other files: give a new folder")
    except OSError as error:
        raise UserError(f"--out {out}: cannot be read ({error.strerror}): give a new folder") from error


def _check_room(out, source):
    """Refuses a folder whose disk has too little space left for the set."""
    needed = len(source) * (int(np.prod(source.image_shape)) + RECORD_OVERHEAD_BYTES + ROW.itemsize)
    above = next(path for path in Path(out).absolute().parents if path.exists())
    with disk_errors_in_one_line(out):
        free = shutil.disk_usage(above).free
    if needed > free:
        raise UserError(
            f"--out {out}: the set needs about {size_text(needed)}, and its disk has {size_text(free)} left: "
            "free some space, or give a folder on another disk"
        )


@contextlib.contextmanager
def _cloud_errors_in_one_line(out):
    """Turns errors of the disk and of TensorFlow into a UserError that names --out."""
    from dcgan_tf.common.backend import tf

    try:
        with disk_errors_in_one_line(out):
            yield
    except tf.errors.OpError as error:
        raise UserError(f"--out {out}: cannot be written: {first_line(error.message)}") from error
