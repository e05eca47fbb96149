"""What trials begin with, and how they would end without a fault; made once."""

import hashlib
from pathlib import Path

from benchmarks.faults import forks, promises
from benchmarks.faults.programs import EVERY_KIND, PROGRAMS, Program, copy, furnish
from benchmarks.faults.trials import Case, Ended, command


class Failed(Exception):
    """A command failed without any fault; the message is what it wrote."""


def make_cases(names: list[str], base: Path) -> list[Case]:
    """The programs of these names, each run once, with all operations counted."""
    return [_case(PROGRAMS[name], base) for name in names]


def _case(program: Program, base: Path) -> Case:
    before, after = _before(program.first, base), base / "after" / program.name
    copy(before, after)
    ended = _sound(program.words, after, base)
    made = after / program.makes
    if wrong := promises.whole(made):
        raise Failed(f"{program.name}: {wrong}")
    if program.name == "rollback" and not (made / "rollbacks.json").exists():
        print("note: on this machine the run of rollback does not collapse, and is tried as a plain training")
    return Case(program, before, ended, promises.contents(made))


def make_flipped(base: Path) -> Path:
    """A folder that holds every kind of file: a run that has gone back, and can go on; a prepared set; exports."""
    return _before(EVERY_KIND, base)


def _before(first: tuple[str, ...], base: Path) -> Path:
    """A folder in which the commands `first` have been run."""
    folder = base / "before" / hashlib.sha256(" ".join(first).encode()).hexdigest()[:8]
    if not folder.exists():
        if first:
            copy(_before(first[:-1], base), folder)
            _sound(first[-1], folder, base)
        elif forks.exit_code(forks.fork(lambda: furnish(folder))):
            raise Failed("the tiny nets cannot be made")
    return folder


def _sound(words: str, folder: Path, base: Path) -> Ended:
    ended = command(words, folder, base / "notes")
    if ended.code != 0:
        raise Failed(f"{words}: exit code {ended.code}: {ended.stderr}")
    return ended
