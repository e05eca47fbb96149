"""`dcgan-tf inspect`: what it says of a set with planted faults, and the list of images to use."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.image_files import put
from support.pictures import mirrored, picture, recompressed

from dcgan_tf.cli import main
from dcgan_tf.data.sources import open_source


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def photos():
    """20 pictures of 96x120 of two classes; beside them one saved twice, one as JPEG, one mirrored, one flat, one broken."""
    for i in range(20):
        put(Path(f"photos/{'ab'[i % 2]}/{i:02}.png"), picture(i))
    put(Path("photos/a/00 again.bmp"), picture(0))
    put(Path("photos/b/03 small.jpg"), recompressed(picture(3), 85), quality=95)
    put(Path("photos/b/05 turned.png"), mirrored(picture(5)))
    put(Path("photos/b/flat.png"), np.full((96, 120, 3), 90, np.uint8))
    Path("photos/b/bad\x1b[2J.png").write_bytes(b"\x89PNG broken")


def rows(out) -> dict[str, list[str]]:
    found = {}
    for line in out.splitlines():
        name = line[:12].strip()
        found.setdefault(name, []).append(line[13:])
    return found


def test_what_is_said_of_a_set(photos, capsys):
    assert main(["inspect", "photos"]) == 0
    out = capsys.readouterr().out
    said = rows(out)
    assert said["images"] == ["24 in photos"]
    assert said["sizes"] == ["all 96x120 (height x width)"]
    assert said["classes"] == ["a 11, b 13"]
    assert said["duplicates"] == ["1 image with the pixels of another one, of 1 picture: a/00 again.bmp = a/00.png"]
    assert said["near copies"] == [
        "2 images of a picture that is there otherwise, 1 of them mirrored: b/03 small.jpg ~ b/03.png, "
        "b/05 turned.png ~ b/05.png"
    ]
    assert said["plain"] == ["flat 1 (b/flat.png)"]
    assert said["colour"] == ["1 grey, 23 in colour: the fewer are 1 (b/flat.png)"]
    assert said["note"][0] == (
        "24 images read, 1 skipped: b/bad\\x1b[2J.png (not a readable JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM image)"
    )
    assert said["training"][0].startswith(
        "at 96x120x3, net faces64@96x120x3, 2 steps of 16 images an epoch, 400 epochs"
    )
    assert said["to do"] == [
        "--out clean.txt writes a list without duplicates and flat images; or train with --drop-duplicates"
    ]
    assert "\x1b" not in out and os.listdir(".") == ["photos"]


def test_the_list_of_what_to_use(photos, capsys):
    assert main(["inspect", "photos", "--out", "clean.txt"]) == 0
    out = capsys.readouterr().out
    assert "clean.txt: 21 images to use; 3 images left out\n" in out and " train --data @clean.txt --dry-run\n" in out
    names = {Path(name).name for name in open_source("@clean.txt").names}
    left_out = {"00.png", "03.png", "flat.png", "bad\x1b[2J.png"}  # "00 again" and "03 small" come first.
    assert names == {path.name for path in Path("photos").rglob("*.*")} - left_out
    assert main(["inspect", "@clean.txt"]) == 0
    said = rows(capsys.readouterr().out)
    assert said["duplicates"] == ["none"] and "to do" not in said


def test_sizes_margins_and_what_is_cut_off(capsys):
    for i in range(12):
        framed = np.full((100, 220, 3), 255, np.uint8)
        framed[:, 20:200] = np.broadcast_to(picture(i, (100, 180), grey=True), (100, 180, 3))
        put(Path(f"scans/{i:02}.png"), framed)
    put(Path("scans/x.png"), picture(50, (200, 440)))
    assert main(["inspect", "scans", "--image-size", "64"]) == 0
    said = rows(capsys.readouterr().out)
    assert said["sizes"] == ["shorter side 100 to 200; the median is 2.20 times as wide as high, 100% wide"]
    assert said[""] == ["96 to 127   12  ##############################", "128 to 191   0", "192 to 255   1  ##"]
    assert said["colour"] == ["12 grey, 1 in colour: the fewer are 1 (x.png)"]
    assert said["margins"] == ["right white, of 92% of the images, 9% wide; left white, of 92% of the images, 9% wide"]
    assert said["to do"] == [
        "--channels 1: nearly all images are grey, and the few others make the whole set colour",
        "--trim on cuts off the flat margins that many images have",
        "55% of the median image is cut off: --image-size 64 140, or --crop random, pad or stretch",
    ]


def test_arrays_and_sets_that_cannot_be_listed(capsys):
    np.save("x.npy", np.stack([picture(i, (32, 32)) for i in (0, 1, 0)]))
    assert main(["inspect", "x.npy"]) == 0
    said = rows(capsys.readouterr().out)
    assert said["images"] == ["3 in x"] and said["values"] == ["uint8 0..255"]
    assert said["duplicates"] == ["1 image with the pixels of another one, of 1 picture: image 0 = image 2"]
    assert main(["inspect", "x.npy", "--out", "clean.txt"]) == 2
    assert capsys.readouterr().err == (
        "error: x.npy: is no folder or list of image files, of which alone lists can be made\n"
    )
    put(Path("few/a.png"), picture(1))
    assert main(["inspect", "few", "--out", "few/clean.txt"]) == 2
    assert capsys.readouterr().err.endswith(
        "error: --out few/clean.txt: lies within the folder of the images: give one outside of it\n"
    )
    assert main(["inspect", "few"]) == 0
    assert rows(capsys.readouterr().out)["training"][0].startswith("at 96x120x3, net faces64@96x120x3, 1 step of 16")
    put(Path("scans/a.png"), picture(1, (96, 96)))  # The net for this shape takes whole batches alone.
    assert main(["inspect", "scans"]) == 0
    assert "1 images are fewer than one batch of " in rows(capsys.readouterr().out)["training"][0]


def test_it_starts_without_tensorflow(photos):
    code = "import sys; from dcgan_tf.cli import main; assert main(['inspect', 'photos']) == 0; assert 'tensorflow' not in sys.modules"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL)
