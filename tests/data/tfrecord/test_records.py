"""TFRecord files: prepared sets, files of others, what is missing, cut short or damaged."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import helpers

from dcgan_tf import cli
from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.config.commands import PrepareConfig
from dcgan_tf.data.prepare import prepare
from dcgan_tf.data.sources import open_source


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def error_of(data, **wanted):
    return helpers.error_of(open_source, str(data), **wanted)


def encoded(image, kind="PNG", **options):
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind, **options)
    return content.getvalue()


def feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=np.ravel(value).tolist()))


def write_records(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            if isinstance(record, dict):
                features = {name: feature(value) for name, value in record.items()}
                record = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
            writer.write(record)


@pytest.fixture
def colours(tmp_path):
    """22 images of 6x5x3 with labels, in colours.npz."""
    images, labels = noise(22, 6, 5, 3), np.arange(22) * 50
    np.savez("colours.npz", images=images, labels=labels)
    return images, labels


# ---- prepared sets


@pytest.mark.parametrize("out", ["set", "ram://prepared/set"])
def test_a_prepared_set_is_the_source(colours, out, capsys):
    images, labels = colours
    out = f"{out}{os.getpid()}"
    assert prepare(PrepareConfig("colours.npz", out=out, shards=4)) == 0
    names = [f"train-0000{i}-of-00004.tfrecord" for i in range(4)]
    assert sorted(tf.io.gfile.listdir(out)) == ["index.json", "index.npy", *names]
    printed = capsys.readouterr().out
    assert printed == (
        "preparing 22 images of 6x5x3 from colours.npz\n"
        f"{out}: 22 images of 6x5x3 in 4 shards, {printed.split('shards, ')[1].split(';')[0]}; train on them with\n"
        f"  dcgan-tf train --data {out}\n"
    )
    before = open_source("colours.npz")
    for data in (out, f"{out}/train-*.tfrecord"):
        source = open_source(data)
        assert (source.name, source.image_shape, len(source)) == (f"set{os.getpid()}", (6, 5, 3), 22)
        assert source.labels.tolist() == labels.tolist() and source.values == "uint8 0..255" and source.notes == []
        np.testing.assert_array_equal(source.read([21, 0, 5, 5, 6]), images[[21, 0, 5, 5, 6]])
        assert source.read([]).shape == (0, 6, 5, 3)
        assert source.fingerprint == before.fingerprint
    # Any other reader of such files gets the same, in the same order.
    records = tf.data.TFRecordDataset([f"{out}/{name}" for name in names])
    examples = [tf.train.Example.FromString(record.numpy()).features.feature for record in records]
    assert [example["label"].int64_list.value[0] for example in examples] == labels.tolist()
    assert sorted(examples[0]) == ["depth", "height", "image_raw", "label", "width"]
    assert examples[7]["image_raw"].bytes_list.value[0] == images[7].tobytes()


def test_a_folder_of_classes_prepared_with_a_size(tmp_path, capsys):
    for label, name in enumerate(["cats", "dogs"]):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(noise(20 + i, 30, 3, seed=10 * label + i)).save(tmp_path / "pets" / name / f"{i}.png")
    assert cli.main(["prepare", "pets", "--out", "small", "--shards", "2", "--image-size", "8", "6"]) == 0
    assert "note: 3 sizes, shorter side 20 to 22, resized and cropped to 8x6\n" in capsys.readouterr().out
    folder, source = open_source("pets", size=(8, 6)), open_source("small")
    assert (source.class_names, source.labels.tolist()) == (["cats", "dogs"], [0, 0, 0, 1, 1, 1])
    assert source.fingerprint == folder.fingerprint
    np.testing.assert_array_equal(source.read(range(6)), folder.read(range(6)))
    assert list((tmp_path / "small").glob(".*")) == []


def test_another_shape_than_prepared(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=3))
    source, before = (open_source(data, size=(12, 12), channels=1) for data in ("set", "colours.npz"))
    assert source.notes == before.notes[::-1] == ["resized from 6x5 to 12x12", "colour turned to grey"]
    assert source.fingerprint == before.fingerprint


def test_a_value_range_is_applied_once(tmp_path):
    np.save("scans.npy", np.arange(300, dtype=np.uint16).reshape(3, 10, 10))
    prepare(PrepareConfig("scans.npy", out="set", shards=1, value_range=(0, 299)))
    expected = open_source("scans.npy", value_range=(0, 299))
    assert open_source("set").fingerprint == expected.fingerprint
    assert open_source("set", value_range=(0, 127)).read([2])[0, 0, 0, 0] == 255


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--shards", "0"], "--shards 0: must be from 1 to 99999"),
        (["--shards", "100000"], "--shards 100000: must be from 1 to 99999"),
        (["--shards", "23"], "--shards 23: are more than the 22 images: give a smaller number"),
        (["--image-size", "0", "8"], "--image-size 0 8: must be a height and a width of at least 1 pixel"),
        (["--out", "colours.npz"], "--out colours.npz: is a file: give a new folder"),
        (["--out", "full"], "--out full: holds other files: give a new folder"),
        (["--out", "done"], "--out done: holds a prepared set already: give another folder, or delete that one"),
        (["--out", ""], "--out: is empty: give a new folder"),
    ],
)
def test_what_prepare_refuses(tmp_path, colours, flags, line, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").touch()
    prepare(PrepareConfig("colours.npz", out="done", shards=1))
    before = sorted(tmp_path.rglob("*"))
    capsys.readouterr()
    arguments = ["prepare", "colours.npz", *(["--out", "new"] if "--out" not in flags else []), *flags]
    assert cli.main(arguments) == 2
    assert capsys.readouterr() == ("", f"error: {line}\n")
    assert sorted(tmp_path.rglob("*")) == before


def test_no_room_is_said_before_the_work(colours, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert helpers.error_of(prepare, PrepareConfig("colours.npz", out="set", shards=1)) == (
        "--out set: the set needs about 5.15 KB, and its disk has 1 KB left: "
        "free some space, or give a folder on another disk"
    )


def test_interrupted_it_leaves_nothing_behind(tmp_path, colours, monkeypatch):
    def interrupt(*arguments):
        assert len(list(tmp_path.glob(".set.*.part/train-00000-of-00064.tfrecord"))) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr("dcgan_tf.data.prepare._example", interrupt)
    np.save("many.npy", noise(64, 8, 8))
    assert cli.main(["prepare", "many.npy", "--out", "set"]) == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["colours.npz", "many.npy"]


def test_terminated_it_leaves_nothing_behind(tmp_path):
    np.save("large.npy", np.broadcast_to(noise(100, 100, 3), (2000, 100, 100, 3)))
    code = "import sys; from dcgan_tf import cli; sys.exit(cli.main(['prepare', 'large.npy', '--out', 'set']))"
    path = os.pathsep.join(p for p in sys.path if p)
    with subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}) as process:
        while process.poll() is None and not list(tmp_path.glob(".set.*.part/train-00001-*")):
            time.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert [path.name for path in tmp_path.iterdir()] == ["large.npy"]


# ---- damage


def change(path, position, content):
    with open(path, "r+b") as file:
        file.seek(position)
        file.write(content)


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


def test_a_flipped_bit_never_gives_wrong_pixels(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=2))
    source = open_source("set")
    content = Path("set/train-00001-of-00002.tfrecord").read_bytes()
    at = content.index(colours[0][13].tobytes()) + 30
    change("set/train-00001-of-00002.tfrecord", at, bytes([content[at] ^ 1]))
    line = "set/train-00001-of-00002.tfrecord: image 2 is damaged, its checksum is wrong: copy the file again"
    assert helpers.error_of(source.read, [0, 13]) == line
    np.testing.assert_array_equal(source.read([12, 14]), colours[0][[12, 14]])


def test_a_shard_cut_short_or_gone_while_it_is_read(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    source = open_source("set")
    os.truncate("set/train-00000-of-00001.tfrecord", 400)
    assert helpers.error_of(source.read, [20]) == (
        "set/train-00000-of-00001.tfrecord is shorter than its index says: it is truncated, copy it again"
    )
    os.unlink("set/train-00000-of-00001.tfrecord")
    assert helpers.error_of(source.read, [0]) == "set/train-00000-of-00001.tfrecord cannot be read: no such file"


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
    assert capsys.readouterr().err == ""  # the index is kept
    one = open_source("a-00001-of-00002.tfrecord")
    assert (one.name, len(one)) == ("a-00001-of-00002", 3)
    os.unlink("a-00001-of-00002.tfrecord")
    assert error_of("a-*.tfrecord") == (
        "a-00001-of-00002.tfrecord is missing: copy it again, or give a pattern that leaves it out"
    )
    assert len(open_source("a-00000*.tfrecord")) == 2


def test_without_cache_nothing_is_written():
    write_records("a.tfrecord", [{"image": encoded(noise(4, 4))}])
    assert open_source("a.tfrecord", cache=False).image_shape == (4, 4, 1)
    home = Path(os.environ["DCGAN_TF_CACHE"])
    assert not home.exists() or list(home.iterdir()) == []


@pytest.mark.parametrize(
    "record",
    [
        lambda image: {"image_raw": image.tobytes(), "height": 6, "width": 9, "depth": 3},
        lambda image: {"image_raw": encoded(image), "height": 6, "width": 9, "depth": 3},
        lambda image: {"image/encoded": encoded(image, "BMP"), "image/height": 6, "image/width": 9},
        lambda image: {"image": encoded(image, "WEBP", lossless=True), "target": 1},
        lambda image: {"data": np.moveaxis(image, -1, 0).tobytes(), "shape": [3, 6, 9]},
        lambda image: {"data": image.tobytes(), "shape": [6, 9, 3]},
    ],
)
def test_layouts_of_others(record):
    images = noise(3, 6, 9, 3)
    write_records("set", [record(image) for image in images])
    source = open_source("set")
    assert source.image_shape == (6, 9, 3)
    np.testing.assert_array_equal(source.read([2, 0, 1]), images[[2, 0, 1]])


def test_many_sizes_need_a_wanted_one():
    write_records("a.tfrecord", [{"image": encoded(noise(8, 8 + i, 3))} for i in range(3)])
    assert error_of("a.tfrecord") == (
        "a.tfrecord holds images of 3 sizes (shorter side: smallest 8, median 8): "
        "choose one with --image-size H W or --preset NAME"
    )
    source = open_source("a.tfrecord", size=(4, 4))
    assert source.read([0, 1, 2]).shape == (3, 4, 4, 3) and source.notes == ["resized from many sizes to 4x4"]


def test_records_without_images_are_skipped_and_named():
    good = {"image": encoded(noise(4, 4))}
    write_records("a.tfrecord", [good, {"image": b"hello"}, {"text": b"x", "label": 3}, b"\xff\xff", good])
    source = open_source("a.tfrecord")
    assert len(source) == 2 and source.labels is None
    assert source.notes == [
        "3 records skipped: a.tfrecord, record 1 (neither JPEG, PNG, WebP, BMP, TIFF or GIF nor raw uint8 pixels with "
        "height, width and depth), a.tfrecord, record 2 (no image in image_raw, image/encoded, image, data, it holds "
        "label, text), a.tfrecord, record 3 (no tf.train.Example)"
    ]
    write_records("b.tfrecord", [{"image": b"hello"}])
    assert error_of("b.tfrecord").startswith("b.tfrecord holds no images that can be read: b.tfrecord, record 0 (")


@pytest.mark.parametrize(("cut", "what"), [(-10, "truncated"), (-40, "truncated")])
def test_files_of_others_cut_short(cut, what):
    write_records("a.tfrecord", [{"image": encoded(noise(8, 8, seed=i))} for i in range(3)])
    whole = Path("a.tfrecord").read_bytes()
    last = Path("a.tfrecord").stat().st_size // 3 * 2
    Path("a.tfrecord").write_bytes(whole[:cut])
    assert error_of("a.tfrecord") == f"a.tfrecord is {what} at byte {last:,}: copy it again"
    Path("a.tfrecord").write_bytes(whole[:30] + b"?" + whole[31:])
    assert error_of("a.tfrecord") == "a.tfrecord is damaged at byte 0: copy it again"


def test_a_pattern_of_other_files():
    Image.fromarray(noise(4, 4)).save("a.png")
    assert error_of("*.png") == (
        "a.png is no TFRecord file (of uncompressed records): a pattern names such files, "
        "for anything else give one file or a folder"
    )
    assert error_of("ram://nothing/x-*").startswith("--data ram://nothing/x-*: there is no such file, nor a prepared ")
    assert re.match(r"--data 'x-\*': no such file or folder, ", error_of("x-*"))


def test_a_cloud_that_does_not_answer_is_one_line(monkeypatch):
    class Nowhere:
        def exists(self, path):
            raise tf.errors.UnavailableError(None, None, "Could not resolve host\n\twhen reading metadata of gs://b/x")

    monkeypatch.setattr("dcgan_tf.common.remote._gfile", Nowhere)
    assert error_of("gs://b/x") == "gs://b/x/index.json cannot be read: Could not resolve host"


def test_a_prepared_set_of_files_of_others(tmp_path):
    write_records("a.tfrecord", [{"image": encoded(noise(8, 8, 3, seed=i)), "label": 9 - i} for i in range(5)])
    prepare(PrepareConfig("a.tfrecord", out="set", shards=2))
    assert open_source("set").fingerprint == open_source("a.tfrecord").fingerprint
    assert json.loads(Path("set/index.json").read_text())["facts"]["labels"] is True


def test_a_newer_set_is_not_guessed_at(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    entry = json.loads(Path("set/index.json").read_text())
    Path("set/index.json").write_text(json.dumps(entry | {"version": 2}))
    with pytest.raises(UserError, match=r"^set/index\.json is of a newer dcgan-tf: update this one$"):
        open_source("set")
