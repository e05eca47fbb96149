"""One fault in one command, and what came of it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import forks, promises
from benchmarks.faults.injection import KILL, Fault, Operation, arm, forget, read_trace
from benchmarks.faults.programs import Program, copy, enter

MAX_SECONDS = 120  # A command that takes longer hangs.


@dataclass(frozen=True)
class Ended:
    """A command that has ended. code: minus the signal that killed it; None where it hung."""

    code: int | None
    stdout: str
    stderr: str
    trace: list[Operation]


@dataclass(frozen=True)
class Case:
    """A program to try, as it goes without a fault.

    before    the folder that it begins with
    ended     how it ends, with the trace of its operations
    expected  what it leaves: as of `promises.contents`
    """

    program: Program
    before: Path
    ended: Ended
    expected: dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """What came of a trial. at: the operation, or the flipped bit. what: of it, in words. broken: why a promise is broken."""

    program: str
    fault: str
    at: int
    what: str
    verdict: str
    broken: str | None = None


def command(words: str, folder: Path, notes: Path, fault: Fault | None = None, at: int = 0) -> Ended:
    """Runs a command in `folder`, in a process of its own. notes: a folder for what it prints, and for the trace."""
    notes.mkdir(parents=True, exist_ok=True)
    out, err, trace = (notes / name for name in ("stdout", "stderr", "trace"))
    trace.unlink(missing_ok=True)

    def work() -> int:
        forks.redirect(out, err)
        enter(folder)
        from dcgan_tf import cli

        arm(folder, trace, fault, at)
        return cli.main(words.split())

    code = forks.exit_code(forks.fork(work), MAX_SECONDS)
    stdout, stderr = (path.read_text(errors="replace") for path in (out, err))
    return Ended(code, stdout, stderr, read_trace(trace))


def watched(case: Case) -> list[Operation]:
    """The operations of a program without a fault, but those on temporary files."""
    return [operation for operation in case.ended.trace if not operation.path.startswith("tmp/")]


def try_fault(case: Case, fault: Fault, at: int, place: Path) -> Outcome:
    """place: a folder for this trial; it is left as it is."""
    folder, program = place / "here", case.program
    copy(case.before, folder)
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    first = command(program.words, folder, place / "first", fault, at)
    hit = next((operation for operation in first.trace if operation.hit), None)

    def outcome(verdict: str, broken: str | None = None) -> Outcome:
        return Outcome(program.name, fault.name, at, str(hit or ""), "broken" if broken else verdict, broken)

    if hit is None:
        return outcome("not reached", _wrong_end(case, first, folder))
    if fault.forgets:
        forget(first.trace, folder, sizes)
    made = folder / program.makes
    if fault.number == KILL:
        if broken := promises.whole(made):
            return outcome("", f"after the kill: {broken}")
        return outcome("same end", _wrong_end(case, command(program.words, folder, place / "again"), folder, "again: "))
    broken = promises.printed(first.code, first.stderr, case.ended.stderr) or promises.whole(made)
    if broken or first.code == 1:
        return outcome("", broken or f"exit code 1: {first.stderr}")
    usual = case.ended.stdout.splitlines()
    is_told = fault.reads and any("note:" in line and line not in usual for line in first.stdout.splitlines())
    if first.code == 0 and not is_told:
        return outcome("unaffected", _wrong_end(case, first, folder))
    if not fault.stays and (left := leftovers(made)):
        return outcome("", f"left behind: {', '.join(left)}")
    if is_told:  # It went on without a picture that could not be read; the next time it can be.
        shutil.rmtree(made)
    again = command(program.words, folder, place / "again")
    verdict = f"{'refused' if first.code else 'told'}, then same end"
    return outcome(verdict, _wrong_end(case, again, folder, "again: "))


def leftovers(folder: Path) -> list[str]:
    return [str(path.name) for path in folder.rglob(".*") if promises.is_leftover(path.name)]


def _wrong_end(case: Case, ended: Ended, folder: Path, when: str = "") -> str | None:
    """How a command that should end as without a fault did not."""
    wrong = promises.printed(ended.code, ended.stderr, case.ended.stderr)
    # Where all was done already, a command may say that it does not do it again.
    if not wrong and ended.code and not (case.program.refuses_again and when):
        wrong = f"exit code {ended.code}: {ended.stderr.strip().splitlines()[-1]}"
    wrong = wrong or promises.difference(case.expected, folder / case.program.makes)
    return wrong and when + wrong


def in_lanes(jobs: list[Callable[[Path], object]], lanes: int, base: Path, show: Callable[[object], str]) -> None:
    """Does jobs in several processes at once. Each job gets its lane's folder; what `show` makes of its result is appended
    to the file lane<N>.jsonl in `base`, a line each."""
    running = []
    for lane in range(lanes):
        running.append(forks.fork(lambda lane=lane: _lane(jobs[lane::lanes], base, lane, show)))
    for pid in running:
        forks.exit_code(pid)


def _lane(jobs, base: Path, lane: int, show) -> int:
    for job in jobs:
        line = show(job(base / f"lane{lane}"))
        file = (base / f"lane{lane}.jsonl").open("a")
        file.write(line + "\n")
        file.close()
    return 0
