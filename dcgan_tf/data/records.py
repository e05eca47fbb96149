"""Images in TFRecord files, on this machine or in a cloud: any one of them is one seek and one read.

A record in such a file is its length (8 bytes) and the checksum of that (4), the content, and the checksum of the
content (4). The content is a tf.train.Example. Where each record lies is an array in a file beside the shards, which
`dcgan_tf.data.prepare` writes, or for files of others one in the cache, after the files were read through once.
"""

import collections
import fnmatch
import functools
import hashlib
import json
import re
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from dcgan_tf.data import pixels, places
from dcgan_tf.data.cache import CacheEntry
from dcgan_tf.data.decode import FORMATS_TEXT, decode, reason, size_and_channels
from dcgan_tf.data.folders import many_sizes
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.pixels import ImageSource
from dcgan_tf.data.rows import Rows, open_npy
from dcgan_tf.errors import UserError, printable

INDEX_JSON, INDEX_NPY = "index.json", "index.npy"  # of a prepared set; the .json is written last
FORMAT, VERSION = "images prepared by dcgan-tf", 1

# Where the content of a record lies and what it is. zlib.crc32, not the CRC-32C of the file: Python computes it fast.
ROW = np.dtype([("offset", "<u8"), ("length", "<u4"), ("crc32", "<u4"), ("label", "<i8")])
HEADER_BYTES, FOOTER_BYTES = 12, 4
NO_LABEL = -(2**63)

# Names of features: those of TensorFlow's own examples (image_raw, height, width, depth, label), which are also what
# `prepare` writes, of TF-Slim (image/encoded), of TensorFlow Datasets and Keras (image), of StyleGAN (data, shape).
CONTENT = ("image_raw", "image/encoded", "image", "data")
HEIGHT, WIDTH, DEPTH = ("height", "image/height"), ("width", "image/width"), ("depth", "channels", "image/channels")
LABEL = ("label", "image/class/label", "target")

READS_AT_ONCE = 16  # the delay of a network then counts once for a batch, and encoded images decode in parallel


@dataclass(frozen=True)
class Index:
    """What is known of a set without reading it.

    Attributes:
        shards: the files; shard s holds the images starts[s] to starts[s + 1] - 1.
        starts: int64 [number of shards + 1].
        rows: ROW [count].
        facts: "count"; "size" [H, W], or None when they differ, and then "sizes" in words; "channels" 1 or 3;
            "encoded", whether any has to be decoded; "labels", whether there are any; "class_names" or None; "notes". For JSON.
    """

    shards: list[str]
    starts: np.ndarray
    rows: Rows | np.ndarray
    facts: dict


class Picture(NamedTuple):
    """What one Example holds. shape: (H, W, C) of raw uint8 pixels, None of an encoded image."""

    content: bytes
    shape: tuple[int, int, int] | None
    channels_first: bool
    label: int


def is_record_file(head: bytes) -> bool:
    """Whether the first 12 bytes of a file are the length of a record and the right checksum."""
    return len(head) >= HEADER_BYTES and struct.unpack("<I", head[8:HEADER_BYTES])[0] == _masked_crc32c(head[:8])


def is_prepared(folder: str) -> bool:
    """Whether the folder holds a whole set that `prepare` wrote."""
    return all(places.exists(places.join(folder, name)) for name in (INDEX_JSON, INDEX_NPY))


def records_source(where: str, name: str, *, size, channels, value_range, cache) -> ImageSource:
    """The images of a prepared folder, of one TFRecord file, or of all that match a pattern.

    The other arguments are those of `open_source`. With `cache` the index of files of others is kept.

    Raises:
        UserError: a file is missing, damaged or cut short, or holds no images.
    """
    if is_prepared(where):
        index = _read_index(where)
    else:
        folder, pattern = places.split(where)
        prepared = _read_index(folder, pattern) if is_prepared(folder) else None
        index = prepared or _index_of_others(where, cache)
    return _source(index, printable(where), name, size, channels, value_range)


def _source(index, what, name, size, channels, value_range):
    facts = index.facts
    if not (size or facts["size"]):
        raise UserError(f"{what} {facts['sizes']}: choose one with --image-size H W or --preset NAME")
    size = tuple(size or facts["size"])
    channels = channels or facts["channels"]
    notes = list(facts["notes"])
    if facts["size"] != list(size):
        stored = "many sizes" if facts["size"] is None else "{}x{}".format(*facts["size"])
        notes.append(f"resized from {stored} to {size[0]}x{size[1]}")
    if channels != facts["channels"]:
        notes.append("colour turned to grey" if channels == 1 else "grey images, stored in three equal channels")

    parse = _parser()
    # Raw pixels from a disk are there before a thread could have taken over.
    quick = not (places.is_remote(index.shards[0]) or facts["encoded"])
    run = map if quick else ThreadPoolExecutor(READS_AT_ONCE, "records").map

    def load(image, row):
        content = _content(index, image, row)
        try:
            return _to_pixels(parse(content), size, channels, value_range)
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
        "uint8 0..255" if value_range is None else f"{value_range[0]:g}..{value_range[1]:g} (given)",
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
    content = places.read(shard, int(row["offset"]) + HEADER_BYTES, length)
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


# ---- prepared sets


def _read_index(folder, pattern=None) -> Index | None:
    """The index of a prepared set, every shard checked for its size; None when `pattern` leaves some of them out."""
    json_path, npy_path = places.join(folder, INDEX_JSON), places.join(folder, INDEX_NPY)
    damaged = f"{printable(json_path)} is damaged: copy the folder again, or prepare it anew"
    try:
        entry = json.loads(places.read(json_path))
        newer = entry["format"] == FORMAT and entry["version"] > VERSION
        names = [shard["file"] for shard in entry["shards"]]
        sizes = [int(shard["bytes"]) for shard in entry["shards"]]
        starts = np.cumsum([0, *(int(shard["images"]) for shard in entry["shards"])])
        facts = entry["facts"]
        sound = entry["format"] == FORMAT and starts[-1] == facts["count"] > 0
        sound = sound and set(facts) == {"count", "size", "channels", "encoded", "labels", "class_names", "notes"}
    except UserError:
        raise
    except Exception as error:  # damaged JSON is anything
        raise UserError(damaged) from error
    if newer:
        raise UserError(f"{printable(json_path)} is of a newer dcgan-tf: update this one")
    if not sound:
        raise UserError(damaged)
    if pattern is not None and not all(fnmatch.fnmatchcase(name, pattern) for name in names):
        return None
    shards = [places.join(folder, name) for name in names]
    for shard, expected, found in zip(shards, sizes, _sizes(shards)):
        if found is None:
            raise UserError(f"{printable(shard)} is missing: copy it again, or prepare the set anew")
        if found != expected:
            what = "truncated" if found < expected else "damaged"
            raise UserError(f"{printable(shard)} is {what}: it has {found:,} of {expected:,} bytes, copy it again")
    try:
        rows = np.load(BytesIO(places.read(npy_path))) if places.is_remote(folder) else open_npy(npy_path)
        if rows.dtype != ROW or rows.shape != (facts["count"],):
            raise ValueError("of another set")
    except (ValueError, EOFError) as error:
        raise UserError(f"{printable(npy_path)} is damaged: copy it again, or prepare the set anew") from error
    return Index(shards, starts, rows, facts)


def _sizes(shards):
    """The length of each file in bytes, None where there is none."""

    def size(shard):
        try:
            return places.size_and_time(shard)[0]
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        return list(pool.map(size, shards))


# ---- files of others


def _index_of_others(where, cache) -> Index:
    shards = places.matching(where)
    if not shards:
        raise UserError(
            f"--data {printable(where)}: there is no such file, nor a prepared set in a folder of that name: give the "
            "folder, a TFRecord file or a pattern such as 'train-*.tfrecord'"
        )
    _check_complete(where, shards)
    stamp = hashlib.blake2b(digest_size=12)
    total = 0
    for shard in shards:
        length, changed = places.size_and_time(shard)
        stamp.update(f"{printable(shard)}\0{length}\0{changed}\0".encode())
        total += length
    entry = CacheEntry(where, "index of TFRecord files", stamp.hexdigest(), ROW, "what is known of TFRecord files")
    loaded = entry.load()
    if loaded is None:
        rows, facts = _scan_all(where, shards, total)
        loaded = (rows, facts) if not cache else entry.store(functools.partial(_write_rows, rows=rows, facts=facts))
    rows, facts = loaded
    return Index(shards, np.cumsum([0, *facts["images_of_shards"]]), rows, facts)


def _write_rows(path, rows, facts):
    np.save(path, rows)
    return facts


def _check_complete(where, shards):
    """Files called x-00003-of-00064 say how many there are: all that match the pattern have to be there."""
    here = set(shards)
    for shard in shards:
        folder, name = places.split(shard)
        numbered = re.fullmatch(r"(.*-)(\d+)(-of-(\d{1,5}).*)", name, re.DOTALL)
        if not numbered:
            continue
        start, number, end, count = numbered.groups()
        for i in range(int(count)):
            path = (
                places.join(folder, f"{start}{i:0{len(number)}}{end}") if folder else f"{start}{i:0{len(number)}}{end}"
            )
            if path not in here and fnmatch.fnmatchcase(path, where):
                raise UserError(f"{printable(path)} is missing: copy it again, or give a pattern that leaves it out")
        return


def _scan_all(where, shards, total):
    """(ROW [count], facts) of files of others, each read through once, several at a time."""
    for shard in shards:
        if not is_record_file(places.read(shard, 0, HEADER_BYTES)):
            raise UserError(
                f"{printable(shard)} is no TFRecord file (of uncompressed records): a pattern names such files, "
                "for anything else give one file or a folder"
            )
        if shard != printable(shard):
            raise UserError(f"{printable(shard)}: TensorFlow reads names in UTF-8 only: rename it")
    in_terminal = sys.stderr.isatty()
    if not in_terminal:
        print(f"looking through {len(shards):,} TFRecord files ...", file=sys.stderr)
    with tqdm(total=total, unit="B", unit_scale=True, desc="indexing", leave=False, disable=not in_terminal) as bar:
        scans = []
        for scan in in_order(_Scan, shards):
            scans.append(scan)
            bar.update(scan.bytes)
    rows = np.concatenate([scan.rows for scan in scans])
    if len(rows) == 0:
        raise UserError(f"{printable(where)} holds no images that can be read: {scans[0].skipped[0]}")
    sizes = sum((scan.sizes for scan in scans), collections.Counter())
    skipped = [text for scan in scans for text in scan.skipped]
    notes = [f"{len(skipped):,} records skipped: {', '.join(skipped[:3])}" + (", ..." if skipped[3:] else "")]
    return rows, {
        "count": len(rows),
        "images_of_shards": [len(scan.rows) for scan in scans],
        "size": list(next(iter(sizes))) if len(sizes) == 1 else None,
        "sizes": many_sizes(sizes),
        "channels": max(scan.channels for scan in scans),
        "encoded": any(scan.encoded for scan in scans),
        "labels": bool((rows["label"] != NO_LABEL).all()),
        "class_names": None,
        "notes": notes if skipped else [],
    }


class _Scan:
    """One pass over one file, by TensorFlow's own reader, which checks the checksums.

    Attributes: rows, ROW [n]; sizes, how many images have each (H, W); channels, the most of any image, 1 or 3; encoded,
    whether any image is; skipped, records that cannot be read, in words; bytes.
    """

    def __init__(self, path):
        self.sizes, self.channels, self.encoded = collections.Counter(), 1, False
        self.skipped, self.bytes = [], 0
        self.rows = np.fromiter(self._rows(path), ROW)

    def _rows(self, path):
        from dcgan_tf.backend import tf

        parse, number = _parser(), 0
        try:
            for number, record in enumerate(tf.data.TFRecordDataset(path).prefetch(16)):
                content, offset = record.numpy(), self.bytes
                self.bytes += HEADER_BYTES + len(content) + FOOTER_BYTES
                try:
                    picture = parse(content)
                    size, channels = size_and_channels(picture.content) if picture.shape is None else _raw(picture)
                except Exception as error:  # noqa: BLE001, a damaged image makes Pillow raise almost anything
                    self.skipped.append(f"{printable(path)}, record {number} ({reason(error, content)})")
                    continue
                self.sizes[size] += 1
                self.channels = max(self.channels, channels)
                self.encoded |= picture.shape is None
                yield offset, len(content), zlib.crc32(content), picture.label
        except tf.errors.DataLossError as error:
            what = "truncated" if "truncated" in error.message else "damaged"
            raise UserError(f"{printable(path)} is {what} at byte {self.bytes:,}: copy it again") from error
        except tf.errors.OpError as error:
            raise UserError(f"{printable(path)} cannot be read: {printable(error.message)}") from error


def _raw(picture):
    height, width, depth = picture.shape
    return (height, width), 1 if depth <= 2 else 3


# ---- the content of a record


def _parser():
    """A function from the bytes of a tf.train.Example to its Picture; it raises UserError in a few words."""
    from google.protobuf.message import DecodeError

    from dcgan_tf.backend import tf

    def parse(content):
        try:
            features = tf.train.Example.FromString(content).features.feature
        except DecodeError as error:
            raise UserError("no tf.train.Example") from error

        def value(names, kind, default=None):
            for name in names:
                if name in features and (values := getattr(features[name], kind).value):
                    return values[0]
            return default

        image = value(CONTENT, "bytes_list")
        if image is None:
            there = ", ".join(map(printable, sorted(features))) or "nothing"
            raise UserError(f"no image in {', '.join(CONTENT)}, it holds {there}"[:200])
        shape = [value(names, "int64_list") for names in (HEIGHT, WIDTH)]
        shape.append(value(DEPTH, "int64_list", 1))
        first = False
        if "shape" in features and len(features["shape"].int64_list.value) == 3:
            shape = list(features["shape"].int64_list.value)
            first = shape[0] in (1, 3, 4) and shape[2] > 4
            shape = [*shape[1:], shape[0]] if first else shape
        raw = None not in shape and min(shape) > 0 and shape[2] <= 4 and np.prod(shape) == len(image)
        if not raw and not _looks_encoded(image):
            raise UserError(f"neither {FORMATS_TEXT} nor raw uint8 pixels with height, width and depth")
        return Picture(image, tuple(shape) if raw else None, first, value(LABEL, "int64_list", NO_LABEL))

    return parse


def _looks_encoded(content) -> bool:
    starts = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8")
    return content.startswith(starts)


def _masked_crc32c(content: bytes) -> int:
    """The checksum of TFRecord files; bit by bit, for a few bytes only."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
