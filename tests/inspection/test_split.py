"""`dcgan-tf split`: lists that train reads, with no picture in both."""

import os
from pathlib import Path

import numpy as np
import pytest
from support.helpers import error_of
from support.image_files import put
from support.pictures import picture

from dcgan_tf.cli import main
from dcgan_tf.config.commands import SplitConfig
from dcgan_tf.data.sources import open_source
from dcgan_tf.inspection.split import split_images


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def scans(tmp_path):
    """40 pictures of two classes, of which 10 are there again, saved as JPEG."""
    for i in range(40):
        put(tmp_path / f"scans/{'ab'[i % 2]}/p{i // 4}_{i}.png", picture(i))
        if i < 10:
            put(tmp_path / f"scans/a/again_{i}.jpg", picture(i), quality=90)


def names_in(data) -> set[str]:
    return {os.path.basename(name) for name in open_source(data, size=(32, 32)).names}


def test_a_picture_is_in_one_list_alone(scans, capsys):
    assert main(["split", "scans", "--out", "lists", "--test", "0.2"]) == 0
    out = capsys.readouterr().out.splitlines()
    train, test = names_in("@lists/train.txt"), names_in("@lists/test.txt")
    assert len(train) + len(test) == 50 and not train & test and 8 <= len(test) <= 12
    for i in range(10):
        pair = {f"p{i // 4}_{i}.png", f"again_{i}.jpg"}
        assert pair <= train or pair <= test
    assert out[0].startswith(f"train    {len(train)} images: a ") and out[1].startswith(
        f"test     {len(test)} images: a "
    )
    assert out[2] == "groups   40, as some images belong together"
    assert out[3].endswith(" train --data @lists/train.txt") and out[4].endswith(" --held-out @lists/test.txt")
    assert sorted(os.listdir("lists")) == ["test.txt", "train.txt"]
    text = open("lists/test.txt").read()
    assert text.startswith(f"# {len(test)} images of scans to hold out\n")


def test_the_same_seed_the_same_lists(scans):
    for out, seed in (("one", 3), ("two", 3), ("three", 4)):
        split_images(SplitConfig("scans", out, seed=seed))
    texts = [open(f"{out}/test.txt").read() for out in ("one", "two", "three")]
    assert texts[0] == texts[1] != texts[2]


def test_folders_and_prefixes_stay_whole(scans):
    split_images(SplitConfig("scans", "lists", test=0.3, by_prefix="_"))
    train, test = names_in("@lists/train.txt"), names_in("@lists/test.txt")
    for folder in "ab":
        for patient in range(10):
            own = {f"p{patient}_{i}.png" for i in range(4 * patient, 4 * patient + 4) if "ab"[i % 2] == folder}
            assert own <= train or own <= test
    for i in range(18):
        put(Path(f"patients/{i // 3}/{i % 3}.png"), picture(100 + i))
    split_images(SplitConfig("patients", "by", test=0.34, by_folder=True))
    folders = [os.path.dirname(name) for name in open_source("@by/test.txt", size=(32, 32)).names]
    assert len(folders) == 6 and len(set(folders)) == 2


def test_what_cannot_be_split(scans, tmp_path):
    np.save("x.npy", np.stack([picture(i) for i in range(4)]))
    assert error_of(split_images, SplitConfig("x.npy", "lists")) == (
        "x.npy: is no folder or list of image files, of which alone lists can be made"
    )
    assert error_of(split_images, SplitConfig("scans", "scans/lists")) == (
        "--out scans/lists: lies within the folder of the images: give one outside of it"
    )
    os.mkdir("full")
    open("full/train.txt", "w").close()
    assert (
        error_of(split_images, SplitConfig("scans", "full"))
        == "--out full: holds train.txt already: give another folder"
    )
    put(tmp_path / "one/a.png", picture(1))
    put(tmp_path / "one/b.png", picture(1))
    assert error_of(split_images, SplitConfig("one", "lists")) == (
        "--test 0.1: of 2 images in 1 group, as they belong together, no such share can be held out: give another"
    )
    assert not os.path.exists("lists")
    assert main(["split", "scans", "--out", "lists", "--test", "1.5"]) == 2
