"""The pieces of the campaign of faults: what is injected, what is noticed. No TensorFlow."""

import errno
import os
import subprocess
import sys

import pytest

from benchmarks.faults import flips, injection, promises, trials
from benchmarks.faults.__main__ import table_rows
from benchmarks.faults.injection import FAULTS, KILL, Operation, evenly

# What a program does in its folder `w`: Python's files and libhdf5's, a folder that is there already, nothing to unlink.
WORK = """
import os, shutil
os.makedirs("w/made"); os.makedirs("w/made", exist_ok=True)
with open("w/a.txt", "w") as file:
    file.write("0123456789")
    file.flush()
    os.fsync(file.fileno())
os.replace("w/a.txt", "w/b.txt")
os.path.exists("w/none") or open("outside.txt", "w").close()
shutil.rmtree("w/made")
try:
    os.unlink("w/none")
except FileNotFoundError:
    pass
"""
OPERATIONS = [
    "mkdir made", "create a.txt", "write a.txt", "fsync a.txt", "close a.txt", "rename a.txt -> b.txt", "rmdir made",
]  # fmt: skip


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    if injection.compiler() is None or sys.platform != "linux":
        pytest.skip("there is no C compiler, or this is no Linux")
    return injection.build(tmp_path_factory.mktemp("shim"))


def work(shim, folder, code=WORK, at=0, **fault):
    """Runs code with the shim; returns (the process, the changes)."""
    (folder / "w").mkdir()
    names = {"AT": at, **fault, "FOLDER": folder / "w", "TRACE": folder / "trace"}
    environment = (
        os.environ | {"LD_PRELOAD": str(shim)} | {f"FAULTS_{name}": str(value) for name, value in names.items()}
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    return ended, [step for step in injection.read_trace(folder / "trace") if not step.name.startswith("read")]


def test_every_operation_below_the_folder_is_counted(shim, tmp_path):
    ended, trace = work(shim, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [str(operation) for operation in trace] == OPERATIONS
    assert [operation.number for operation in trace] == [1, 2, 3, 4, 5, 6, 7]
    assert trace[3].detail == "10" and not any(operation.hit for operation in trace)


def test_a_kill_at_a_write_leaves_half_of_it(shim, tmp_path):
    ended, trace = work(shim, tmp_path, at=3)
    assert ended.returncode == -9 and trace[-1] == Operation(3, "write", "a.txt", "", True)
    assert (tmp_path / "w" / "a.txt").read_text() == "01234"


def test_a_full_disk_stays_full_and_lets_files_be_deleted(shim, tmp_path):
    code = WORK.replace("os.fsync(file.fileno())", "")
    ended, trace = work(shim, tmp_path, code, at=3, ERRNO=errno.ENOSPC, STAYS=1)
    assert "OSError: [Errno 28] No space left on device" in ended.stderr
    assert [str(operation) for operation in trace if operation.hit][0] == "write a.txt"
    (tmp_path / "again").mkdir()
    ended, trace = work(shim, tmp_path / "again", "import os\nos.rmdir('w/x') if os.mkdir('w/x') else os.rmdir('w/x')",
                        at=2, ERRNO=errno.ENOSPC, STAYS=1)  # fmt: skip
    assert (ended.returncode, [operation.hit for operation in trace]) == (0, [False, False])


def test_one_operation_fails(shim, tmp_path):
    ended, trace = work(shim, tmp_path, at=6, ERRNO=errno.EIO)
    assert ended.stderr.endswith("OSError: [Errno 5] Input/output error: 'w/a.txt' -> 'w/b.txt'\n")
    assert [operation.hit for operation in trace] == [False] * 5 + [True]


def test_reads_are_counted_by_themselves(shim, tmp_path):
    code = "open('w/x', 'w').write('1')\nopen('w/x').read()"
    ended, changes = work(shim, tmp_path, code, at=1, ERRNO=errno.EIO, READS=1)
    assert ended.stderr.endswith("OSError: [Errno 5] Input/output error: 'w/x'\n")
    assert [(str(step), step.number) for step in changes] == [("create x", 1), ("write x", 2), ("close x", 3)]
    reads = [step for step in injection.read_trace(tmp_path / "trace") if step.name.startswith("read")]
    assert reads == [Operation(1, "read-open", "x", "", True)]


def test_what_hdf5_writes_is_counted_too(shim, tmp_path):
    code = "import h5py\nwith h5py.File('w/x.h5', 'w') as file: file['x'] = [1, 2, 3]"
    ended, trace = work(shim, tmp_path, code)
    assert ended.returncode == 0 and {operation.name for operation in trace} >= {"create", "write", "close"}


def test_evenly():
    assert evenly(list(range(10)), 2, 0.5) == [2, 7]
    assert evenly(list(range(10)), 5, 0.0) == [0, 2, 4, 6, 8]
    assert evenly([1, 2], 0) == evenly([1, 2], 5) == [1, 2]


def test_a_full_disk_is_not_asked_of_what_needs_no_space():
    able = {name: injection.can_fail(FAULTS["ENOSPC"], Operation(1, name, "x", "", False))
            for name in ("create", "open", "write", "unlink", "rmdir")}  # fmt: skip
    assert able == {"create": True, "open": False, "write": True, "unlink": False, "rmdir": False}
    assert injection.can_fail(FAULTS["EIO"], Operation(1, "unlink", "x", "", False))
    assert [injection.can_fail(FAULTS[name], Operation(1, "read", "x", "", False)) for name in ("EIO", "unreadable")] == [
        False, True,
    ]  # fmt: skip
    assert FAULTS["kill"].number == KILL


def test_a_power_cut_forgets_what_was_not_flushed(tmp_path):
    for name, text in (("log", "oldnew"), ("safe", "12345"), ("lost", "12345"), ("untouched", "1")):
        (tmp_path / name).write_text(text)
    steps = [
        ("open", "log", ""), ("write", "log", ""),
        ("create", ".safe.part", ""), ("write", ".safe.part", ""), ("fsync", ".safe.part", "5"),
        ("rename", ".safe.part", "safe"),
        ("create", "d/lost", ""), ("write", "d/lost", ""), ("rename", "d/lost", "lost"),
    ]  # fmt: skip
    trace = [Operation(at, *step, False) for at, step in enumerate(steps, 1)]
    assert injection.forget(trace, tmp_path, {"log": 3, "untouched": 1}) == ["log", "lost"]
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"log": "old", "safe": "12345", "lost": "", "untouched": "1"}


@pytest.mark.parametrize(
    "code, stderr, wrong",
    [
        (0, "decoding 48 images ...\n", None),
        (2, "decoding 48 images ...\nerror: no space left\n", None),
        (1, "error: served: differs\n", None),
        (2, "", "exit code 2, and on standard error: "),
        (2, "error: a\nerror: b\n", "exit code 2, and on standard error: error: a / error: b"),
        (0, "error: a\n", "exit code 0, and on standard error: error: a"),
        (1, "Traceback (most recent call last):\nOSError: x\n", "exit code 1, Traceback (most recent call last): ... OSError: x"),
        (0, "Exception ignored in: <x>\n", "exit code 0, Exception ignored in: <x> ... Exception ignored in: <x>"),
        (-11, "", "exit code -11: "),
        (None, "", "it did not end"),
    ],
)  # fmt: skip
def test_how_a_command_may_end(code, stderr, wrong):
    assert promises.printed(code, stderr, usual="decoding 48 images ...\n") == wrong


def test_folders_are_compared_by_what_is_in_them(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1, "images_per_sec": 5.0}\n{"st')
    (tmp_path / "best.json").write_text('{"epoch": 1}')
    expected = promises.contents(tmp_path)
    (tmp_path / "log.jsonl").write_text('{"images_per_sec": 7.0, "step": 1}\n')
    assert promises.difference(expected, tmp_path) is None
    (tmp_path / "best.json").write_text('{"epoch": 2}')
    (tmp_path / ".losses.123.part.png").touch()
    assert promises.difference(expected, tmp_path) == ("left over: .losses.123.part.png; other contents: best.json")
    assert promises.difference(expected, tmp_path, "best|part") == "left over: .losses.123.part.png"
    (tmp_path / "best.json").write_text('{"epo')
    assert promises.difference(expected, tmp_path).startswith("best.json is not whole: JSONDecodeError")


def test_the_best_epoch_has_its_models(tmp_path):
    (tmp_path / "best.json").write_text('{"epoch": 3}')
    assert promises.whole(tmp_path) == (
        "best.json names epoch 3, of which epoch3_Gmodel.h5, epoch3_Dmodel.h5, saved_model.pb is not there"
    )


def test_a_version_of_an_export_is_compared_as_any_other(tmp_path):
    for version in ("2", "3"):
        (tmp_path / version / version).mkdir(parents=True)
        (tmp_path / version / version / "x.txt").write_text("same")
        (tmp_path / version / f"faces-{version}-dynamic.tflite").write_text("same")
    found = [promises.contents(tmp_path / version) for version in ("2", "3")]
    assert found[0] == found[1] and set(found[0]) == {"V/x.txt", "faces-V-dynamic.tflite"}


def test_one_bit_is_flipped(tmp_path):
    (tmp_path / "x").write_bytes(bytes(range(100)))
    said = flips.flip(tmp_path / "x", seed=3)
    differ = [a ^ b for a, b in zip((tmp_path / "x").read_bytes(), range(100), strict=True) if a != b]
    assert [bin(one).count("1") for one in differ] == [1] and said.startswith("bit ") and said.endswith(" of 100")


def test_every_kind_of_file_is_flipped_for_every_reader(tmp_path):
    for name in ("config.json", "epoch9_Gmodel.h5", "epoch10_Gmodel.h5", ".lock"):
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / name).touch()
    found = [(target.reader.name, target.name) for target in flips.targets(tmp_path, 3, seed=0)]
    assert found[:6] == [
        ("resume", f"run/{name}")
        for name in ("epoch10_Gmodel.h5", "epoch9_Gmodel.h5", "epoch10_Gmodel.h5", *["config.json"] * 3)
    ]
    assert len([reader for reader, name in found if name == "cache/*.npy"]) == 3
    assert not [name for _, name in found if name.endswith(".lock")]


def test_the_table_counts():
    made = [trials.Outcome("train", "kill", 1, "", "same end"), trials.Outcome("train", "kill", 2, "", "broken", "why")]
    assert table_rows(made) == [{"program": "train", "fault": "kill", "tried": "2", "same end": "1", "broken": "1"}]
