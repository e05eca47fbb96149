"""The index of a set of TFRecord files: where each image lies, so that any image is one seek and one read.

`dcgan_tf.data.prepare` writes the index of a set beside its shards. Files that other programs wrote have none: they are
read through once, and their index is kept in the cache.
"""

import fnmatch
import functools
import hashlib
import re
from dataclasses import dataclass
from io import BytesIO

import numpy as np

from dcgan_tf.common import remote
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.reading import open_regular
from dcgan_tf.common.threads import Threads
from dcgan_tf.data.cache import CacheEntry
from dcgan_tf.data.facts import is_count, parsed, seal
from dcgan_tf.data.rows import Rows, open_npy, read_header, read_values
from dcgan_tf.data.tfrecord.checks import files_are_sound, rows_are_sound, set_is_sound
from dcgan_tf.data.tfrecord.scan import ROW, scan_all

INDEX_JSON, INDEX_NPY = "index.json", "index.npy"  # The .json is written last, so a set with it is whole.
INDEX_FORMAT, INDEX_VERSION = "images prepared by dcgan-tf", 1

MAX_JSON_BYTES = 2**26
CONCURRENT_READS = 16  # A batch then waits for the network once, and its images decode in parallel.


@dataclass(frozen=True)
class Index:
    """What is known of a set of TFRecord files without reading them.

    Attributes:
        shards: the files; shard s holds the images starts[s] to starts[s + 1] - 1.
        starts: int64 [number of shards + 1].
        rows: ROW [count].
        facts: a dict for JSON. "count": the number of images. "size": [H, W], or None when images differ in it; "sizes"
            then says so in words, and "median_side" is the median of their shorter sides. "channels": 1 or 3.
            "encoded": whether any image has to be decoded. "labels": whether there are any. "class_names": a list or None. "notes": see `ImageSource.notes`.
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
    try:
        entry = parsed(_limited(json_path))
        newer = entry["format"] == INDEX_FORMAT and is_count(entry["version"]) and entry["version"] > INDEX_VERSION
        newer = newer and {"facts", "shards"} <= entry.keys()
    except UserError:
        raise
    except Exception as error:  # Damaged JSON may hold anything.
        raise UserError(_damaged(json_path)) from error
    if newer:
        raise UserError(f"{printable(json_path)} is of a newer dcgan-tf: update this one")
    if entry["format"] != INDEX_FORMAT or not set_is_sound(entry):
        raise UserError(_damaged(json_path))
    names = [shard["file"] for shard in entry["shards"]]
    if pattern is not None and not all(fnmatch.fnmatchcase(name, pattern) for name in names):
        return None
    shards, sizes = [remote.join(folder, name) for name in names], [shard["bytes"] for shard in entry["shards"]]
    for shard, expected, found in zip(shards, sizes, _sizes(shards)):
        if found is None:
            raise UserError(f"{printable(shard)} is missing: copy it again, or prepare the set anew")
        if found != expected:
            what = "truncated" if found < expected else "damaged"
            raise UserError(f"{printable(shard)} is {what}: it has {found:,} of {expected:,} bytes, copy it again")
    facts, starts = entry["facts"], np.cumsum([0, *(shard["images"] for shard in entry["shards"])])
    rows = _read_rows(json_path, npy_path, entry)
    if not rows_are_sound(rows, starts, sizes, facts):
        raise UserError(_damaged(npy_path))
    return Index(shards, starts, rows, facts)


def _damaged(path):
    what = "the folder" if path.endswith(INDEX_JSON) else "it"
    anew = "it" if path.endswith(INDEX_JSON) else "the set"
    return f"{printable(path)} is damaged: copy {what} again, or prepare {anew} anew"


def _limited(path) -> bytes:
    """Reads a file that cannot be long."""
    content = remote.read(path, 0, MAX_JSON_BYTES + 1)
    if len(content) > MAX_JSON_BYTES:
        raise ValueError("it is too long")
    return content


def _read_rows(json_path, npy_path, entry):
    """Reads the rows of a prepared set, those on this machine when asked for, and checks the checksum of its index."""
    length = remote.size_and_time(npy_path)[0]
    try:
        with remote.reading(npy_path):
            with BytesIO(remote.read(npy_path)) if remote.is_remote(npy_path) else open_regular(npy_path) as file:
                header = read_header(file)
                if header.dtype != ROW or header.shape != (entry["facts"]["count"],):
                    raise ValueError("of another set")
                if header.length + header.data_bytes != length:
                    raise ValueError("of another length")
                rows = read_values(file, header) if remote.is_remote(npy_path) else open_npy(npy_path)
                file.seek(0)
                is_sealed = "checksum" not in entry or entry["checksum"] == seal(entry, file)
    except UserError:
        raise
    except Exception as error:  # A damaged header raises almost anything.
        raise UserError(_damaged(npy_path)) from error
    if not is_sealed:
        raise UserError(
            f"{printable(json_path)} or {INDEX_NPY} beside it is damaged, their checksum is wrong: "
            "copy the folder again, or prepare it anew"
        )
    return rows


def _sizes(shards):
    """Returns the length of each file in bytes, or None where there is no such file."""

    def size(shard):
        try:
            return remote.size_and_time(shard)[0]
        except FileNotFoundError:
            return None

    return Threads(CONCURRENT_READS).map(size, shards)


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
    stamp, sizes = hashlib.blake2b(digest_size=12), []
    for shard in shards:
        with remote.reading(shard):
            length, changed = remote.size_and_time(shard)
        stamp.update(f"{printable(shard)}\0{length}\0{changed}\0".encode())
        sizes.append(length)
    entry = CacheEntry(
        where,
        "index of TFRecord files",
        stamp.hexdigest(),
        ROW,
        "what is known of TFRecord files",
        lambda facts: files_are_sound(facts, shards),
    )
    loaded = entry.load()
    if loaded is None or not rows_are_sound(loaded[0], _starts(loaded[1]), sizes, loaded[1]):
        rows, facts = scan_all(where, shards, sum(sizes))
        loaded = (rows, facts) if not cache else entry.store(functools.partial(_write_rows, rows=rows, facts=facts))
    rows, facts = loaded
    return Index(shards, _starts(facts), rows, facts)


def _starts(facts):
    return np.cumsum([0, *facts["images_of_shards"]])


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
