import sys

import pytest

from dcgan_tf.common.program import program


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A folder bin whose Python runs this."""
    bin = tmp_path / "bin"
    bin.mkdir()
    monkeypatch.setattr(sys, "executable", str(bin / "python"))
    monkeypatch.setenv("PATH", str(bin))
    return bin


def _command(folder):
    (folder / "dcgan-tf").write_text("#!/bin/sh\n")
    (folder / "dcgan-tf").chmod(0o755)


def test_the_command_where_it_is_on_the_path(environment):
    _command(environment)
    assert program() == "dcgan-tf"


def test_the_module_where_there_is_no_command(environment):
    assert program() == "python -m dcgan_tf"


def test_the_module_where_the_command_is_of_another_environment(environment, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    _command(other)
    monkeypatch.setenv("PATH", f"{other}:{environment}")
    assert program() == "python -m dcgan_tf"
