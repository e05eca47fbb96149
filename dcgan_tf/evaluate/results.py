"""evaluation.json: the numbers of this call and of others, each with what made them. It grows epoch by epoch."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.common.reading import checksum, read_json
from dcgan_tf.config.ranges import Range
from dcgan_tf.config.typed import typed

# A larger number than any measure gives could not be drawn.
_Number = Annotated[float, Range("between -1e30 and 1e30", lambda value: abs(value) < 1e30)]
Numbers = dict[str, _Number | None]


@dataclass(frozen=True)
class Measured:
    """The numbers of one measure.

    protocol             the facts that have to be equal for two numbers to compare
    real                 of real images
    epochs               of each generator; of several seeds, the mean
    standard_deviations  of each generator, over the seeds (n - 1); empty where there was one seed
    """

    protocol: dict[str, int | str | None]
    real: Numbers
    epochs: dict[str, Numbers]
    standard_deviations: dict[str, Numbers] = field(default_factory=dict)


@dataclass(frozen=True)
class Images:
    """A set of real images. left_out: how many of the held-out ones are also among the training images."""

    name: str
    images: int
    image_shape: tuple[int, ...]
    fingerprint: str
    left_out: int = 0


@dataclass(frozen=True)
class GeneratorFile:
    file: str
    checksum: str


@dataclass(frozen=True)
class Call:
    """date: with time and zone. command: as it can be given again."""

    date: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured of generators of one source in one way, by one call or several.

    The names of generators are their epochs, where they have one. features is the name of the newest feature net.
    """

    source: str | None = None
    data: Images | None = None
    held_out: Images | None = None
    features: str | None = None
    seed: int | None = None
    seeds: int = 1
    images: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    generators: dict[str, GeneratorFile] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    measures: dict[str, Measured]


@dataclass(frozen=True)
class _Content:
    """What is read of an evaluation.json beside the newest result."""

    earlier: tuple[Result, ...] = ()


class Evaluation:
    """The content of an evaluation.json: the newest result, and below "earlier" those of calls that do not compare.

        {"source": ..., "measures": {"swd": {"protocol": {...}, "real": {"64": 2.7, ...}, "epochs": {"7": {...}}}},
         "earlier": [{"source": ..., "measures": ...}, ...]}

    A call adds to the result that it compares with: same source, images, seeds, versions and generators' files, and equal
    protocols of the measures that both have. That result becomes the newest.
    """

    def __init__(self, path, about: Result, protocols: dict[str, dict]):
        """path: the file; what is in it is kept. about: the call, without numbers. protocols: of its measures, by name.

        Raises:
            UserError: there is another file of that name.
        """
        self._path, self._others = Path(path), _read(path)
        found = next((old for old in self._others if _compares(old, about, protocols)), None)
        self.result = about
        if found:
            self._others.remove(found)
            again = {call.command for call in about.calls}
            calls = *(call for call in found.calls if call.command not in again), *about.calls
            generators = found.generators | about.generators
            features = about.features or found.features
            self.result = replace(
                about, features=features, generators=generators, calls=calls, measures=dict(found.measures)
            )

    def begin(self, name: str, protocol: dict, real: Callable[[], dict]) -> None:
        """Prepares for numbers of a measure. real: returns those of real images; called only if they are not known."""
        if name in self.result.measures:
            return
        known = (old.measures[name] for old in self._others if name in old.measures)
        same = next((old.real for old in known if old.protocol == protocol), None)
        self.result.measures[name] = Measured(protocol, real() if same is None else same, {})

    def add(self, name: str, epoch: str, numbers: Numbers, deviations: Numbers | None = None) -> None:
        """deviations: the standard deviations over the seeds, of which numbers are the mean."""
        measured = self.result.measures[name]
        measured.epochs[epoch] = numbers
        if deviations is not None:
            measured.standard_deviations[epoch] = deviations

    def leave_out(self, images: int) -> None:
        """Says how many held-out images were also among the training images."""
        self.result = replace(self.result, held_out=replace(self.result.held_out, left_out=images))

    def write(self) -> None:
        content = _plain(self.result)
        if self._others:
            content |= {"earlier": [_plain(old) for old in self._others]}
        with whole_file(self._path) as beside:
            # Not write_json: a NaN among the numbers must raise, not be written as invalid JSON.
            beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def call_now(command: str) -> Call:
    return Call(datetime.now().astimezone().isoformat(timespec="seconds"), command)


def generator_file(path: Path) -> GeneratorFile:
    """Its name and checksum; of a folder, a SavedModel, that of all files in it."""
    if not path.is_dir():
        return GeneratorFile(path.name, checksum(path))
    sums = [f"{part.relative_to(path)} {checksum(part)}" for part in sorted(path.rglob("*")) if part.is_file()]
    return GeneratorFile(path.name, _digest("\n".join(sums)))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _read(path) -> list[Result]:
    """The results in a file, the newest first; [] where there is none."""
    try:
        value = read_json(path)
        return [typed(Result, value, "it"), *typed(_Content, value, "it").earlier]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise UserError(
            f"{printable(path)}: is no evaluation that can be added to: delete it, or give another --out"
        ) from error


def _compares(old: Result, new: Result, protocols: dict[str, dict]) -> bool:
    """Whether the numbers of a call belong to a result that is there."""

    def way(result: Result) -> tuple:
        sets = (images and images.fingerprint for images in (result.data, result.held_out))
        return (result.source, *sets, result.seed, result.seeds, result.images, result.versions)

    def agree(a: dict, b: dict) -> bool:
        return all(a[name] == b[name] for name in a.keys() & b.keys())

    return (
        way(old) == way(new)
        and agree(old.generators, new.generators)
        and agree({name: measured.protocol for name, measured in old.measures.items()}, protocols)
    )


def _plain(result: Result) -> dict:
    """Plain values for JSON."""
    value = asdict(result)
    for measured in value["measures"].values():
        if not measured["standard_deviations"]:
            del measured["standard_deviations"]
    return value
