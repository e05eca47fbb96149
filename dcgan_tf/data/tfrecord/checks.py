"""What an index of TFRecord files may say. Files are damaged, or made by others: nothing is believed before it is checked."""

import numpy as np

from dcgan_tf.data.facts import (
    are_of_kinds,
    is_bool,
    is_channels,
    is_count,
    is_counts,
    is_name,
    is_none_or,
    is_side,
    is_size,
    is_text,
    is_texts,
    labels_fit,
    with_defaults,
)
from dcgan_tf.data.tfrecord.examples import FOOTER_BYTES, HEADER_BYTES, NO_LABEL

FACTS_OF_SET = {
    "count": is_count,
    "size": is_size,
    "channels": is_channels,
    "encoded": is_bool,
    "labels": is_bool,
    "class_names": is_none_or(is_texts),
    "notes": is_texts,
}
FACTS_OF_FILES = FACTS_OF_SET | {"images_of_shards": is_counts, "size": is_none_or(is_size), "sizes": is_text}
FACTS_OF_FILES |= {"median_side": is_none_or(is_side)}  # Earlier versions did not write it.
PARTS_OF_SHARD = {"file": is_name, "bytes": is_count, "images": is_count}

ROWS_AT_ONCE = 2**16


def set_is_sound(entry) -> bool:
    """Whether the parts of an index.json are what they should be, and fit each other."""
    if entry.keys() - {"checksum"} != {"format", "version", "facts", "shards"}:
        return False
    facts, shards = entry["facts"], entry["shards"]
    if not (is_count(entry["version"]) and are_of_kinds(facts, FACTS_OF_SET)):
        return False
    if not (isinstance(shards, list) and all(are_of_kinds(shard, PARTS_OF_SHARD) for shard in shards)):
        return False
    return sum(shard["images"] for shard in shards) == facts["count"] > 0


def files_are_sound(facts, shards) -> bool:
    """Whether facts that the cache keeps of files without an index are of these shards, and fit each other."""
    if not are_of_kinds(with_defaults(facts, median_side=None), FACTS_OF_FILES):
        return False
    return len(facts["images_of_shards"]) == len(shards) and sum(facts["images_of_shards"]) == facts["count"] > 0


def rows_are_sound(rows, starts, sizes, facts) -> bool:
    """Whether every record lies within its shard, and has a label, and a class, where there are any.

    starts, sizes: of the shards; see `Index`, and their lengths in bytes.
    """
    sizes = np.array(sizes, np.uint64)
    around = np.uint64(HEADER_BYTES + FOOTER_BYTES)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        indices = np.arange(start, min(start + ROWS_AT_ONCE, len(rows)))
        part = rows[indices]
        size = sizes[np.searchsorted(starts, indices, side="right") - 1]
        needed = part["length"] + around
        if (needed > size).any() or (part["offset"] > size - needed).any():
            return False
        labels = part["label"]
        if facts["labels"] and ((labels == NO_LABEL).any() or not labels_fit(labels, facts["class_names"])):
            return False
    return True
