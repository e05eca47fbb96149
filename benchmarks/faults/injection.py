"""Faults below all libraries: Python, TensorFlow, HDF5 and Pillow all call the C library, in front of which stands shim.c.

strace could inject faults, too, but it counts each thread's calls of one kind by themselves, so that "the Nth operation"
means nothing, it cannot tell a folder from another, and it takes several times as long. The shim does not see programs
that are linked statically, such as ffmpeg (so films are GIFs here), nor what is written through a memory map.
"""

import ctypes
import errno
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
KILL = -1  # As in shim.c.
NEED_NO_SPACE = ("open", "unlink", "rmdir")  # These succeed on a full disk.


@dataclass(frozen=True)
class Fault:
    """What happens at an operation.

    number    KILL, or the errno that the operation fails with
    stays     every later operation fails as well: a full disk stays full
    forgets   after the kill, what was not flushed to the disk is lost, as in a power cut
    reads     it is a read that fails, or the opening of a file to read it; reads are counted by themselves
    about     what it stands for
    """

    name: str
    number: int
    stays: bool = False
    forgets: bool = False
    reads: bool = False
    about: str = ""


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill", KILL, about="kill -9"),
        Fault("power", KILL, forgets=True, about="a power cut: unflushed bytes are lost"),
        Fault("ENOSPC", errno.ENOSPC, stays=True, about="the disk becomes full"),
        Fault("ENOSPC-once", errno.ENOSPC, about="the disk is full for a moment"),
        Fault("EDQUOT", errno.EDQUOT, stays=True, about="the quota is used up"),
        Fault("EIO", errno.EIO, about="one operation fails"),
        Fault("unreadable", errno.EIO, reads=True, about="something cannot be read"),
        Fault("EROFS", errno.EROFS, stays=True, about="the disk becomes read-only"),
    )
}


@dataclass(frozen=True)
class Operation:
    """A line of the trace; paths are relative to the folder that is watched.

    detail  the new name of what is renamed, the size of what is flushed; else ""
    hit     whether it was stopped
    """

    number: int
    name: str
    path: str
    detail: str
    hit: bool

    def __str__(self):
        return f"{self.name} {self.path}" + (f" -> {self.detail}" if self.name == "rename" else "")


def compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(folder: Path) -> Path:
    """Compiles the shim into `folder`, for LD_PRELOAD."""
    library = folder / "shim.so"
    subprocess.run([compiler(), "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def arm(folder: Path, trace: Path, fault: Fault | None = None, at: int = 0) -> None:
    """From now on, the operations of this process below `folder` are counted, and that of number `at` is stopped."""
    number, *how = (fault.number, int(fault.stays), int(fault.reads)) if fault else (0, 0, 0)
    # Found through the library that is loaded already, whose functions libraries call.
    ctypes.CDLL(None).faults_arm(os.fsencode(folder), os.fsencode(trace), ctypes.c_long(at), number, *how)


def read_trace(path: Path) -> list[Operation]:
    if not path.exists():
        return []
    lines = (line.split("\t") for line in path.read_text(errors="replace").splitlines())
    return [Operation(int(number), name, file, detail, mark == "*") for number, name, file, detail, mark in lines]


def can_fail(fault: Fault, operation: Operation) -> bool:
    if operation.name.startswith("read") != fault.reads:
        return False
    return not (fault.number in (errno.ENOSPC, errno.EDQUOT) and operation.name in NEED_NO_SPACE)


def evenly(items: list, count: int, phase: float = 0.5) -> list:
    """`count` of the items, from each of as many equal parts one; all where `count` is 0 or there are fewer.

    phase: where in its part each is, 0 to 1.
    """
    if not 0 < count < len(items):
        return list(items)
    return [items[int((part + phase) * len(items) / count)] for part in range(count)]


def forget(trace: list[Operation], folder: Path, before: dict[str, int]) -> list[str]:
    """Cuts every file in `folder` to the length that was on the disk, after the operations of `trace`; returns their names.

    before: the lengths of the files that were there at the beginning, by relative path.
    """
    safe, unflushed = dict(before), set()
    for operation in trace:
        path, new = operation.path, operation.detail
        if operation.name in ("create", "open"):
            safe.setdefault(path, 0)
        elif operation.name in ("write", "truncate"):
            unflushed.add(path)
        elif operation.name == "fsync" and not operation.hit:
            safe[path] = int(new)
            unflushed.discard(path)
        elif operation.name == "unlink":
            safe.pop(path, None)
        elif operation.name == "rename" and not operation.hit:
            safe.pop(new, None)  # What is replaced is gone.
            safe = {_moved(name, path, new): size for name, size in safe.items()}
            unflushed = {_moved(name, path, new) for name in unflushed - {new}}
    cut = []
    for name in sorted(unflushed):
        file, size = folder / name, safe.get(name, 0)
        if file.is_file() and file.stat().st_size > size:
            os.truncate(file, size)
            cut.append(name)
    return cut


def _moved(name: str, old: str, new: str) -> str:
    return new + name[len(old) :] if name == old or name.startswith(old + "/") else name
