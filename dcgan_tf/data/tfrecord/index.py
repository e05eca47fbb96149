"""Where each image of a set of TFRecord files lies, so that any one of them is one seek and one read.

That is an array in a file beside the shards, which `dcgan_tf.data.prepare` writes, or for files of others one in the cache,
after the files were read through once.
"""

import collections
import fnmatch
import functools
import hashlib
import json
import re
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from tqdm import tqdm

from dcgan_tf.common import remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.text import first_three
from dcgan_tf.data.cache import CacheEntry
from dcgan_tf.data.decode import reason
from dcgan_tf.data.folders import many_sizes
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.rows import Rows, open_npy
from dcgan_tf.data.tfrecord.examples import FOOTER_BYTES, HEADER_BYTES, NO_LABEL, is_record_file, parser

INDEX_JSON, INDEX_NPY = "index.json", "index.npy"  # of a prepared set; the .json is written last
FORMAT, VERSION = "images prepared by dcgan-tf", 1

# Where the content of a record lies and what it is. zlib.crc32, not the CRC-32C of the file: Python computes it fast.
ROW = np.dtype([("offset", "<u8"), ("length", "<u4"), ("crc32", "<u4"), ("label", "<i8")])

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


def is_prepared(folder: str) -> bool:
    """Whether the folder holds a whole set that `prepare` wrote."""
    return all(remote.exists(remote.join(folder, name)) for name in (INDEX_JSON, INDEX_NPY))


# ---- prepared sets


def read_index(folder: str, pattern: str | None = None) -> Index | None:
    """The index of a prepared set, every shard checked for its size; None when `pattern` leaves some of them out.

    Raises:
        UserError: a file is missing, damaged or cut short.
    """
    json_path, npy_path = remote.join(folder, INDEX_JSON), remote.join(folder, INDEX_NPY)
    damaged = f"{printable(json_path)} is damaged: copy the folder again, or prepare it anew"
    try:
        entry = json.loads(remote.read(json_path))
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
    shards = [remote.join(folder, name) for name in names]
    for shard, expected, found in zip(shards, sizes, _sizes(shards)):
        if found is None:
            raise UserError(f"{printable(shard)} is missing: copy it again, or prepare the set anew")
        if found != expected:
            what = "truncated" if found < expected else "damaged"
            raise UserError(f"{printable(shard)} is {what}: it has {found:,} of {expected:,} bytes, copy it again")
    try:
        rows = np.load(BytesIO(remote.read(npy_path))) if remote.is_remote(folder) else open_npy(npy_path)
        if rows.dtype != ROW or rows.shape != (facts["count"],):
            raise ValueError("of another set")
    except (ValueError, EOFError) as error:
        raise UserError(f"{printable(npy_path)} is damaged: copy it again, or prepare the set anew") from error
    return Index(shards, starts, rows, facts)


def _sizes(shards):
    """The length of each file in bytes, None where there is none."""

    def size(shard):
        try:
            return remote.size_and_time(shard)[0]
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        return list(pool.map(size, shards))


# ---- files of others


def index_of_others(where: str, cache: bool) -> Index:
    """The index of all TFRecord files that match a pattern, which were read through once; with `cache` it is kept.

    Raises:
        UserError: a file is missing, damaged or cut short, or holds no images.
    """
    shards = remote.matching(where)
    if not shards:
        raise UserError(
            f"--data {printable(where)}: there is no such file, nor a prepared set in a folder of that name: give the "
            "folder, a TFRecord file or a pattern such as 'train-*.tfrecord'"
        )
    _check_complete(where, shards)
    stamp = hashlib.blake2b(digest_size=12)
    total = 0
    for shard in shards:
        length, changed = remote.size_and_time(shard)
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
        folder, name = remote.split(shard)
        numbered = re.fullmatch(r"(.*-)(\d+)(-of-(\d{1,5}).*)", name, re.DOTALL)
        if not numbered:
            continue
        start, number, end, count = numbered.groups()
        for i in range(int(count)):
            path = (
                remote.join(folder, f"{start}{i:0{len(number)}}{end}") if folder else f"{start}{i:0{len(number)}}{end}"
            )
            if path not in here and fnmatch.fnmatchcase(path, where):
                raise UserError(f"{printable(path)} is missing: copy it again, or give a pattern that leaves it out")
        return


def _scan_all(where, shards, total):
    """(ROW [count], facts) of files of others, each read through once, several at a time."""
    for shard in shards:
        if not is_record_file(remote.read(shard, 0, HEADER_BYTES)):
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
    notes = [f"{len(skipped):,} records skipped: {first_three(skipped)}"]
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
        from dcgan_tf.common.backend import tf

        parse, number = parser(), 0
        try:
            for number, record in enumerate(tf.data.TFRecordDataset(path).prefetch(16)):
                content, offset = record.numpy(), self.bytes
                self.bytes += HEADER_BYTES + len(content) + FOOTER_BYTES
                try:
                    picture = parse(content)
                    size, channels = picture.size_and_channels()
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
