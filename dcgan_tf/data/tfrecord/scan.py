"""One pass over a TFRecord file that another program wrote: which records are images, where they lie, what they are."""

import collections
import sys
import zlib

import numpy as np

from dcgan_tf.common import remote
from dcgan_tf.common.console import warn
from dcgan_tf.common.errors import UserError, first_line, printable
from dcgan_tf.common.memory import check_fits
from dcgan_tf.common.progress import BYTES, Work
from dcgan_tf.common.text import first_three
from dcgan_tf.data.decode import why_not_decoded
from dcgan_tf.data.members import LABELS_IGNORED
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.sizes import many_sizes, median_side
from dcgan_tf.data.tfrecord.examples import FOOTER_BYTES, HEADER_BYTES, NO_LABEL, example_parser, is_record_file

# One row for each image: where the content of its record lies, a checksum of it, and the label. The checksum is
# zlib.crc32, not the CRC-32C in the file, because Python computes it fast.
ROW = np.dtype([("offset", "<u8"), ("length", "<u4"), ("crc32", "<u4"), ("label", "<i8")])

MAX_AHEAD, AHEAD_BYTES = 16, 2**26  # How many records are read ahead, and how much.
COPIES = 3  # of a record while it is parsed


def check_lengths(path: str) -> int:
    """Walks from header to header, and returns the length of the longest record.

    TensorFlow allocates whatever a header says and dies of a length that cannot be; so this comes first.

    Raises:
        UserError: a record is longer than the rest of the file, or than memory.
    """
    size, longest, offset = remote.size_and_time(path)[0], 0, 0
    with remote.reading(path), remote.opened(path) as file:
        while offset < size:
            file.seek(offset)
            head = file.read(HEADER_BYTES)
            if len(head) == HEADER_BYTES and not is_record_file(head):
                break  # TensorFlow reads no further, either, and says so.
            length = int.from_bytes(head[:8], "little")
            end = offset + HEADER_BYTES + length + FOOTER_BYTES
            if end > size:
                raise UserError(f"{printable(path)} is truncated at byte {offset:,}: copy it again")
            longest, offset = max(longest, length), end
    check_fits(f"a record of {printable(path)}", COPIES * longest, "make its records smaller")
    return longest


def scan_all(where, shards, total):
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
        warn(f"looking through {len(shards):,} TFRecord files ...")
    with Work("indexing", total, BYTES) as bar:
        scans = []
        for scan in in_order(_Scan, shards):
            scans.append(scan)
            bar.update(scan.bytes)
    rows = np.concatenate([scan.rows for scan in scans])
    if len(rows) == 0:
        raise UserError(f"{printable(where)} holds no images that can be read: {scans[0].skipped[0]}")
    sizes = sum((scan.sizes for scan in scans), collections.Counter())
    skipped = [text for scan in scans for text in scan.skipped]
    notes = [f"{len(skipped):,} records skipped: {first_three(skipped)}"] if skipped else []
    unlabelled = int((rows["label"] == NO_LABEL).sum())
    if 0 < unlabelled < len(rows):
        notes.append(f"{LABELS_IGNORED}{unlabelled:,} of {len(rows):,} records have none")
    return rows, {
        "count": len(rows),
        "images_of_shards": [len(scan.rows) for scan in scans],
        "size": list(next(iter(sizes))) if len(sizes) == 1 else None,
        "sizes": many_sizes(sizes),
        "median_side": median_side(sizes),
        "channels": max(scan.channels for scan in scans),
        "encoded": any(scan.encoded for scan in scans),
        "labels": unlabelled == 0,
        "class_names": None,
        "notes": notes,
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
        longest = check_lengths(path)
        # As many records are read ahead as fit into a few megabytes.
        self._ahead = max(1, min(MAX_AHEAD, AHEAD_BYTES // max(1, longest)))
        self.sizes, self.channels, self.encoded = collections.Counter(), 1, False
        self.skipped, self.bytes = [], 0
        self.rows = np.fromiter(self._rows(path), ROW)

    def _rows(self, path):
        from dcgan_tf.common.backend import tf

        parse, number = example_parser(), 0
        try:
            for number, record in enumerate(tf.data.TFRecordDataset(path).prefetch(self._ahead)):
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
            raise UserError(f"{printable(path)} cannot be read: {first_line(error.message)}") from error
