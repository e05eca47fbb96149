"""`dcgan-tf inspect`: a page of text, a page of pictures, and a list of the images to use."""

import html.parser
import os
import re

import numpy as np
import pytest
from support.golden import GOLDEN, help_text
from support.helpers import error_of
from support.image_files import put
from support.pictures import picture

from dcgan_tf.cli import main
from dcgan_tf.common.backend import tf
from dcgan_tf.config.commands import InspectConfig
from dcgan_tf.config.reading import Reading
from dcgan_tf.inspection.inspect import inspect_images
from dcgan_tf.training.machine.devices import describe_device
from dcgan_tf.training.trial import Costs

HOSTILE = "<script>alert(1)<&'\".png"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def measured():
    """Asks for the steps of a training to be measured."""


@pytest.fixture(autouse=True)
def quick_costs(monkeypatch, request):
    """Tests of other things train no steps."""
    if "measured" not in request.fixturenames:
        monkeypatch.setattr("dcgan_tf.training.trial.costs", lambda plan: Costs(0.5, 3600.0, 10_000_000))


@pytest.fixture
def photos(tmp_path):
    """30 pictures of two classes; of one there is an equal file, of one a JPEG, of one it mirrored; a flat one, and a
    damaged file."""
    for i in range(30):
        put(tmp_path / f"photos/{'ab'[i % 2]}/{i:02}.png", picture(i, (40, 60) if i < 20 else (96, 120)))
    put(tmp_path / "photos/b/equal.png", picture(0, (40, 60)))
    put(tmp_path / "photos/b/near.jpg", picture(22), quality=90)
    put(tmp_path / "photos/b/mirrored.png", np.ascontiguousarray(picture(24)[:, ::-1]))
    put(tmp_path / "photos/b/flat.png", np.full((64, 64, 3), 200, np.uint8))
    put(tmp_path / f"photos/a/{HOSTILE}", picture(50))
    (tmp_path / "photos/a/damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.sources, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        attributes = dict(attributes)
        assert "href" not in attributes
        if "src" in attributes:
            self.sources.append(attributes["src"])

    def handle_data(self, data):
        self.text += data


def test_the_text(photos, capsys):
    assert main(["inspect", "photos", "--out", "clean.txt"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert all(len(row) <= 100 for row in rows if "dcgan" not in row) and len(rows) <= 45
    for row in (
        "sizes      shorter side 40 to 96 pixels, longer 60 to 120; by the shorter:",
        "files      PNG RGB 8 bits 34, JPEG RGB 8 bits 1",
        "classes    a 16, b 19",
        "equal      1 (2.9%) equal to an earlier one, pixel by pixel, in 1 group",
        "near       1 (2.9%) the same picture as an earlier one, in 1 group",
        "mirrored   1 show an earlier picture mirrored",
        "flat       1 (2.9%): b/flat.png",
        "list       clean.txt: 32 of 35 images; mirrored ones stay in",
        "time       about 60 min on this machine (0.5 s a step)",
        "disk       about 10 MB",
    ):
        assert row in rows
    assert any("left out" in row or "damaged" in row or "skipped" in row for row in rows)


def test_the_list_holds_the_images_to_use(photos):
    inspect_images(InspectConfig("photos", out="clean.txt"))
    lines = open("clean.txt").read().splitlines()
    wanted = {f"photos/{'ab'[i % 2]}/{i:02}.png" for i in range(30)} | {f"photos/a/{HOSTILE}", "photos/b/mirrored.png"}
    assert lines[0].startswith("# 32 images of photos: without copies ")
    assert set(lines[1:]) == wanted and len(lines) == 33


def test_the_page_is_one_file_and_escapes_names(photos):
    inspect_images(InspectConfig("photos"))
    text = open("inspection.html", encoding="utf-8").read()
    page = Page(text)
    assert "script" not in page.tags and "link" not in page.tags
    assert page.sources and all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert HOSTILE in page.text and "http://" not in text and "https://" not in text
    assert {"Equal", "The same picture", "Flat", "The oddest", "Examples"} <= set(page.text.split("\n"))
    assert sorted(os.listdir()) == ["inspection.html", "photos"]


def last_rows(capsys, *words) -> list[str]:
    """What is proposed in the end: rows without the name of the program."""
    assert main(["inspect", *words]) == 0
    rows = capsys.readouterr().out.splitlines()
    labels = [i for i, row in enumerate(rows) if row.startswith(("first ", "next ", "or "))]
    return [row[:11] + row[row.index("dcgan") if "dcgan" in row else 11 :] for row in (rows[i] for i in labels)]


def rows_of(capsys, *words) -> dict[str, list[str]]:
    """What is said under each label: a text for each row of it, unwrapped."""
    assert main(["inspect", *words]) == 0
    rows = {}
    for line in capsys.readouterr().out.splitlines():
        label, text = line[:11].strip(), line[11:]
        if label:
            rows.setdefault(label, []).append(text)
        else:
            rows[next(reversed(rows))][-1] += " " + text
    return rows


def test_the_verdict(tmp_path, capsys):
    for i in range(20):
        grey = np.repeat(picture(i, (64, 64), grey=True), 3, axis=-1)
        put(tmp_path / f"scans/{i:02}.png", picture(i, (64, 64)) if i == 7 else grey)
    put(tmp_path / "scans/equal.png", np.repeat(picture(3, (64, 64), grey=True), 3, axis=-1))
    *_, following, other = last_rows(capsys, "scans")
    assert following.endswith("train --data scans --drop-duplicates")
    assert other == "or         with --channels 1, as little of the set has colour (1 image)"
    *_, following = last_rows(capsys, "scans", "--drop-duplicates", "--channels", "1", "--crop", "pad")
    assert following.endswith("train --data scans --crop pad --channels 1 --drop-duplicates")
    *_, following, _ = last_rows(capsys, "scans", "--out", "clean.txt")
    assert following.endswith("train --data @clean.txt")


def test_arrays_have_no_list(tmp_path, capsys):
    np.save("x.npy", np.stack([picture(i) for i in range(20)]))
    assert main(["inspect", "x.npy", "--html", "x.html", "--out", "clean.txt"]) == 0
    out = capsys.readouterr().out
    assert "images     20, read as 96x120x3, values uint8 0..255" in out
    assert "list       none: x.npy is no folder or list of image files, of which alone lists are made" in out
    assert sorted(os.listdir()) == ["x.html", "x.npy"]


def test_nothing_is_written_among_the_images(photos):
    assert error_of(inspect_images, InspectConfig("photos", html="photos/i.html")) == (
        "--html photos/i.html: lies within the folder of the images: give one outside of it"
    )
    assert error_of(inspect_images, InspectConfig("photos", out="photos/a/clean.txt")) == (
        "--out photos/a/clean.txt: lies within the folder of the images: give one outside of it"
    )
    assert error_of(inspect_images, InspectConfig("photos", out="inspection.html")) == (
        "--out inspection.html: is the file of --html, too: give another"
    )
    assert error_of(inspect_images, InspectConfig("photos", out="c.txt", reading=Reading(frames="all"))) == (
        "--out: a list names files, not their frames: leave out --frames all"
    )
    (open("list.txt", "w")).write("photos/a/00.png\n")
    assert error_of(inspect_images, InspectConfig("@list.txt", out="list.txt")) == (
        "--out list.txt: is the file of the images: give another"
    )


def test_what_a_training_would_be(photos, measured, capsys):
    """The same as a dry run says, whose seconds are measured anew."""
    rows = rows_of(capsys, "photos", "--image-size", "16")
    assert rows["preset"] == [
        "the net of faces64, fitted to 16x16 colour; as no preset was made for images of this shape"
    ]
    assert rows["steps"] == ["3 an epoch, in batches of 16, for 400 epochs"]  # of 35 images
    assert re.fullmatch(r"about [\d.]+ (s|min) on this machine \([\d.e-]+ s a step\)", rows["time"][0])
    assert main(["train", "photos", "--image-size", "16", "--dry-run"]) == 0
    assert f"\ndisk     {rows['disk'][0]} in " in capsys.readouterr().out
    assert not os.path.exists("checkpoints")


def test_a_training_that_the_memory_is_too_small_for(photos, measured, capsys, monkeypatch):
    def exhausted(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr("dcgan_tf.training.trial.settle_xla", exhausted)
    rows = rows_of(capsys, "photos", "--image-size", "16")
    assert rows["training"] == [
        f"not enough memory on {describe_device()} for batches of 16: give a lower --batch-size, or end what else uses it"
    ]
    assert rows["steps"] and not {"time", "disk"} & rows.keys()


def test_wide_and_dim_images_are_given_their_flags(tmp_path, capsys):
    dim = np.clip(picture(0, (100, 150), grey=True)[..., 0] // 8 + 100, 100, 131)
    for i in range(20):
        put(tmp_path / f"set/{'ab'[i % 2]}/{i}.png", np.roll(dim, i, axis=1)[:, : 150 - i % 3])
    rows = rows_of(capsys, "set")
    note = re.search(r"the values use only (\d+) to (\d+) of 0..255: (--value-range \1 \2) ", " ".join(rows["note"]))
    assert 95 < int(note[1]) < int(note[2]) < 135  # Resizing may overshoot a little.
    assert f"with {note[3]}, as the values use little of their range" in rows["or"][0]
    assert "with --image-size 64 96, the shape of most images" in rows["or"][0]


def test_one_class_alone_is_proposed_where_it_is_large_enough(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("dcgan_tf.inspection.report.MIN_IMAGES_OF_A_CLASS", 10)
    for i in range(30):
        put(tmp_path / f"set/{'ab'[i % 3 == 0]}/{i}.png", picture(i, (20, 20)))
    assert "with --classes a, to train on that class alone (20 images)" in rows_of(capsys, "set")["or"]
    assert "or" not in rows_of(capsys, "set", "--classes", "a")
    np.savez("set.npz", images=np.stack([picture(i, (20, 20)) for i in range(30)]), labels=[7] * 18 + [2] * 12)
    rows = rows_of(capsys, "set.npz")
    assert rows["classes"] == ["2 12, 7 18"]
    assert rows["or"] == ["with --classes 7, to train on that class alone (18 images)"]


def test_help():
    assert help_text("inspect") == (GOLDEN / "help/inspect.txt").read_text()
