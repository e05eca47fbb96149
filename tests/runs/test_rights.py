"""What another user owns, or stands in the way, is one line before a training begins."""

import os

import pytest
from support.helpers import error_of

from dcgan_tf.runs.folder import RunFolder


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "run")
    for path in (folder.tensorboard, folder.pictures, folder.states / "3", folder.saved_models / "1"):
        path.mkdir(parents=True)
    for path in (
        folder.config,
        folder.log,
        folder.rollbacks,
        folder.best,
        folder.losses,
        folder.state(3) / "variables",
    ):
        path.touch()
    return folder


def enter(folder):
    with folder.locked():
        pass


@pytest.mark.parametrize("name", ["tensorboard", "picture", "state", "saved_model"])
def test_a_file_in_place_of_a_folder(folder, name):
    path = folder.path / name
    for part in sorted(path.rglob("*"), reverse=True):
        part.rmdir() if part.is_dir() else part.unlink()
    path.rmdir()
    path.touch()
    assert (
        error_of(enter, folder) == f"{path}: cannot be used (Not a directory): move it away, or give another --run-dir"
    )


@pytest.mark.parametrize("name", ["log.jsonl", "config.json", "rollbacks.json", "best.json", "losses.png"])
def test_a_folder_in_place_of_a_file(folder, name):
    path = folder.path / name
    path.unlink()
    path.mkdir()
    assert (
        error_of(enter, folder) == f"{path}: cannot be used (Is a directory): move it away, or give another --run-dir"
    )


@pytest.mark.parametrize("name", ["log.jsonl", "config.json", "rollbacks.json"])
def test_a_pipe_in_place_of_a_file(folder, name):
    path = folder.path / name
    path.unlink()
    os.mkfifo(path)
    assert error_of(enter, folder) == (
        f"{path}: cannot be used (not a regular file): move it away, or give another --run-dir"
    )


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("", os.W_OK), ("log.jsonl", os.W_OK), ("config.json", os.R_OK), ("rollbacks.json", os.R_OK),
        ("tensorboard", os.W_OK), ("picture", os.W_OK), ("state", os.W_OK), ("state/3", os.W_OK),
        ("state/3/variables", os.R_OK), ("saved_model/1", os.W_OK),
    ],
)  # fmt: skip
def test_files_of_another_user_are_named_with_how_to_mend_them(folder, monkeypatch, name, missing):
    path = folder.path / name
    monkeypatch.setattr(os, "access", Access(path, missing))
    monkeypatch.setattr(os, "supports_effective_ids", set())
    assert error_of(enter, folder) == (
        f"{path}: cannot be used (Permission denied): mend its rights, such as with: sudo chown -R $(id -un) {folder.path}"
    )
    assert not folder.lock.exists()


class Access:
    """os.access of a user who lacks a right on one path. Tests may run as root, who lacks none."""

    def __init__(self, path, missing):
        self._path, self._missing = path, missing

    def __call__(self, path, mode, **options):
        return not (path == self._path and mode & self._missing)


def test_files_that_are_replaced_as_a_whole_may_belong_to_anybody(folder, monkeypatch):
    lacks = (folder.losses, folder.best)
    monkeypatch.setattr(os, "access", lambda path, mode, **options: path not in lacks)
    enter(folder)
