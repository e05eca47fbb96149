import contextlib
import hashlib
import os
import socket

import pytest

from dcgan_tf.common.reading import check_regular, checksum, open_regular, read_json


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as unix, contextlib.chdir(path.parent):  # The address of a socket must be short.
        unix.bind(path.name)


@pytest.mark.parametrize("read", [open_regular, check_regular, read_json, checksum])
@pytest.mark.parametrize(
    ("make", "error"),
    [
        (os.mkfifo, "not a regular file"),
        (make_socket, "not a regular file"),
        (os.mkdir, "Is a directory"),
        (lambda path: None, "No such file or directory"),
    ],
)
def test_only_regular_files_are_read_and_nothing_waits(tmp_path, read, make, error):
    make(tmp_path / "x")
    with pytest.raises(OSError) as raised:
        read(tmp_path / "x")
    assert raised.value.strerror == error and raised.value.filename == os.fspath(tmp_path / "x")


def test_regular_files_are_read_also_through_links(tmp_path):
    (tmp_path / "x").write_text('{"a": [1]}')
    (tmp_path / "link").symlink_to("x")
    for name in ("x", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b'{"a": [1]}'
        check_regular(tmp_path / name)
        assert read_json(tmp_path / name) == {"a": [1]}
    assert checksum(tmp_path / "x") == hashlib.blake2b(b'{"a": [1]}', digest_size=16).hexdigest()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_a_value_error(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "x")
