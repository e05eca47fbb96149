"""Indexes of TFRecord files: of prepared sets, checked before use, and of files of others, read through once."""

import json
import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.image_files import encoded
from support.records import write_records
from support.sources import source_error

from dcgan_tf import cli
from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.config.commands import PrepareConfig
from dcgan_tf.data.facts import seal
from dcgan_tf.data.prepare import prepare
from dcgan_tf.data.sources import open_source
from dcgan_tf.data.tfrecord import examples
from dcgan_tf.data.tfrecord.index import index_of_foreign_files, is_prepared, read_index

pytestmark = pytest.mark.usefixtures("own_folder")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# ---- prepared sets


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda s: s.unlink(), "{shard} is missing: copy it again, or prepare the set anew"),
        (
            lambda s: os.truncate(s, 500),
            "{shard} is truncated: it has 500 of {size:,} bytes, copy it again",
        ),
        (
            lambda s: (s.parent / "index.json").write_text("{"),
            "set/index.json is damaged: copy the folder again, or prepare it anew",
        ),
        (
            lambda s: (s.parent / "index.json").write_text('{"format": "images prepared by dcgan-tf", "version": 2}'),
            "set/index.json is damaged: copy the folder again, or prepare it anew",
        ),
        (
            lambda s: os.truncate(s.parent / "index.npy", 200),
            "set/index.npy is damaged: copy it again, or prepare the set anew",
        ),
        (
            lambda s: np.save(s.parent / "index.npy", np.zeros(22)),
            "set/index.npy is damaged: copy it again, or prepare the set anew",
        ),
        (
            lambda s: (s.parent / "index.json").unlink(),
            "set holds TFRecord files, and no index of theirs: if they are of one set, give a pattern, "
            "--data 'set/*.tfrecord*'",
        ),
    ],
)
def test_a_damaged_set_is_one_line_at_once(tmp_path, colours, damage, line, capsys):
    prepare(PrepareConfig("colours.npz", out="set", shards=4))
    shard = Path("set/train-00002-of-00004.tfrecord")
    size = shard.stat().st_size
    damage(shard)
    capsys.readouterr()
    assert cli.main(["train", "--data", "set"]) == 2
    assert capsys.readouterr() == ("", f"error: {line.format(shard=shard, size=size)}\n")
    assert not (tmp_path / "checkpoints").exists()


def test_a_newer_set_is_not_guessed_at(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    entry = json.loads(Path("set/index.json").read_text())
    Path("set/index.json").write_text(json.dumps(entry | {"version": 2}))
    with pytest.raises(UserError, match=r"^set/index\.json is of a newer dcgan-tf: update this one$"):
        open_source("set")


def test_a_cloud_that_does_not_answer_is_one_line(monkeypatch):
    class Nowhere:
        def exists(self, path):
            raise tf.errors.UnavailableError(None, None, "Could not resolve host\n\twhen reading metadata of gs://b/x")

    monkeypatch.setattr("dcgan_tf.common.remote._gfile", Nowhere)
    assert source_error("gs://b/x") == "gs://b/x/index.json cannot be read: Could not resolve host"


def test_the_index_of_a_prepared_set(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=4))
    index = read_index("set")
    assert index.shards == [f"set/train-0000{i}-of-00004.tfrecord" for i in range(4)]
    assert index.starts.tolist() == [0, 5, 11, 16, 22]
    rows = index.rows[np.arange(22)]
    assert rows["label"].tolist() == [50 * i for i in range(22)]
    assert rows["offset"][[0, 5, 11, 16]].tolist() == [0, 0, 0, 0]
    assert (
        rows["offset"][6] == 12 + rows["length"][5] + 4
    )  # The length and its checksum come before the content, 12 bytes, and a checksum of 4 after it.
    content = Path(index.shards[1]).read_bytes()[12 : 12 + rows["length"][5]]
    assert zlib.crc32(content) == rows["crc32"][5]
    assert index.facts == FACTS


def test_a_pattern_that_leaves_out_a_shard_has_no_use_for_the_index(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=4))
    assert read_index("set", "train-0000[0-2]*") is None
    assert read_index("set", "train-*").starts.tolist() == [0, 5, 11, 16, 22]


def test_a_set_is_prepared_when_both_files_of_its_index_are_there(tmp_path):
    assert not is_prepared(str(tmp_path))
    (tmp_path / "index.npy").touch()
    assert not is_prepared(str(tmp_path))
    (tmp_path / "index.json").touch()
    assert is_prepared(str(tmp_path))


# ---- files of others


def test_encoded_images_of_one_size(tmp_path, capsys):
    images = noise(5, 9, 7, 3)
    parts = [{"image/encoded": encoded(image), "image/class/label": i} for i, image in enumerate(images)]
    write_records("a-00000-of-00002.tfrecord", parts[:2])
    write_records("a-00001-of-00002.tfrecord", parts[2:])
    source = open_source("a-*.tfrecord")
    assert (source.image_shape, source.labels.tolist(), source.notes) == ((9, 7, 3), [0, 1, 2, 3, 4], [])
    assert source.name == tmp_path.name
    np.testing.assert_array_equal(source.read([4, 0, 2]), images[[4, 0, 2]])
    assert capsys.readouterr().err == "looking through 2 TFRecord files ...\n"
    assert open_source("a-*.tfrecord").fingerprint == source.fingerprint
    assert capsys.readouterr().err == ""  # The index was kept, so nothing is read through.
    one = open_source("a-00001-of-00002.tfrecord")
    assert (one.name, len(one)) == ("a-00001-of-00002", 3)
    os.unlink("a-00001-of-00002.tfrecord")
    assert source_error("a-*.tfrecord") == (
        "a-00001-of-00002.tfrecord is missing: copy it again, or give a pattern that leaves it out"
    )
    assert len(open_source("a-00000*.tfrecord")) == 2


def test_without_cache_nothing_is_written():
    write_records("a.tfrecord", [{"image": encoded(noise(4, 4))}])
    assert open_source("a.tfrecord", cache=False).image_shape == (4, 4, 1)
    home = Path(os.environ["DCGAN_TF_CACHE"])
    assert not home.exists() or list(home.iterdir()) == []


def test_many_sizes_need_a_wanted_one():
    write_records("a.tfrecord", [{"image": encoded(noise(8, 8 + i, 3))} for i in range(3)])
    assert source_error("a.tfrecord") == (
        "a.tfrecord holds images of 3 sizes (shorter side: smallest 8, median 8): choose one, such as --image-size 8"
    )
    chosen = open_source("a.tfrecord", max_chosen_side=6)
    assert (chosen.image_shape, chosen.size_is_chosen, round(chosen.headroom, 3)) == ((4, 4, 3), True, 2.0)
    source = open_source("a.tfrecord", size=(4, 4))
    assert not source.size_is_chosen
    assert source.read([0, 1, 2]).shape == (3, 4, 4, 3) and source.notes == ["resized from many sizes to 4x4"]


def test_records_without_images_are_skipped_and_named():
    good = {"image": encoded(noise(4, 4))}
    write_records("a.tfrecord", [good, {"image": b"hello"}, {"text": b"x", "label": 3}, b"\xff\xff", good])
    source = open_source("a.tfrecord")
    assert len(source) == 2 and source.labels is None
    assert source.notes == [
        "3 records skipped: a.tfrecord, record 1 (neither JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM nor raw uint8 pixels with "
        "height, width and depth), a.tfrecord, record 2 (no image in image_raw, image/encoded, image, data, it holds "
        "label, text), a.tfrecord, record 3 (no tf.train.Example)"
    ]
    write_records("b.tfrecord", [{"image": b"hello"}])
    assert source_error("b.tfrecord").startswith("b.tfrecord holds no images that can be read: b.tfrecord, record 0 (")


@pytest.mark.parametrize(("cut", "what"), [(-10, "truncated"), (-40, "truncated")])
def test_files_of_others_cut_short(cut, what):
    write_records("a.tfrecord", [{"image": encoded(noise(8, 8, seed=i))} for i in range(3)])
    whole = Path("a.tfrecord").read_bytes()
    last = Path("a.tfrecord").stat().st_size // 3 * 2
    Path("a.tfrecord").write_bytes(whole[:cut])
    assert source_error("a.tfrecord") == f"a.tfrecord is {what} at byte {last:,}: copy it again"
    Path("a.tfrecord").write_bytes(whole[:30] + b"?" + whole[31:])
    assert source_error("a.tfrecord") == "a.tfrecord is damaged at byte 0: copy it again"


def test_a_pattern_of_other_files():
    Image.fromarray(noise(4, 4)).save("a.png")
    assert source_error("*.png") == (
        "a.png is no TFRecord file (of uncompressed records): a pattern names such files, "
        "for anything else give one file or a folder"
    )
    assert source_error("ram://nothing/x-*").startswith(
        "--data ram://nothing/x-*: there is no such file, nor a prepared "
    )
    assert re.match(r"--data 'x-\*': no such file or folder, ", source_error("x-*"))


def test_the_index_of_files_of_others():
    grey, colour = {"image": encoded(noise(4, 8)), "label": 7}, noise(6, 5, 3).tobytes()
    write_records("a.tfrecord", [grey, b"\xff\xff"])
    write_records("b.tfrecord", [{"image_raw": colour, "height": 6, "width": 5, "depth": 3, "label": 8}])
    index = index_of_foreign_files("?.tfrecord", cache=False)
    assert index.shards == ["a.tfrecord", "b.tfrecord"] and index.starts.tolist() == [0, 1, 2]
    assert index.rows["label"].tolist() == [7, 8] and index.rows["offset"].tolist() == [0, 0]
    assert index.facts == {
        "count": 2,
        "images_of_shards": [1, 1],
        "size": None,
        "sizes": "holds images of 2 sizes (shorter side: smallest 4, median 4)",
        "median_side": 4,
        "channels": 3,
        "encoded": True,
        "labels": True,
        "class_names": None,
        "notes": ["1 records skipped: a.tfrecord, record 1 (no tf.train.Example)"],
    }


def test_labels_count_when_every_image_has_one():
    raw = {"image_raw": bytes(4), "height": 2, "width": 2}
    write_records("a.tfrecord", [raw | {"label": 1}, raw])
    facts = index_of_foreign_files("a.tfrecord", cache=False).facts
    assert (facts["labels"], facts["encoded"], facts["size"], facts["channels"]) == (False, False, [2, 2], 1)


def test_a_kept_index_is_made_again_when_a_file_changes(capsys):
    raw = {"image_raw": bytes(4), "height": 2, "width": 2}
    write_records("a.tfrecord", [raw])
    for _ in range(2):
        assert index_of_foreign_files("a.tfrecord", cache=True).facts["count"] == 1
    assert capsys.readouterr().err == "looking through 1 TFRecord files ...\n"
    write_records("a.tfrecord", [raw, raw])
    assert index_of_foreign_files("a.tfrecord", cache=True).facts["count"] == 2
    assert capsys.readouterr().err == "looking through 1 TFRecord files ...\n"


# ---- hostile files


def record(length: int, content=b"") -> bytes:
    """A record of any claimed length, with the right checksum of it."""
    head = struct.pack("<Q", length)
    return head + struct.pack("<I", examples._masked_crc32c(head)) + content


@pytest.mark.parametrize("length", [2**40, 2**63 + 5, 100])
def test_a_length_that_the_file_cannot_hold_never_reaches_tensorflow(length):
    Path("a.tfrecord").write_bytes(record(length, b"x" * 50))
    assert source_error("a.tfrecord") == "a.tfrecord is truncated at byte 0: copy it again"
    write_records("b.tfrecord", [{"image": encoded(noise(8, 8))}])
    whole = Path("b.tfrecord").read_bytes()
    Path("b.tfrecord").write_bytes(whole + record(length, b"x" * 50))
    assert source_error("b.tfrecord") == f"b.tfrecord is truncated at byte {len(whole):,}: copy it again"


def test_a_record_that_does_not_fit_into_memory(monkeypatch):
    write_records("a.tfrecord", [bytes(100)])
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: 299)
    assert source_error("a.tfrecord") == (
        "a record of a.tfrecord needs 300 B of memory, and 299 B are free: make its records smaller"
    )


def test_examples_that_cannot_be_are_skipped():
    good = {"image": encoded(noise(4, 4))}
    deep = b""
    for _ in range(100):
        deep = b"\x0a" + bytes([len(deep) & 127 | 128, len(deep) >> 7]) + deep
    shapes = [(2**32, 2**32, 1), (-1, 2**62, -3), (0, 0, 0)]
    raw = [{"image_raw": b"", "height": height, "width": width, "depth": depth} for height, width, depth in shapes]
    write_records("a.tfrecord", [good, *raw, {"image": 7, "height": b"x"}, deep])
    assert len(open_source("a.tfrecord")) == 1


def changed(**changes):
    """Prepares a set and changes its index.json, which keeps the right checksum."""
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    entry = json.loads(Path("set/index.json").read_text()) | changes
    with open("set/index.npy", "rb") as file:
        entry["checksum"] = seal(entry, file)
    Path("set/index.json").write_text(json.dumps(entry))


SHARD = {"file": "train-00000-of-00001.tfrecord", "bytes": 100, "images": 22}
FACTS = {
    "count": 22,
    "size": [6, 5],
    "channels": 3,
    "encoded": False,
    "labels": True,
    "class_names": None,
    "notes": [],
}


@pytest.mark.parametrize(
    "changes",
    [
        *({"shards": [SHARD | {"file": name}]} for name in ("../x", "/etc/x", "a\\b", "a\0", "", "..", "\ud800", 5)),
        *({"shards": [SHARD | {"bytes": number}]} for number in (-1, 2**63, True, 1.5, "1", float("nan"), None)),
        *({"shards": [SHARD | {"images": number}]} for number in (-22, 2**70, True)),
        *({"shards": shards} for shards in ([], {}, 5, [5], [SHARD] * 2)),
        *({"facts": FACTS | {"count": count}} for count in (0, -22, 2**70, True, "22")),
        *({"facts": FACTS | {"size": size}} for size in (None, [6], [6, -5], [6, 2**70], ["6", "5"], 6)),
        *({"facts": FACTS | {"channels": channels}} for channels in (2, True, "3")),
        {"facts": FACTS | {"class_names": 5}},
        {"facts": FACTS | {"notes": "x"}},
        {"facts": []},
        {"version": -1},
        {"more": 1},
    ],
)
def test_an_index_that_cannot_be(colours, changes):
    changed(**changes)
    assert source_error("set") == "set/index.json is damaged: copy the folder again, or prepare it anew"


@pytest.mark.parametrize("content", ["[" * 100_000, '{"format": 1, "format": 2}', "9" * 5000, "\ufeff{}", "[]", "5"])
def test_json_that_is_none_or_says_one_thing_twice(colours, content):
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    Path("set/index.json").write_text(content)
    assert source_error("set") == "set/index.json is damaged: copy the folder again, or prepare it anew"


@pytest.mark.parametrize(
    ("field", "value"), [("offset", 2**63), ("offset", 2**64 - 1), ("length", 2**32 - 1), ("label", -(2**63))]
)
def test_rows_that_cannot_be(colours, field, value):
    prepare(PrepareConfig("colours.npz", out="set", shards=2))
    rows = np.load("set/index.npy")
    rows[field][20] = value
    np.save("set/index.npy", rows)
    changed_entry = json.loads(Path("set/index.json").read_text())
    del changed_entry["checksum"]  # A set of before has none.
    Path("set/index.json").write_text(json.dumps(changed_entry))
    assert source_error("set") == "set/index.npy is damaged: copy it again, or prepare the set anew"


def test_labels_without_a_class(colours):
    changed(facts=FACTS | {"class_names": ["a", "b"]})
    assert source_error("set") == "set/index.npy is damaged: copy it again, or prepare the set anew"


def test_a_flipped_bit_of_the_index_is_found(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    line = (
        "set/index.json or index.npy beside it is damaged, their checksum is wrong: "
        "copy the folder again, or prepare it anew"
    )
    whole = bytearray(Path("set/index.npy").read_bytes())
    whole[-8] ^= 1  # It is a label.
    Path("set/index.npy").write_bytes(whole)
    assert source_error("set") == line
    whole[-8] ^= 1
    Path("set/index.npy").write_bytes(whole)
    assert open_source("set").image_shape == (6, 5, 3)
    Path("set/index.json").write_text(Path("set/index.json").read_text().replace('"channels": 3', '"channels": 1'))
    assert source_error("set") == line


def test_a_set_of_before_has_no_checksum(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    entry = json.loads(Path("set/index.json").read_text())
    fingerprint = open_source("set").fingerprint
    del entry["checksum"]
    Path("set/index.json").write_text(json.dumps(entry))
    assert open_source("set").fingerprint == fingerprint


def test_pipes_in_a_set(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    for name in ("index.npy", "index.json"):
        os.unlink(f"set/{name}")
        os.mkfifo(f"set/{name}")
        assert source_error("set") == f"set/{name} cannot be read: not a regular file"
