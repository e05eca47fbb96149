"""Facts in JSON beside an array, of the cache and of prepared sets: what may stand there, and a checksum of both.

Files are damaged, or come from others: what is read is checked before it is used.
"""

import json
import zlib

from dcgan_tf.common.errors import printable

READ_CHUNK_BYTES = 2**20
MAX_COUNT = 2**63 - 1
MAX_SIDE = 2**31 - 1

# Each of these says whether a value of JSON is of its kind. True and False are numbers to Python, but not here.


def is_count(value) -> bool:
    return type(value) is int and 0 <= value <= MAX_COUNT


def is_side(value) -> bool:
    """A number of pixels or channels."""
    return type(value) is int and 0 < value <= MAX_SIDE


def is_channels(value) -> bool:
    return type(value) is int and value in (1, 3)


def is_bool(value) -> bool:
    return isinstance(value, bool)


def is_text(value) -> bool:
    return isinstance(value, str)


def is_name(value) -> bool:
    """The name of a file in the same folder, whatever the system: it leads nowhere else, and prints as it is."""
    return (
        is_text(value) and value not in ("", ".", "..") and not set(value) & set("/\\:") and value == printable(value)
    )


def is_texts(value) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def is_counts(value) -> bool:
    return isinstance(value, list) and all(map(is_count, value))


def are_pairs(value) -> bool:
    return isinstance(value, list) and all(is_counts(pair) and len(pair) == 2 for pair in value)


def is_size(value) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_side, value))


def is_image_shape(value) -> bool:
    return isinstance(value, list) and len(value) == 3 and is_size(value[:2]) and is_channels(value[2])


def is_factor(value) -> bool:
    return type(value) in (int, float) and 0 < value < float("inf")


def is_none_or(kind):
    return lambda value: value is None or kind(value)


def are_of_kinds(facts, kinds: dict) -> bool:
    """Whether facts are a dict with exactly the keys of `kinds`, each with a value of its kind."""
    return isinstance(facts, dict) and facts.keys() == kinds.keys() and all(kinds[key](facts[key]) for key in kinds)


def with_defaults(facts, **defaults):
    """The facts with what they may lack, as earlier versions did not write it; what is no dict stays as it is."""
    return defaults | facts if isinstance(facts, dict) else facts


def labels_fit(labels, class_names) -> bool:
    """Whether each label, list or int64 [N], has a name, where there are names."""
    return class_names is None or (min(labels) >= 0 and max(labels) < len(class_names))


FACTS_OF_IMAGES = {  # of decoded images, as `dcgan_tf.data.files.source` keeps them
    "count": is_count,
    "image_shape": is_image_shape,
    "labels": is_none_or(is_counts),
    "class_names": is_none_or(is_texts),
    "notes": is_texts,
    "headroom": is_factor,
    "shape_of_most": is_none_or(is_size),
    "hardly_used": is_none_or(lambda value: is_counts(value) and len(value) == 4),
    "names": is_texts,
    "copies": are_pairs,
    "range_of_16_bits": lambda value: is_counts(value) and len(value) == 2 and value[0] < value[1],
}
FACTS_OF_STRIPS = {  # of decoded images that are cut, see `dcgan_tf.data.cuts.Strips`
    "count": is_count,
    "image_shape": lambda value: is_counts(value) and len(value) == 2,
    "images": lambda value: are_facts_of_images(value),
    "lengths": lambda value: isinstance(value, list) and all(map(is_side, value)),
    "turned": lambda value: isinstance(value, list) and all(map(is_bool, value)),
}


def are_facts_of_images(facts) -> bool:
    """Whether facts of decoded images, read from the cache, are whole and fit each other."""
    if not (are_of_kinds(facts, FACTS_OF_IMAGES) and facts["count"] > 0 and len(facts["names"]) == facts["count"]):
        return False
    if not all(first < copy < facts["count"] for copy, first in facts["copies"]):
        return False
    labels = facts["labels"]
    return labels is None or (len(labels) == facts["count"] and labels_fit(labels, facts["class_names"]))


def are_facts_of_strips(facts) -> bool:
    """The same of images that are cut."""
    if not are_of_kinds(facts, FACTS_OF_STRIPS):
        return False
    lengths, images = facts["lengths"], facts["images"]
    return len(lengths) == len(facts["turned"]) == images["count"] and sum(lengths) == facts["count"]


def parsed(content: bytes):
    """The value of some JSON in UTF-8.

    Raises:
        ValueError: it is none, is nested too deeply, or says one thing twice.
    """

    def unique(pairs):
        value = dict(pairs)
        if len(value) < len(pairs):
            raise ValueError("a key is there twice")
        return value

    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=unique)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def seal(entry: dict, file) -> str:
    """The checksum of an entry, but for its own "checksum", and of the rest of an open file: 8 hexadecimal digits.

    It is CRC-32, which finds what disks and copies do to files; of a cache of 1 GB it takes 0.4 s, BLAKE2 1.3 s.
    """
    unsealed = {key: value for key, value in entry.items() if key != "checksum"}
    checksum = zlib.crc32(json.dumps(unsealed, sort_keys=True).encode())
    while chunk := file.read(READ_CHUNK_BYTES):
        checksum = zlib.crc32(chunk, checksum)
    return f"{checksum:08x}"


def check_seal(entry: dict, file) -> None:
    """Raises a ValueError where the checksum is wrong. Entries of before have none, and pass."""
    if "checksum" in entry and entry["checksum"] != seal(entry, file):
        raise ValueError("the checksum is wrong")
