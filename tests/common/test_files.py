import errno
import multiprocessing
import os

import pytest

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.files import (
    check_held,
    disk_errors_in_one_line,
    locked_folder,
    numbered,
    publish,
    remove_folder,
    remove_leftovers,
    staging_folder,
    whole_file,
    whole_folder,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with whole_file(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old" and beside.suffix == ".txt"
    assert path.read_text() == "new" and names(tmp_path) == ["a.txt"]


def test_a_failed_file_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as beside:
        beside.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_a_folder_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "7"
    path.mkdir()
    (path / "old").touch()
    with whole_folder(path) as beside:
        (beside / "sub").mkdir()
        (beside / "sub" / "new").write_text("x")
        assert names(path) == ["old"] and not beside.name[0].isdigit()
    assert names(path) == ["sub"] and names(tmp_path) == ["7"]


def test_a_failed_folder_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "7"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(ZeroDivisionError), whole_folder(path) as beside:
        (beside / "new").touch()
        raise ZeroDivisionError
    assert names(path) == ["old"] and names(tmp_path) == ["7"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Can't write data (file write failed: errno = 28, error message = 'No space left on device')"),
        RuntimeError("; No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("run/state/.9.1.part/variables.data; Disk quota exceeded"),
    ],
)
def test_a_full_disk_in_any_librarys_words_is_one_line(error):
    with pytest.raises(UserError) as raised, disk_errors_in_one_line("run/epoch7_Gmodel.h5"):
        raise error
    assert str(raised.value) == (
        "no space left on the disk for run/epoch7_Gmodel.h5: free some space and run the same command again"
    )


@pytest.mark.parametrize("error", [ValueError("a shape"), RuntimeError("no graph"), BrokenPipeError(errno.EPIPE, "x")])
def test_other_errors_pass_through(error):
    with pytest.raises(type(error)), disk_errors_in_one_line("x"):
        raise error


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), RuntimeError("run/x.part; Input/output error")]
)
def test_a_failing_disk_is_one_line(error):
    with pytest.raises(UserError) as raised, disk_errors_in_one_line("run/log.jsonl"):
        raise error
    assert str(raised.value) == (
        "run/log.jsonl: cannot be written (Input/output error): check the disk, or give another"
    )


def test_a_place_that_cannot_be_written_is_one_line():
    with pytest.raises(UserError) as raised, disk_errors_in_one_line("run/losses.png"):
        raise PermissionError(errno.EROFS, "Read-only file system")
    assert str(raised.value) == (
        "run/losses.png: cannot be written (Read-only file system): make its folder writable, or give another"
    )


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / ".image.123.part.png").touch()
    (tmp_path / ".7.123.part").mkdir()
    (tmp_path / ".7.123.part" / "x").touch()
    (tmp_path / ".6.123.gone").mkdir()
    for kept in ("image.png", "department", ".lock", ".mine.old", ".mine.part", ".my.1.partial"):
        (tmp_path / kept).touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [".lock", ".mine.old", ".mine.part", ".my.1.partial", "department", "image.png"]


def test_what_a_killed_process_had_moved_aside_to_replace_it_is_put_back(tmp_path):
    for name, content in ((".7.123.old", "old"), (".7.123.part", "half"), (".8.123.old", "old"), ("8", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / content).touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["7", "8"]
    assert names(tmp_path / "7") == ["old"] and names(tmp_path / "8") == ["new"]


def test_what_a_living_process_writes_stays_where_the_folder_is_not_locked(tmp_path):
    ended = multiprocessing.get_context("fork").Process(target=int)
    ended.start()
    ended.join()
    living = os.getppid()
    for process in (living, ended.pid, os.getpid()):
        (tmp_path / f".a.{process}.part.png").touch()
    remove_leftovers(tmp_path, is_locked=False)
    assert names(tmp_path) == [f".a.{living}.part.png"]
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_what_is_built_appears_when_it_is_published_and_the_rest_is_gone(tmp_path):
    with staging_folder(tmp_path / "7") as stage:
        for name in ("7", "8"):
            (stage / name).mkdir()
            (stage / name / "x").touch()
        publish(stage / "7", tmp_path / "7")
        assert stage.parent == tmp_path and stage.name.startswith(".")
    assert names(tmp_path) == ["7"] and names(tmp_path / "7") == ["x"]


@pytest.mark.parametrize("there", ["a file", "a folder", "an empty folder"])
def test_nothing_is_published_over_what_is_there(tmp_path, there):
    place = tmp_path / "7"
    if there == "a file":
        place.write_text("old")
    else:
        place.mkdir()
        if there == "a folder":
            (place / "x").touch()
    with staging_folder(place) as stage:
        (stage / "7").mkdir()
        with pytest.raises(FileExistsError):
            publish(stage / "7", place)
    assert names(tmp_path) == ["7"]
    assert place.read_text() == "old" if place.is_file() else names(place) == ["x"] * (there == "a folder")


def test_a_removed_folder_is_gone_at_once_and_a_missing_one_is_no_error(tmp_path):
    (tmp_path / "7" / "variables").mkdir(parents=True)
    remove_folder(tmp_path / "7")
    remove_folder(tmp_path / "7")
    assert names(tmp_path) == []


def test_numbered(tmp_path):
    for name in ("10", "9", "007", "7a", "-1", "\u00b2", ".8", "epoch5"):
        (tmp_path / name).mkdir()
    assert list(numbered(tmp_path).items()) == [(7, tmp_path / "007"), (9, tmp_path / "9"), (10, tmp_path / "10")]
    assert numbered(tmp_path / "none") == {}


def test_nothing_is_written_into_a_locked_folder_that_is_not_there_any_more(tmp_path):
    folder = tmp_path / "run"
    with locked_folder(folder, "--run-dir", "training"):
        check_held(folder / "x")
        folder.rename(tmp_path / "moved")
        for replacement in (None, folder.mkdir):
            if replacement:
                replacement()
            for write in (whole_file, whole_folder):
                with pytest.raises(UserError) as raised, write(folder / "state" / "x"):
                    pass
                assert str(raised.value) == (
                    f"{folder}: was moved or deleted while it was written to: put it back where it was, and run the same "
                    "command again"
                )
        check_held(tmp_path / "elsewhere")
    check_held(folder / "x")
    assert names(folder) == []
