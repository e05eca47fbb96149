import ast
import re

import filelock
import pytest
from support.helpers import ROOT, error_of

from dcgan_tf.common.errors import UserError
from dcgan_tf.runs.folder import RunFolder, check_is_no_run, epoch_of


@pytest.mark.parametrize("content, best", [(None, None), ("{", None), ("[]", None), ('{"epoch": 7}', 7)])
def test_best_epoch(tmp_path, content, best):
    if content:
        (tmp_path / "best.json").write_text(content)
    assert RunFolder(tmp_path).read_best().get("epoch") == best


def test_one_training_per_folder(tmp_path):
    with filelock.FileLock(tmp_path / ".lock"), pytest.raises(UserError) as raised, RunFolder(tmp_path).locked():
        pass
    assert str(raised.value) == (
        f"--run-dir {tmp_path}: another training is writing to it: wait for it, or give another --run-dir"
    )


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as raised, RunFolder(tmp_path / "file" / "run").locked():
        pass
    assert str(raised.value) == (
        f"--run-dir {tmp_path}/file/run: cannot be written (Not a directory): give another --run-dir"
    )


def test_names_of_models_and_pictures_are_found_again(tmp_path):
    folder = RunFolder(tmp_path)
    folder.pictures.mkdir()
    for path in (
        folder.generator(12),
        folder.generator(3),
        folder.discriminator(3),
        folder.picture(7),
        folder.picture(12345),
        folder.picture_within(20),
    ):
        path.touch()
    for other in ("epoch4_Gmodel.h5.part", "xepoch5_Gmodel.h5", "picture/image_at_epoch_x.png", "picture/reals.png"):
        (tmp_path / other).touch()
    assert folder.saved_epochs() == [3, 12]
    assert sorted(folder.named_pictures()) == [
        ("epoch", 7, tmp_path / "picture" / "image_at_epoch_0007.png"),
        ("epoch", 12345, tmp_path / "picture" / "image_at_epoch_12345.png"),
        ("step", 20, tmp_path / "picture" / "image_at_step_000020.png"),
    ]
    assert [epoch_of(name) for name in ("a/epoch7_Gmodel.h5", "Gmodel.h5", "epoch_Gmodel.h5")] == [7, None, None]


def test_with_its_lock_goes_a_folder_that_holds_nothing_else(tmp_path):
    for name, content in (("new", []), ("other", ["config.json"])):
        folder = RunFolder(tmp_path / name)
        with folder.locked():
            for file in content:
                (folder.path / file).touch()
            folder.remove_lock()
    assert not (tmp_path / "new").exists()
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["config.json"]


NAMES = re.compile(
    r"config\.json|log\.jsonl|best\.json|rollbacks\.json|reals\.png|losses\.png|tensorboard|saved_model|picture|state|training\.(gif|mp4)"
    r"|.*_[GD]model\.h5|.*image_at_epoch_.*"
)


def test_no_other_module_knows_a_name_in_a_run_s_folder():
    found = {}
    for path in (ROOT / "dcgan_tf").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):  # path / name
                for part in ast.walk(node.right):
                    if isinstance(part, ast.Constant) and NAMES.fullmatch(str(part.value)):
                        found.setdefault(path.relative_to(ROOT / "dcgan_tf").as_posix(), set()).add(part.value)
    assert set(found) == {"runs/folder.py"}
    assert {"config.json", "picture", "state", "saved_model"} <= found["runs/folder.py"]


def test_what_a_killed_process_left_within_a_state_is_no_obstacle(tmp_path):
    (tmp_path / "state" / ".9.1.part" / "variables_temp").mkdir(parents=True)
    with RunFolder(tmp_path).locked():
        assert list((tmp_path / "state").iterdir()) == []


def test_a_flipped_digit_of_the_best_is_found(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_best({"epoch": 7, "step": 70, "swd": 45.4})
    assert folder.read_best() == {"epoch": 7, "step": 70, "swd": 45.4}
    folder.best.write_text(folder.best.read_text().replace('"epoch": 7', '"epoch": 5'))
    assert folder.read_best() == {}


def test_a_run_is_not_taken_for_the_set_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_is_no_run("digits")
    run = tmp_path / "digits"
    run.mkdir()
    (run / "config.json").write_text("{}")
    check_is_no_run("digits")  # It may lie among images.
    (run / "log.jsonl").touch()
    assert error_of(check_is_no_run, "digits") == (
        "--data digits: the folder of that name holds a run, not images: give the path of the images, or work in another "
        "folder"
    )
