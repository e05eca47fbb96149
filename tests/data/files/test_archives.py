"""Archives of images, .zip and .tar: the same set as the folder that was packed, and nothing outside of them."""

import io
import json
import os
import struct
import tarfile
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.image_files import cached_files, encoded, noise, put
from support.sources import source_error

from dcgan_tf.data.files import archive as archives
from dcgan_tf.data.files import tars
from dcgan_tf.data.files.archive import name_within
from dcgan_tf.data.sources import open_source

KINDS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def png(seed=0, side=8) -> bytes:
    return encoded(noise(side, side, seed))


def pack(path, members: dict[str, bytes]) -> Path:
    """An archive of the kind that its name says, with these files."""
    if str(path).endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(path, "w:" + str(path).rpartition("tar")[2].removeprefix(".")) as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return Path(path)


# ---- as the folder


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_the_set_that_its_folder_is(folder, tmp_path, kind):
    for i, name in enumerate(["top/cats/b.png", "top/cats/a.bmp", "top/dogs/é.tiff", "top/dogs/c.png"]):
        put(folder / name, noise(8, 8, i))
    (folder / "top/notes.txt").write_text("no image")
    (folder / "top/dogs/broken.png").write_bytes(b"\x89PNG\r\n")
    of_folder = open_source(str(folder))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hidden = {"top/.DS_Store": b"x", "__MACOSX/top/cats/._b.png": b"x"}
    packed = {path.relative_to(folder).as_posix(): path.read_bytes() for path in reversed(files)} | hidden
    path = pack(tmp_path / f"animals.{kind}", packed)
    for source in (open_source(str(path)), open_source(str(path)), open_source(str(path), cache=False)):
        assert source.name == "animals" and source.names == of_folder.names
        assert source.labels.tolist() == [0, 0, 1, 1] and source.class_names == ["cats", "dogs"]
        assert source.notes == of_folder.notes
        assert source.notes[0].startswith("4 images read, 1 skipped: top/dogs/broken.png (")
        assert source.fingerprint == of_folder.fingerprint
        np.testing.assert_array_equal(source.read([3, 0, 0]), of_folder.read([3, 0, 0]))


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_decoded_once_and_anew_when_it_changes(tmp_path, kind):
    path = pack(tmp_path / f"set.{kind}", {"a.png": png(1), "b.png": png(2)})
    assert len(open_source(str(path))) == 2
    before = cached_files()
    assert len(open_source(str(path))) == 2 and cached_files() == before
    pack(path, {"a.png": png(1), "b.png": png(2), "c.png": png(3)})
    assert len(open_source(str(path))) == 3 and len(cached_files()) == len(before)


def test_nothing_stays_of_an_archive_that_was_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    source = open_source(str(pack(tmp_path / "set.tar.gz", {"a.png": png(1)})), cache=False)
    assert source.read([0]).shape == (1, 8, 8, 3) and os.listdir(tmp_path / "temporary") == []


def test_content_tells_an_archive_whatever_its_name(tmp_path):
    for kind in KINDS:
        path = pack(tmp_path / f"x.{kind}", {"a.png": png(1), "b.png": png(2)}).rename(tmp_path / "images.dat")
        assert len(open_source(str(path))) == 2


def test_a_thousand_reads_from_many_threads_give_the_images_asked_for(tmp_path):
    for kind in ("zip", "tar"):
        members = {f"{i:03}.png": png(i) for i in range(40)}
        source = open_source(str(pack(tmp_path / f"set.{kind}", members)), cache=False)
        expected = [noise(8, 8, i) for i in range(40)]
        order = np.random.default_rng(0).integers(0, 40, 1000)
        with ThreadPoolExecutor(8) as pool:
            for index, images in zip(order, pool.map(source.read, order[:, None])):
                np.testing.assert_array_equal(images[0], expected[index])


# ---- StyleGAN's archives


def test_labels_in_dataset_json_replace_folders(tmp_path):
    members = {"00000/img00000000.png": png(0), "00000/img00000001.png": png(1), "00001/img00001000.png": png(2)}
    labels = [["00001/img00001000.png", 0], ["00000/img00000000.png", 6], ["00000/img00000001.png", 3]]
    source = open_source(
        str(pack(tmp_path / "set.zip", members | {"dataset.json": json.dumps({"labels": labels}).encode()}))
    )
    assert source.labels.tolist() == [6, 3, 0] and source.class_names is None
    assert source.notes == ["3 images read"]  # dataset.json is no other file that is ignored.
    for none in ({"labels": None}, {}, []):
        source = open_source(str(pack(tmp_path / "none.zip", members | {"dataset.json": json.dumps(none).encode()})))
        assert source.labels is None and source.class_names is None


@pytest.mark.parametrize("labels", [5, [5], [["a.png", "cat"]], [["a.png", -1]], [["a.png", 1, 2]], {"a.png": 1}])
def test_labels_of_another_kind_are_refused(tmp_path, labels):
    path = pack(tmp_path / "set.zip", {"a.png": png(), "dataset.json": json.dumps({"labels": labels}).encode()})
    assert source_error(path) == (
        f"{path}: dataset.json: labels are not a list of [name, class number]: mend it, or leave it out of the archive"
    )


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_dataset_json(tmp_path, content):
    path = pack(tmp_path / "set.zip", {"a.png": png(), "dataset.json": content})
    assert source_error(path) == f"{path}: dataset.json is damaged: copy or download it again"


# ---- hostile, damaged and odd ones


def test_names_never_lead_out_of_an_archive(tmp_path):
    for name in ("../../a.png", "/a.png", "x/../a.png", "..\\..\\a.png", "./a.png"):
        assert name_within(name) == "a.png"
    for kind in KINDS[:2]:
        path = pack(tmp_path / f"set.{kind}", {"../../up/b.png": png(1), "/etc/a.png": png(2)})
        before = sorted(tmp_path.parent.rglob("*"))
        source = open_source(str(path), cache=False)
        assert source.names == ["etc/a.png", "up/b.png"] and sorted(tmp_path.parent.rglob("*")) == before


def test_of_two_files_of_one_name_the_later_counts(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", png(1))
        archive.writestr("a.png", png(2))
    np.testing.assert_array_equal(open_source(str(tmp_path / "set.zip")).read([0])[0], noise(8, 8, 2))


def test_links_devices_and_holes_in_a_tar_are_skipped_and_named(tmp_path):
    (tmp_path / "secret.png").write_bytes(png(9))
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for name, kind in (("b.png", tarfile.SYMTYPE), ("c.png", tarfile.LNKTYPE), ("d.png", tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, str(tmp_path / "secret.png")
            archive.addfile(member)
        member = tarfile.TarInfo("a.png")
        member.size = len(png(1))
        archive.addfile(member, io.BytesIO(png(1)))
    assert open_source(str(tmp_path / "set.tar")).notes == [
        "1 image read, 3 skipped: b.png (a link, not followed), c.png (a link, not followed), d.png (not a regular file)"
    ]


def test_encrypted_archives(tmp_path):
    path = pack(tmp_path / "set.zip", {"a.png": png(1)})
    content = bytearray(path.read_bytes())
    for start, flag in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # The flags stand twice, and bit 0 means encrypted.
        content[content.index(start) + flag] |= 1
    path.write_bytes(content)
    assert source_error(path) == f"{path}: none of 1 image can be read: a.png (encrypted)"


def test_archives_within_archives_are_no_images(tmp_path):
    inner = pack(tmp_path / "inner.zip", {"a.png": png(1)}).read_bytes()
    for kind in KINDS[:2]:
        path = pack(tmp_path / f"outer.{kind}", {"inner.zip": inner})
        assert source_error(path).startswith(f"{path} holds no images (")
        assert source_error(path).endswith(", only inner.zip")
    assert source_error(pack(tmp_path / "none.zip", {})).endswith(", no files at all")
    assert " is not a set of images that can be read: " in source_error(pack(tmp_path / "none.tar", {}))


def test_what_claims_to_be_large_is_skipped_without_its_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MIN_MEMBER_BYTES", 2000)
    monkeypatch.setattr(archives, "free_bytes", lambda: 0)
    members = {"a.png": png(1), "b.bmp": bytes(100_000)}
    for kind in KINDS:
        assert open_source(str(pack(tmp_path / f"set.{kind}", members))).notes == [
            "1 image read, 1 skipped: b.bmp (larger than 2 KB: unpack the archive)"
        ]


def test_a_packed_tar_that_would_fill_the_disk(tmp_path, monkeypatch):
    path = pack(tmp_path / "set.tar.gz", {"a.png": png(1), "zeros.bin": bytes(10**7)})
    monkeypatch.setattr(tars, "MIN_MAX_UNPACKED_BYTES", 10**6)
    assert source_error(path).startswith(f"{path} unpacks to more than ")
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")
    monkeypatch.setattr(tars, "MIN_FREE_DISK_SHARE", 2)
    assert source_error(path) == (
        f"{path}: cannot be unpacked in /dev/shm (its disk is nearly full): set TMPDIR to a folder with free space, or "
        "unpack it and give the folder"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_and_damaged_archives_are_one_line(tmp_path, kind):
    path = pack(tmp_path / f"set.{kind}", {f"{i}.png": png(i, 32) for i in range(20)})
    whole = path.read_bytes()
    for share in (0.3, 0.7, 0.85 if kind == "tar" else 0.98):  # A .tar ends in zeros.
        path.write_bytes(whole[: int(len(whole) * share)])
        error = source_error(path)
        assert error in (
            f"{path} is truncated: copy or download it again",
            f"{path} is damaged: copy or download it again",
        )


def test_a_tar_with_a_damaged_header_ends_in_no_silence(tmp_path):
    path = pack(tmp_path / "set.tar", {f"{i}.png": png(i) for i in range(3)})
    whole = path.read_bytes()
    second = whole.index(b"1.png")
    path.write_bytes(
        whole[: second + 150] + b"junk" + whole[second + 154 :]
    )  # The checksum of a header is at byte 148.
    assert source_error(path) == f"{path} is damaged: copy or download it again"
    path.write_bytes(whole[: second + 100])
    assert source_error(path) == f"{path} is truncated: copy or download it again"
    path.write_bytes(whole[:second])  # No end is marked, which tar itself accepts.
    assert len(open_source(str(path))) == 1


def test_a_member_with_a_wrong_checksum_is_skipped(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:  # stored, not deflated
        archive.writestr("a.png", png(1))
        archive.writestr("b.png", png(2))
    content = bytearray(path.read_bytes())
    content[content.index(png(2)) + 60] ^= 1
    path.write_bytes(content)
    assert open_source(str(path)).notes == ["1 image read, 1 skipped: b.png (damaged: Bad CRC-32 for file 'b.png')"]


def test_a_tar_header_that_claims_too_much(tmp_path):
    path = pack(tmp_path / "set.tar", {"a.png": png(1)})
    member = tarfile.TarInfo("b.png")
    member.size = 2**40
    path.write_bytes(path.read_bytes()[:1024] + member.tobuf())
    assert source_error(path) == f"{path} is truncated: copy or download it again"
    member.type, member.size = tarfile.XHDTYPE, 2**30
    path.write_bytes(member.tobuf() + bytes(2048))
    assert source_error(path) == f"{path} is damaged: copy or download it again"


def test_a_zip_with_offsets_beyond_all_files(tmp_path):
    path = pack(tmp_path / "set.zip", {"a.png": png(1)})
    content = path.read_bytes()
    end = content.index(b"PK\5\6")
    path.write_bytes(content[: end + 16] + struct.pack("<I", 0xFFFFFFF0) + content[end + 20 :])
    assert source_error(path) == f"{path}: none of 1 image can be read: a.png (Invalid argument)"
