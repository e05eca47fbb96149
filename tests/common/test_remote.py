"""Files on this machine and behind an address: TensorFlow's memory file system stands for a cloud."""

import os
import threading
from pathlib import Path

import pytest
from support.helpers import error_of

from dcgan_tf.common import remote
from dcgan_tf.common.backend import tf


@pytest.fixture(params=["here", "cloud"])
def place(request, tmp_path):
    """A folder, on this machine or in a cloud, as the text that a user would give."""
    if request.param == "here":
        return str(tmp_path)
    address = f"ram://remote{os.getpid()}/{tmp_path.name}"
    tf.io.gfile.makedirs(address)
    return address


@pytest.mark.parametrize(
    ("path", "expected"),
    [("gs://bucket/x", True), (b"s3://bucket", True), ("data/x", False), (Path("x"), False), ("c:/x", False)],
)
def test_an_address_has_a_colon_and_two_slashes(path, expected):
    assert remote.is_remote(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"), [("a*", True), ("a?", True), ("[ab]", True), ("a-b", False), ("", False)]
)
def test_patterns(path, expected):
    assert remote.has_pattern(path) == expected


def test_what_is_written_is_read_whole_or_in_part(place):
    path = remote.join(place, "a.bin")
    assert not remote.exists(path)
    remote.write(path, b"0123456789")
    assert remote.exists(path)
    assert remote.read(path) == b"0123456789"
    assert remote.read(path, 3, 4) == b"3456"
    assert remote.read(path, 7) == b"789"
    assert remote.read(path, 8, 100) == b"89"
    assert remote.read(path, 10, 5) == b""


def test_length_and_time(place):
    path = remote.join(place, "a.bin")
    with pytest.raises(FileNotFoundError):
        remote.size_and_time(path)
    remote.write(path, b"0123456789")
    length, changed = remote.size_and_time(path)
    assert length == 10
    if not remote.is_remote(place):  # TensorFlow's memory file system keeps no times.
        os.utime(path, ns=(0, 1_700_000_000_123_456_789))
        assert remote.size_and_time(path) == (10, 1_700_000_000_123_456_789)


def test_a_file_that_is_there_is_replaced(tmp_path):
    path = str(tmp_path / "a.bin")
    remote.write(path, b"an older and longer content")
    remote.write(path, b"new")
    assert remote.read(path) == b"new"


def test_files_that_match_are_sorted(place):
    for name in ("b.x", "a.x", "c.y"):
        remote.write(remote.join(place, name), b"")
    assert remote.matching(remote.join(place, "*.x")) == [remote.join(place, "a.x"), remote.join(place, "b.x")]
    assert remote.matching(remote.join(place, "c.y")) == [remote.join(place, "c.y")]
    assert remote.matching(remote.join(place, "none*")) == []


@pytest.mark.parametrize(
    ("folder", "name", "path"),
    [
        ("gs://bucket/set", "a", "gs://bucket/set/a"),
        ("gs://bucket/set/", "a", "gs://bucket/set/a"),
        ("set", "a", os.path.join("set", "a")),
    ],
)
def test_folder_and_name(folder, name, path):
    assert remote.join(folder, name) == path
    assert remote.split(path) == (folder.rstrip("/"), name)


def test_a_missing_file_is_one_line(tmp_path):
    assert error_of(remote.read, str(tmp_path / "a\nb")) == f"{tmp_path}/a\\nb cannot be read: no such file"
    assert error_of(remote.read, str(tmp_path)) == f"{tmp_path} cannot be read: Is a directory"


class Cloud:
    """A stand-in for tf.io.gfile that answers everything with one error."""

    def __init__(self, error):
        self.error = error

    def fail(self, *arguments):
        raise self.error

    glob = exists = stat = GFile = fail


CALLS = [remote.matching, remote.exists, remote.size_and_time, remote.read]


@pytest.mark.parametrize("call", CALLS)
def test_a_cloud_that_refuses_is_one_line(monkeypatch, call):
    error = tf.errors.PermissionDeniedError(None, None, "  Denied: no credentials.\n\twhen reading gs://b/x")
    monkeypatch.setattr(remote, "_gfile", lambda: Cloud(error))
    assert error_of(call, "gs://b/x") == "gs://b/x cannot be read: Denied: no credentials."


@pytest.mark.parametrize("call", CALLS)
def test_our_own_mistakes_pass_through(monkeypatch, call):
    monkeypatch.setattr(remote, "_gfile", lambda: Cloud(ZeroDivisionError("ours")))
    with pytest.raises(ZeroDivisionError):
        call("gs://b/x")


def test_an_error_on_this_machine_is_not_taken_for_one_of_the_cloud():
    with pytest.raises(ZeroDivisionError), remote.reading("x"):
        raise ZeroDivisionError


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a")
    assert error_of(remote.read, str(tmp_path / "a")) == f"{tmp_path}/a cannot be read: not a regular file"


def test_a_length_that_the_system_does_not_tell_is_one_line(tmp_path):
    (tmp_path / "a").symlink_to("a")
    line = f"{tmp_path}/a cannot be read: Too many levels of symbolic links"
    assert error_of(remote.size_and_time, str(tmp_path / "a")) == line
    with pytest.raises(FileNotFoundError):
        remote.size_and_time(str(tmp_path / "b/c"))


def test_the_main_thread_leaves_the_wait_for_a_cloud_to_another(monkeypatch):
    """TensorFlow hears no signal while it waits."""

    class Slow:
        def exists(self, path):
            return threading.current_thread() is not threading.main_thread()

    monkeypatch.setattr(remote, "_gfile", Slow)
    assert remote.exists("gs://b/x") is True
