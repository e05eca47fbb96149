"""The index of a set of TFRecord files: where each image lies, so that any image is one seek and one read.

`dcgan_tf.data.prepare` writes the index of a set beside its shards. Files that other programs wrote have none: they are
read through once, and their index is kept in the cache.
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
from dcgan_tf.data.decode import why_not_decoded
from dcgan_tf.data.folders import many_sizes
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.rows import Rows, open_npy
from dcgan_tf.data.tfrecord.examples import FOOTER_BYTES, HEADER_BYTES, NO_LABEL, example_parser, is_record_file

INDEX_JSON, INDEX_NPY = "index.json", "index.npy"  # The .json is written last, so a set with it is whole.
INDEX_FORMAT, INDEX_VERSION = "images prepared by dcgan-tf", 1

# One row for each image: where the content of its record lies, a checksum of it, and the label. The checksum is
# zlib.crc32, not the CRC-32C in the file, because Python computes it fast.
ROW = np.dtype([("offset", "<u8"), ("length", "<u4"), ("crc32", "<u4"), ("label", "<i8")])

CONCURRENT_READS = 16  # A batch then waits for the network once, and its images decode in parallel.


@dataclass(frozen=True)
class Index:
    """What is known of a set of TFRecord files without reading them.

    Attributes:
        shards: the files; shard s holds the images starts[s] to starts[s + 1] - 1.
        starts: int64 [number of shards + 1].
        rows: ROW [count].
        facts: a dict for JSON. "count": the number of images. "size": [H, W], or None when images differ in it; "sizes"
            then says so in words. "channels": 1 or 3. "encoded": whether any image has to be decoded. "labels": whether
            there are any. "class_names": a list or None. "notes": see `ImageSource.notes`.
    """

    shards: list[str]
    starts: np.ndarray
    rows: Rows | np.ndarray
    facts: dict


def is_prepared(folder: str) -> bool:
    """Whether the folder holds a whole set that `prepare` wrote."""
    return all(remote.exists(remote.join(folder, name)) for name in (INDEX_JSON, INDEX_NPY))


# ---- sets with an index, written by `prepare`


def read_index(folder: str, pattern: str | None = None) -> Index | None:
    """Reads the index of a prepared set, and checks that each shard is there in its full length.

    pattern: the result is None when this leaves out any shard, because the index is of all of them.

    Raises:
        UserError: a file is missing, damaged or cut short.
    """
    json_path, npy_path = remote.join(folder, INDEX_JSON), remote.join(folder, INDEX_NPY)
    damaged = f"{printable(json_path)} is damaged: copy the folder again, or prepare it anew"
    try:
        entry = json.loads(remote.read(json_path))
        newer = entry["format"] == INDEX_FORMAT and entry["version"] > INDEX_VERSION
        names = [shard["file"] for shard in entry["shards"]]
        sizes = [int(shard["bytes"]) for shard in entry["shards"]]
        starts = np.cumsum([0, *(int(shard["images"]) for shard in entry["shards"])])
        facts = entry["facts"]
        sound = entry["format"] == INDEX_FORMAT and starts[-1] == facts["count"] > 0
        sound = sound and set(facts) == {"count", "size", "channels", "encoded", "labels", "class_names", "notes"}
    except UserError:
        raise
    except Exception as error:  # Damaged JSON may hold anything.
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
    """Returns the length of each file in bytes, or None where there is no such file."""

    def size(shard):
        try:
            return remote.size_and_time(shard)[0]
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(CONCURRENT_READS) as pool:
        return list(pool.map(size, shards))


# ---- files that other programs wrote, without an index


def index_of_foreign_files(where: str, cache: bool) -> Index:
    """Returns the index of all TFRecord files that match a pattern: a kept one, or one made by reading them through.

    cache: whether an index that had to be made is kept for the next time.

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
    """Refuses a set with a file missing: one that is called x-00003-of-00064 says that there are 64.

    Only files that match the pattern `where` have to be there.
    """
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
    """Reads several files at a time through, each once. Returns rows, ROW [count], and the facts of an `Index`."""
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
    """What one pass over one file finds. TensorFlow's own reader reads it and verifies the checksums.

    Attributes:
        rows: ROW [number of images that can be read].
        sizes: how many images have each (H, W).
        channels: 3 where any image has colour, else 1.
        encoded: whether any image has to be decoded.
        skipped: the records that cannot be read, in words.
        bytes: the length of the file.
    """

    def __init__(self, path):
        self.sizes, self.channels, self.encoded = collections.Counter(), 1, False
        self.skipped, self.bytes = [], 0
        self.rows = np.fromiter(self._rows(path), ROW)

    def _rows(self, path):
        from dcgan_tf.common.backend import tf

        parse, number = example_parser(), 0
        try:
            for number, record in enumerate(tf.data.TFRecordDataset(path).prefetch(16)):
                content, offset = record.numpy(), self.bytes
                self.bytes += HEADER_BYTES + len(content) + FOOTER_BYTES
                try:
                    picture = parse(content)
                    size, channels = picture.size_and_channels()
                except Exception as error:  # noqa: BLE001 (Pillow raises almost anything for a damaged image)
                    self.skipped.append(f"{printable(path)}, record {number} ({why_not_decoded(error, content)})")
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
