"""`prepare`: the set that it writes is the source it came from; what it refuses; interrupted, it leaves nothing behind."""

import errno
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import helpers
from support.image_files import encoded
from support.programs import Program
from support.records import write_records

from dcgan_tf import cli
from dcgan_tf.common.backend import tf
from dcgan_tf.common.program import program
from dcgan_tf.config.commands import PrepareConfig
from dcgan_tf.data.prepare import prepare
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


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
        f"  {program()} train --data {out}\n"
    )
    before = open_source("colours.npz")
    for data in (out, f"{out}/train-*.tfrecord"):
        source = open_source(data)
        assert (source.name, source.image_shape, len(source)) == (f"set{os.getpid()}", (6, 5, 3), 22)
        assert source.labels.tolist() == labels.tolist() and source.values == "uint8 0..255" and source.notes == []
        np.testing.assert_array_equal(source.read([21, 0, 5, 5, 6]), images[[21, 0, 5, 5, 6]])
        assert source.read([]).shape == (0, 6, 5, 3)
        assert source.fingerprint == before.fingerprint
    # TensorFlow's own reader finds the same images in the same order.
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
        (["--image-size", "0", "8"], "--image-size 0 8: must be a height and a width from 1 to 4096 pixels"),
        (["--out", "colours.npz"], "--out colours.npz: is a file: give a new folder"),
        (["--out", "full"], "--out full: holds other files: give a new folder"),
        (["--out", "done"], "--out done: holds a prepared set already: give another folder, or delete that one"),
        (["--out", ""], "--out: is empty: give a name"),
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
    process = Program("main", "prepare", tmp_path / "large.npy", "--out", tmp_path / "set")
    while process.poll() is None and not list(tmp_path.glob(".set.*.part/train-00001-*")):
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert [path.name for path in tmp_path.iterdir()] == ["large.npy"]


def test_a_prepared_set_of_files_of_others(tmp_path):
    write_records("a.tfrecord", [{"image": encoded(noise(8, 8, 3, seed=i)), "label": 9 - i} for i in range(5)])
    prepare(PrepareConfig("a.tfrecord", out="set", shards=2))
    assert open_source("set").fingerprint == open_source("a.tfrecord").fingerprint
    assert json.loads(Path("set/index.json").read_text())["facts"]["labels"] is True


@pytest.mark.parametrize(
    ("out", "line"),
    [
        ("colours.npz/x", "--out colours.npz/x: colours.npz is a file, must be a folder: give another"),
        ("x" * 256, f"--out {'x' * 256}: File name too long: give another"),
        ("pipe", "--out pipe: is a file: give a new folder"),
    ],
)
def test_places_where_no_folder_can_be(colours, out, line):
    os.mkfifo("pipe")
    assert helpers.error_of(prepare, PrepareConfig("colours.npz", out=out, shards=1)) == line


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("of_tensorflow", [True, False])
def test_a_disk_that_fails_is_one_line_and_leaves_nothing(tmp_path, colours, monkeypatch, number, of_tensorflow):
    words = os.strerror(number)

    def fail(*arguments):
        raise tf.errors.UnknownError(None, None, f"set/x; {words}") if of_tensorflow else OSError(number, words)

    monkeypatch.setattr("dcgan_tf.data.prepare._example" if of_tensorflow else "dcgan_tf.common.remote.write", fail)
    line = helpers.error_of(prepare, PrepareConfig("colours.npz", out="set", shards=1))
    full = "no space left on the disk for set: free some space and run the same command again"
    assert (
        line == full if number in (errno.ENOSPC, errno.EDQUOT) else line.startswith(f"set: cannot be written ({words})")
    )
    assert [path.name for path in tmp_path.iterdir()] == ["colours.npz"]
