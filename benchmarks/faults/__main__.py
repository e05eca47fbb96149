"""Stops the program at its Nth file operation, fails that operation, or flips a bit in a file, and checks what is promised.

    python -m benchmarks.faults                                            every kind of fault, half an hour
    python -m benchmarks.faults --trials 0                                 every operation, some hours
    python -m benchmarks.faults --only train --faults EIO --at 37 --keep look       one of them, to look at

A command that was killed is given again and must end as if it had never been stopped: the same weights, the same files, the
same numbers. A command whose disk fails must say so in one line with exit code 2, leave nothing half-written, and end the
same when it is given again. A flipped bit must be refused, or change nothing, or be told. Ends with exit code 1 where a
promise is broken, and prints the command that shows it.
"""

import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from benchmarks.common import asked, finish
from benchmarks.faults import flips, forks, injection
from benchmarks.faults.injection import FAULTS, evenly
from benchmarks.faults.programs import PROGRAMS
from benchmarks.faults.stage import make_cases, make_flipped
from benchmarks.faults.trials import Outcome, in_lanes, try_fault, watched
from dcgan_tf.config.flags import Shown

NO_COMPILER = "skipped: there is no C compiler (cc), which makes the library that injects faults"


@dataclass(frozen=True)
class Config:
    only: tuple[Literal[*PROGRAMS, "flips"], ...] = (*PROGRAMS, "flips")
    """What to try."""
    faults: tuple[Literal[*FAULTS], ...] = tuple(FAULTS)
    trials: int = 1
    """So many for each program and fault, and for each reader and kind of file, evenly spread; 0: at every operation, and a
    bit in every file."""
    at: Annotated[int | None, Shown("OPERATION")] = None
    """At this operation alone."""
    seed: int = 0
    """Decides which bits are flipped."""
    lanes: int = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    """So many at once."""
    keep: str | None = None
    """The folder to work in, which stays. Default: a temporary one."""
    json: str | None = None
    """The file for the results."""


def main(config: Config) -> int:
    # Imported once, before anything is forked; it must not be used in this process.
    import dcgan_tf.evaluate.command
    import dcgan_tf.export.command
    import dcgan_tf.training.command  # noqa: F401

    base = Path(config.keep or tempfile.mkdtemp(prefix="faults")).resolve()
    base.mkdir(parents=True, exist_ok=True)
    files = [base / f"lane{lane}.jsonl" for lane in range(config.lanes)]
    for file in files:
        file.unlink(missing_ok=True)
    jobs = []
    for case in make_cases([name for name in config.only if name in PROGRAMS], base):
        for number, name in enumerate(config.faults):
            fault, phase = FAULTS[name], (number + 0.5) / len(config.faults)
            if fault.forgets and not case.program.flushes:
                continue
            able = [operation.number for operation in watched(case) if injection.can_fail(fault, operation)]
            chosen = evenly(able, config.trials, phase) if config.at is None else [config.at]
            jobs += [lambda place, case=case, fault=fault, at=at: try_fault(case, fault, at, place) for at in chosen]
    if "flips" in config.only:
        targets = flips.targets(make_flipped(base), config.trials, config.seed)
        targets = targets if config.at is None else [target for target in targets if target.number == config.at]
        jobs += [lambda place, target=target: flips.try_flip(target, place) for target in targets]
    print(f"{len(jobs)} trials in {base}", flush=True)
    in_lanes(jobs, config.lanes, base, lambda outcome: _told(outcome, config))
    outcomes = [Outcome(**json.loads(line)) for file in files if file.exists() for line in file.open()]
    broken = [outcome for outcome in outcomes if outcome.broken]
    results = {"benchmark": "faults", "trials": len(jobs), "outcomes": [asdict(outcome) for outcome in outcomes]}
    finish(results, config.json, table_rows(outcomes) or [{"nothing": "was tried"}])
    print(f"\n{len(outcomes)} of {len(jobs)} trials, {len(broken)} broken promises")
    for outcome in broken:
        print(_line(outcome, config))
    if not config.keep:
        shutil.rmtree(base, ignore_errors=True)
    return 1 if broken or len(outcomes) < len(jobs) else 0


def _told(outcome: Outcome, config: Config) -> str:
    """The outcome for the file of results; prints a broken promise at once."""
    if outcome.broken:
        print(_line(outcome, config), flush=True)
    return json.dumps(asdict(outcome))


def _line(outcome: Outcome, config: Config) -> str:
    again = f"--only {outcome.program} --faults {outcome.fault}"
    if outcome.fault not in FAULTS:
        again = f"--only flips --trials {config.trials} --seed {config.seed}"
    return (
        f"broken: {outcome.program}, {outcome.fault} at {outcome.at} ({outcome.what}): {outcome.broken}\n"
        f"  python -m benchmarks.faults {again} --at {outcome.at} --keep look"
    )


def table_rows(outcomes: list[Outcome]) -> list[dict[str, str]]:
    """A row for each program and fault: how many were tried, and what came out how often."""
    verdicts = sorted({outcome.verdict for outcome in outcomes}, key=lambda verdict: (verdict == "broken", verdict))
    counts = Counter((outcome.program, outcome.fault, outcome.verdict) for outcome in outcomes)
    return [
        {"program": program, "fault": fault, "tried": str(sum(counts[program, fault, one] for one in verdicts))}
        | {verdict: str(counts[program, fault, verdict] or "") for verdict in verdicts}
        for program, fault in dict.fromkeys((program, fault) for program, fault, _ in counts)
    ]


def start() -> int:
    """Starts this program anew with the shim before the C library, then runs it."""
    config = asked(Config, __doc__)
    if injection.compiler() is None or not sys.platform.startswith("linux"):
        print(NO_COMPILER)
        return 0
    if "faults" not in os.environ.get("LD_PRELOAD", ""):
        library = injection.build(Path(tempfile.mkdtemp(prefix="faults-shim")))
        os.environ["LD_PRELOAD"] = f"{library} {os.environ.get('LD_PRELOAD', '')}".strip()
        os.environ["TF_NUM_INTRAOP_THREADS"] = "1"  # There are as many lanes as processors.
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.faults", *sys.argv[1:]])
    return main(config)


if __name__ == "__main__":
    forks.top(start)
