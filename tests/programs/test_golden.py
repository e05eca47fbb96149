"""Nothing that a user sees changes unnoticed: against what tests/support/golden.py recorded of an earlier version."""

import json

import pytest
from support import golden
from support.checked_here import checked_here

from dcgan_tf import cli


def recorded(name: str):
    return json.loads((golden.GOLDEN / name).read_text())


def assert_same(made: dict, expected: dict) -> None:
    """Bits only where they can be the same."""
    assert made["config.json"] == expected["config.json"]
    assert made["files"] == expected["files"]
    if golden.machine() == recorded("trained.json")["machine"]:
        assert made["bits"] == expected["bits"]


@pytest.fixture(scope="module", autouse=True)
def bits():
    if golden.machine() != recorded("trained.json")["machine"]:
        print(f"weights are not compared: they were recorded on {recorded('trained.json')['machine']}")


@pytest.mark.parametrize("name", golden.TRAINED)
def test_twenty_steps_leave_what_they_left(name, tmp_path):
    assert_same(golden.train(tmp_path, golden.TRAINED[name]), recorded("trained.json")["runs"][name])


def test_a_run_of_before_goes_on_as_it_would_have(tmp_path):
    assert_same(golden.resumed(tmp_path), recorded("resumed.json"))


def test_its_signatures_and_cards_are_what_they_were(tmp_path):
    import shutil

    shutil.copytree(golden.GOLDEN / "run", tmp_path, dirs_exist_ok=True)
    with checked_here():
        assert golden.exported(tmp_path) == recorded("signatures.json")


def test_the_help_of_every_command_is_recorded():
    names = {path.stem for path in (golden.GOLDEN / "help").glob("*.txt")}
    assert names == {"dcgan-tf", "train.py", "export.py"} | set(cli.COMMANDS)


@pytest.mark.parametrize("path", sorted((golden.GOLDEN / "help").glob("*.txt")), ids=lambda path: path.stem)
def test_help_says_what_it_said(path):
    name = path.stem
    assert golden.help_text(*([] if name == "dcgan-tf" else [name])) == path.read_text()
