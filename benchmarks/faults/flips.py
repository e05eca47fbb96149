"""One bit of one file is flipped, as a bad disk or a bad copy does it, and a command reads the file."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import promises
from benchmarks.faults.programs import READERS, Program, copy
from benchmarks.faults.trials import Outcome, command

# These only report: a run may go on from other ones, and show it.
_REPORTS = r"(^|/)(log\.jsonl|losses\.png|training\.gif|picture/.*|tensorboard/.*)$"
_TOLD = re.compile(r"^(note|warning)|cannot be read|damaged|not what was|made again", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """A bit and who reads it. before: the folder that is copied. name: of the file, a pattern for files of the cache."""

    number: int
    before: Path
    reader: Program
    name: str
    seed: int


def targets(before: Path, count: int, seed: int) -> list[Target]:
    """`count` for each reader and kind of file, one for each file where that is 0."""
    names = [path.relative_to(before).as_posix() for path in before.rglob("*") if path.is_file()]
    # Of files that differ in a number, the newest, which is read first, comes first.
    names.sort(
        key=lambda name: [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
    )
    names = names[::-1]
    names = [name for name in names if not name.endswith(".lock")] + ["cache/*.npy", "cache/*.json"]
    chosen = []
    for reader, pattern in READERS.items():
        kinds: dict[str, list[str]] = {}
        for name in names:
            if re.search(f"^({pattern})", name) and (not name.startswith("cache/") or "*" in name):
                kinds.setdefault(re.sub(r"\d+", "N", name), []).append(name)
        for files in kinds.values():
            wanted = [files[at % len(files)] for at in range(count or len(files))]
            chosen += [(reader, name) for name in wanted]
    return [Target(at, before, reader, name, seed + at) for at, (reader, name) in enumerate(chosen, 1)]


def flip(path: Path, seed: int) -> str:
    """Flips a bit of a file; says which."""
    content, choice = bytearray(path.read_bytes()), random.Random(seed)
    if not content:
        return "an empty file"
    place, bit = choice.randrange(len(content)), choice.randrange(8)
    content[place] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {place:,} of {len(content):,}"


def try_flip(target: Target, place: Path) -> Outcome:
    """place: a folder for this trial; it is left as it is, and what a reader usually does is kept there for the next."""
    folder, reader = place / "here", target.reader
    usual, cache = _usual(target.before, reader, place)
    unread = rf"{_REPORTS}|^{_itself(target.name.removeprefix(f'{reader.makes}/'))}$"
    expected = promises.contents(usual / reader.makes, unread)
    copy(target.before, folder)
    copy(cache, folder / "cache")
    # Of the cache, what this reader has filled: `before` has entries of the folder where it was made.
    path = next(path for path in folder.glob(target.name) if "*" not in target.name or not _is_of(target.before, path))
    what = f"{flip(path, target.seed)} of {target.name}"
    ended = command(reader.words, folder, place / "first")

    def outcome(verdict: str, broken: str | None = None) -> Outcome:
        return Outcome(reader.name, "flip", target.number, what, "broken" if broken else verdict, broken)

    stderr, stdout = ((usual / name).read_text() for name in ("stderr", "stdout"))
    new = "\n".join(line for line in (ended.stdout + ended.stderr).splitlines() if line not in stdout + stderr)
    is_told = bool(_TOLD.search(new))
    if (broken := promises.printed(ended.code, ended.stderr, stderr)) and not (ended.code == 0 and is_told):
        return outcome("", broken)
    if ended.code:
        return outcome("refused")
    other = promises.difference(expected, folder / reader.makes, unread)
    if other is None:
        return outcome("same, and told" if is_told else "same")
    # What is lost for good is no mended file, whatever is said of it.
    is_lost = other.startswith("missing")
    return (
        outcome("other, and told")
        if is_told and not is_lost
        else outcome("", f"{'told, but' if is_told else 'silently'} {other}")
    )


def _is_of(before: Path, path: Path) -> bool:
    return (before / path.parent.name / path.name).exists()


def _itself(name: str) -> str:
    """A pattern of the flipped file, which may stay as it is where it is not needed; of a checkpoint, with its other file."""
    return re.sub(r"variables\\\.[^/]*$", r"variables\\..*", re.escape(name))


def _usual(before: Path, reader: Program, place: Path) -> tuple[Path, Path]:
    """(what the reader leaves where no bit is flipped, the cache that it fills), made once in each place.

    The names in the cache depend on the folder that the images are in, so it runs where trials will.
    """
    usual, folder = place / "usual" / reader.name, place / "here"
    if not usual.exists():
        copy(before, folder)
        ended = command(reader.words, folder, folder)
        if ended.code != 0:
            raise RuntimeError(f"{reader.words}: {ended.stderr}")
        usual.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(usual)
    return usual, usual / "cache"
