"""The cache: images are decoded once, again when anything changed, and never half; full and read-only disks are one line."""

import errno
import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from support import helpers
from support.image_files import cached_files, noise, put
from support.python_process import run_python
from support.sources import source_error

from dcgan_tf.common.errors import UserError
from dcgan_tf.data import cache as cache_module
from dcgan_tf.data.cache import CacheEntry, write_images
from dcgan_tf.data.files import survey
from dcgan_tf.data.sources import open_source


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files decoded so far."""
    names = []

    def counted(path, *args, real=survey.decode_first, **options):
        names.append(os.path.basename(path))
        return real(path, *args, **options)

    monkeypatch.setattr(survey, "decode_first", counted)
    return names


# ---- folders of images in the cache


def test_decoded_once(folder, decoded, capsys):
    for i in range(5):
        put(folder / f"class{i % 2}/{i}.png", noise(8, 8, i))
    first = open_source(str(folder))
    assert len(decoded) == 5 and capsys.readouterr().err == "decoding 5 images ...\n"
    second = open_source(str(folder))
    assert len(decoded) == 5 and capsys.readouterr().err == ""
    np.testing.assert_array_equal(first.read(range(5)), second.read(range(5)))
    for fact in ("image_shape", "class_names", "notes", "values", "fingerprint"):
        assert getattr(first, fact) == getattr(second, fact)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert [path.suffix for path in cached_files()] == [".npy", ".json"]


def test_each_wanted_shape_has_its_own(folder, decoded):
    put(folder / "a.png", noise(8, 8))
    wanted = [{}, {"size": (4, 4)}, {"channels": 1}, {"value_range": (0, 100)}, {"size": [4, 4]}]
    shapes = [open_source(str(folder), **one).image_shape for one in wanted]
    assert shapes == [(8, 8, 3), (4, 4, 3), (8, 8, 1), (8, 8, 3), (4, 4, 3)]
    assert len(decoded) == 4 and len(cached_files()) == 8


def add(folder):
    put(folder / "new.png", noise(8, 8, 9))


def remove(folder):
    (folder / "b.png").unlink()


def change(folder):
    put(folder / "b.png", noise(8, 8, 9))


def touch(folder):
    os.utime(folder / "b.png", ns=(0, 1))


def rename(folder):
    (folder / "b.png").rename(folder / "Z.png")


@pytest.mark.parametrize("edit", [add, remove, change, touch, rename])
def test_decoded_again_when_the_folder_changes_and_the_old_one_goes(folder, decoded, edit):
    for i, name in enumerate("abc"):
        put(folder / f"{name}.png", noise(8, 8, i))
    before = open_source(str(folder))
    old_pixels = before.read(range(3))
    edit(folder)
    after = open_source(str(folder))
    count = len(list(folder.iterdir()))
    assert len(after) == count and len(decoded) == 3 + count and len(cached_files()) == 2
    assert (after.fingerprint == before.fingerprint) == (edit is touch)
    np.testing.assert_array_equal(
        before.read(range(3)), old_pixels
    )  # A run that has the old file open keeps its images.


def test_a_moved_folder_is_still_the_same_images(folder):
    for i in range(3):
        put(folder / f"{i}.png", noise(8, 8, i))
    fingerprint = open_source(str(folder)).fingerprint
    shutil.copytree(folder, folder.with_name("copy"), copy_function=shutil.copyfile)
    assert open_source(str(folder.with_name("copy"))).fingerprint == fingerprint


@pytest.mark.parametrize("grey", [False, True])
def test_without_cache_nothing_is_written_and_all_is_the_same(folder, grey):
    for i in range(4):
        put(folder / f"{i % 2}/{i}.jpg", noise(30, 20, i, channels=1 if grey else 3))
    (folder / "0/bad.jpg").write_bytes(b"no image")
    before = sorted(folder.parent.rglob("*"))
    dry = open_source(str(folder), size=(8, 8), cache=False)
    pixels = dry.read([3, 0, 2, 1])
    assert cached_files() == [] and sorted(folder.parent.rglob("*")) == before
    real = open_source(str(folder), size=(8, 8))
    assert dry.image_shape == real.image_shape == (8, 8, 1 if grey else 3)
    assert dry.notes == real.notes and dry.class_names == real.class_names and dry.fingerprint == real.fingerprint
    np.testing.assert_array_equal(dry.labels, real.labels)
    np.testing.assert_array_equal(real.read([3, 0, 2, 1]), pixels)


def test_without_cache_a_file_that_vanishes_is_named(folder):
    put(folder / "a.png", noise(8, 8))
    source = open_source(str(folder), cache=False)
    (folder / "a.png").unlink()
    with pytest.raises(UserError) as caught:
        source.read([0])
    assert str(caught.value) == f"{folder / 'a.png'} cannot be read any more: missing"


def cut(path):
    path.write_bytes(path.read_bytes()[:-7])


def swap(path):
    np.save(path, np.zeros((2, 8, 8, 1), np.uint8))


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".npy", cut),
        (".npy", Path.unlink),
        (".npy", swap),
        (".npy", lambda path: path.write_bytes(b"")),
        (".json", cut),
        (".json", lambda path: path.write_text("[]")),
        (".json", lambda path: path.write_text('{"stamp": 1}')),
        (".json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    ],
)
def test_a_damaged_cache_is_made_again(folder, decoded, suffix, damage):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    damage(next(path for path in cached_files() if path.suffix == suffix))
    np.testing.assert_array_equal(open_source(str(folder)).read([0])[0], noise(8, 8))
    assert len(decoded) == 2
    open_source(str(folder))
    assert len(decoded) == 2


def test_a_cache_that_cannot_be_written(folder, monkeypatch, capsys):
    put(folder / "a.png", noise(8, 8))
    home = folder.parent / "file"
    home.write_text("in the way")
    monkeypatch.setenv("DCGAN_TF_CACHE", str(home))
    assert source_error(folder) == (
        f"the decoded images cannot be kept in {home} (File exists): set DCGAN_TF_CACHE to a folder with free space"
    )
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_or_read_only_disk(folder, monkeypatch, code):
    put(folder / "a.png", noise(8, 8))

    def fail(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(cache_module, "_write_header", fail)
    assert source_error(folder) == (
        f"the decoded images cannot be kept in {os.environ['DCGAN_TF_CACHE']} ({os.strerror(code)}): "
        "set DCGAN_TF_CACHE to a folder with free space"
    )
    assert cached_files() == []


def test_leftovers_of_killed_processes_go_but_not_those_of_living_ones(folder):
    put(folder / "a.png", noise(8, 8))
    home = Path(os.environ["DCGAN_TF_CACHE"])
    home.mkdir(exist_ok=True)
    old, new = home / ".x.1.part.npy", home / ".y.2.part.npy"
    old.touch(), new.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    open_source(str(folder))
    assert not old.exists() and new.exists()


def test_json_of_the_cache_is_small_and_plain(folder):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    entry = json.loads(next(path for path in cached_files() if path.suffix == ".json").read_text())
    assert set(entry) == {"stamp", "facts", "checksum"}
    assert set(entry["facts"]) == {
        "count",
        "image_shape",
        "labels",
        "class_names",
        "notes",
        "headroom",
        "shape_of_most",
        "hardly_used",
        "names",
        "copies",
        "range_of_16_bits",
    }


# ---- processes of their own


OPEN = "import sys; from dcgan_tf.data.sources import open_source; s = open_source(sys.argv[1], size=(64, 64)); "


def test_two_processes_at_once(folder):
    for i in range(200):
        put(folder / f"{i:03}.jpg", noise(64, 64, i))
    both = [run_python(OPEN + "print(len(s), s.fingerprint)", str(folder)) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0] and outputs[0][0].startswith("200 ")
    assert len(cached_files()) == 2


def test_interrupted_leaves_nothing_behind(folder):
    put(folder / "0.jpg", noise(400, 400))
    for i in range(1, 3000):
        os.link(folder / "0.jpg", folder / f"{i}.jpg")
    process = run_python(OPEN, str(folder))
    assert process.stderr.readline() == "decoding 3,000 images ...\n"
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.communicate(timeout=30)
    assert time.monotonic() - started < 3 and process.returncode != 0
    assert cached_files() == []


# ---- one entry


def entry(place, stamp="a1", wanted="x", dtype=np.int32):
    return CacheEntry(place, wanted, stamp, dtype, "the numbers")


def write_three(path):
    np.save(path, np.array([1, 2, 3], np.int32))
    return {"count": 3, "notes": ["made now"]}


def test_an_entry_is_there_once_it_is_stored(tmp_path):
    assert entry(tmp_path).load() is None
    for array, facts in (entry(tmp_path).store(write_three), entry(tmp_path).load()):
        assert array[np.arange(3)].tolist() == [1, 2, 3] and facts == {"count": 3, "notes": ["made now"]}


def test_another_place_stamp_wish_or_type_is_another_entry(tmp_path):
    entry(tmp_path).store(write_three)
    assert entry(tmp_path / "other").load() is None
    assert entry(tmp_path, stamp="b2").load() is None
    assert entry(tmp_path, wanted="y").load() is None
    assert entry(tmp_path, dtype=np.int64).load() is None
    assert entry(tmp_path).load() is not None


def test_a_new_stamp_replaces_the_entry_of_that_place_alone(tmp_path):
    entry(tmp_path).store(write_three)
    entry(tmp_path / "other").store(write_three)
    entry(tmp_path, stamp="b2").store(write_three)
    assert len(cached_files()) == 4
    assert entry(tmp_path).load() is None and entry(tmp_path, stamp="b2").load() is not None
    assert entry(tmp_path / "other").load() is not None


def test_a_path_is_known_by_where_it_leads_an_address_by_its_words(tmp_path, monkeypatch):
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to("place")
    entry(tmp_path / "place").store(write_three)
    assert entry(tmp_path / "link").load() is not None
    entry("gs://bucket/place").store(write_three)
    monkeypatch.chdir(tmp_path)
    assert entry("place").load() is not None and entry("gs://bucket/place").load() is not None


def test_an_error_while_the_array_is_made_passes_and_leaves_nothing(tmp_path):
    def fail(path):
        path.write_bytes(b"half")
        raise UserError("none of 3 images can be read")

    assert helpers.error_of(entry(tmp_path).store, fail) == "none of 3 images can be read"
    assert cached_files() == []


@pytest.mark.parametrize(("channels", "values"), [(1, [0, 100, 76]), (3, [[0, 0, 0], [100, 100, 100], [255, 0, 0]])])
def test_images_are_written_one_by_one_and_made_grey_at_the_end(tmp_path, monkeypatch, channels, values):
    monkeypatch.setattr(cache_module, "READ_CHUNK_BYTES", 30)  # Two images of 12 bytes are read at a time.
    images = [np.broadcast_to(np.uint8(colour), (2, 2, 3)) for colour in ([0] * 3, [100] * 3, [255, 0, 0])]
    facts = {"count": 3, "image_shape": [2, 2, channels]}
    assert write_images(tmp_path / "a.npy", iter(images), (2, 2), 3, lambda: facts) is facts
    array = np.load(tmp_path / "a.npy")
    assert array.dtype == np.uint8 and array.shape == (3, 2, 2, channels)
    assert np.squeeze(array[:, 1, 0]).tolist() == values
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


# ---- damage that only a checksum finds, and hostile entries


def paths_of_the_cache():
    return next(path for path in cached_files() if path.suffix == ".npy"), next(
        path for path in cached_files() if path.suffix == ".json"
    )


def test_a_flipped_bit_is_found_said_and_made_again(folder, decoded, capsys):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    npy, _ = paths_of_the_cache()
    content = bytearray(npy.read_bytes())
    content[-1] ^= 1
    npy.write_bytes(content)
    capsys.readouterr()
    np.testing.assert_array_equal(open_source(str(folder)).read([0])[0], noise(8, 8))
    note = f"note: the decoded images in {npy.parent} are damaged, and not used: the checksum is wrong\n"
    assert capsys.readouterr() == (note, "decoding 1 image ...\n")
    open_source(str(folder))
    assert len(decoded) == 2 and capsys.readouterr().err == ""


def test_an_entry_of_before_has_no_checksum_and_is_taken(folder, decoded):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    _, path = paths_of_the_cache()
    entry = json.loads(path.read_text())
    del entry["checksum"]
    path.write_text(json.dumps(entry))
    open_source(str(folder))
    assert len(decoded) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": True},
        {"count": 2**70},
        {"labels": [0, 1]},
        {"labels": "x"},
        {"labels": [-1]},
        {"labels": [2], "class_names": ["a", "b"]},
        {"class_names": 5},
        {"notes": [5]},
        {"image_shape": [8, 8]},
        {"image_shape": [8, 8, 3.0]},
        {"more": 1},
    ],
)
def test_facts_that_cannot_be_are_made_again(folder, decoded, capsys, wrong):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    _, path = paths_of_the_cache()
    entry = json.loads(path.read_text())
    del entry["checksum"]
    path.write_text(json.dumps(entry | {"facts": entry["facts"] | wrong}))
    capsys.readouterr()
    assert open_source(str(folder)).notes == ["1 image read"]
    note = "are damaged, and not used: the facts are not what they should be\n"
    assert len(decoded) == 2 and note in capsys.readouterr().out


def test_escapes_in_the_cache_are_printed_as_they_are(folder):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    _, path = paths_of_the_cache()
    entry = json.loads(path.read_text())
    del entry["checksum"]
    path.write_text(json.dumps(entry | {"facts": entry["facts"] | {"notes": ["\x1b[2J\nerror: no"]}}))
    assert open_source(str(folder)).notes == ["\\x1b[2J\\nerror: no"]


def test_a_pipe_in_the_cache_is_replaced(folder, decoded):
    put(folder / "a.png", noise(8, 8))
    open_source(str(folder))
    for path in paths_of_the_cache():
        path.unlink()
        os.mkfifo(path)
        open_source(str(folder))
        assert path.is_file()
    assert len(decoded) == 3
