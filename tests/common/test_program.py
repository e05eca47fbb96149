import sys

import pytest

from dcgan_tf.common.program import program


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A folder bin whose Python runs this."""
    bin = tmp_path / "bin"
    bin.mkdir()
    _command(bin, "python")
    monkeypatch.setattr(sys, "executable", str(bin / "python"))
    monkeypatch.setenv("PATH", str(bin))
    return bin


def _command(folder, name="dcgan-tf"):
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


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


@pytest.fixture
def not_switched_on(tmp_path, monkeypatch):
    """As after `make train`, in the folder of the program: the environment below it is not on the path."""
    bin = tmp_path / "my program" / ".venv" / "bin"
    bin.mkdir(parents=True)
    _command(bin, "python")
    _command(bin)
    monkeypatch.setattr(sys, "executable", str(bin / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path / "my program")


def test_an_environment_that_is_not_switched_on_is_named(not_switched_on):
    assert program() == ".venv/bin/python -m dcgan_tf"


def test_also_from_another_folder(not_switched_on, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "my program" / ".venv" / "bin")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my program" / ".venv" / "python"))
    assert program() == f"'{tmp_path}/my program/.venv/python' -m dcgan_tf"
