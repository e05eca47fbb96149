"""The workers of a run: what TF_CONFIG says of them. No TensorFlow here."""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass

from dcgan_tf.common.errors import LostWorker, UserError, printable

_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'

_MAX_SHOWN = 80  # characters of a foreign text in a message


@dataclass(frozen=True)
class Cluster:
    """The workers of a run; by default this process alone.

    addresses: host:port of each, the chief first. names: such as "worker 1", in the same order. index: of this process.
    """

    addresses: tuple[str, ...] = ("",)
    names: tuple[str, ...] = ("",)
    index: int = 0

    @property
    def size(self) -> int:
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this is the one worker that writes and prints."""
        return self.index == 0

    def describe(self, index: int) -> str:
        return f"{self.names[index]} ({self.addresses[index]})"

    def lost(self, error: Exception, run_dir: str) -> LostWorker:
        """What to say of an error of TensorFlow's, whose message names a task, after which no step can be made."""
        tasks = [f"{job} {task}" for job, task in re.findall(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", str(error))]
        indices = [self._index_of(task) for task in tasks]
        known = [index for index in indices if index not in (None, self.index)]
        return LostWorker(
            f"{self.describe(known[0]) if known else 'another worker'} was lost: start all workers with the same command "
            f"again, and the run goes on from {run_dir}"
        )

    def _index_of(self, task: str) -> int | None:
        task = "chief" if task == "chief 0" else task
        return self.names.index(task) if task in self.names else None


def from_environment() -> Cluster:
    """The cluster that TF_CONFIG describes, as Kubernetes training operators set it; without it, or with one worker in
    it, this process alone.

    Raises:
        UserError: TF_CONFIG is not what TensorFlow takes, or describes what this program has no use for.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return Cluster()
    try:
        config = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise UserError(f"TF_CONFIG: is not JSON (it is nested too deeply): set it like {_EXAMPLE}") from None
    except ValueError as error:
        raise UserError(f"TF_CONFIG: is not JSON ({printable(error)}): set it like {_EXAMPLE}") from None
    config = _checked(config, dict, "is not an object")
    jobs = _checked(config.get("cluster", {}), dict, '"cluster" is not an object')
    if not jobs:
        return Cluster()
    unknown = sorted(set(jobs) - {"chief", "worker"})
    if unknown:
        raise UserError(
            f"TF_CONFIG: has tasks of type {_shown(unknown[0])}: only chief and worker take part in training; "
            "leave the others out"
        )
    names, addresses = [], {}  # A dict keeps the order, and finds doubles at once however many there are.
    for job in ("chief", "worker"):
        for number, address in enumerate(_checked(jobs.get(job, []), list, f'"{job}" is not a list of addresses')):
            if _address(address) in addresses:
                raise UserError(f"TF_CONFIG: names {address} twice: give every worker an address of its own")
            names.append("chief" if job == "chief" else f"worker {number}")
            addresses[address] = None
    if names.count("chief") > 1:
        raise UserError("TF_CONFIG: has more than one chief: leave one of them and make workers of the others")
    return Cluster(tuple(addresses), tuple(names), _own_index(config, names)) if len(names) > 1 else Cluster()


def _object(pairs: list[tuple]) -> dict:
    """Of a name that is there twice, JSON's readers take the one or the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        ((double, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{_shown(double)} is there twice")
    return found


def _own_index(config: dict, names: list[str]) -> int:
    task = _checked(config.get("task"), dict, 'has no "task", which says which of the workers this one is')
    kind, number = task.get("type"), task.get("index")
    if kind not in ("chief", "worker"):
        raise UserError(f'TF_CONFIG: "task" is of type {_shown(kind)}: must be chief or worker')
    number = _shown(number)
    name = "chief" if (kind, number) == ("chief", "0") else f"{kind} {number}"
    if name not in names:
        known = ", ".join(names) if len(names) < 10 else f"{names[0]} to {names[-1]}"
        raise UserError(f'TF_CONFIG: "task" is {name}, but "cluster" has {known}: name one of them')
    return names.index(name)


# A name, a number, or one of IPv6 in brackets; a port without zeros before it, so that one address has one form.
_ADDRESS = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,4})")


def _address(address) -> str:
    match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if not match or int(match[2]) >= 2**16:
        quoted = json.dumps(address[:_MAX_SHOWN]) if isinstance(address, str) else _shown(address)
        raise UserError(f"TF_CONFIG: {printable(quoted)} is not an address: give host:port, like host0:2222")
    return address


def _shown(value) -> str:
    """A value of JSON, however long it is and whatever a terminal would do of it."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    text = value if isinstance(value, str) else json.dumps(value)
    return printable(text[:_MAX_SHOWN]) + ("..." if len(text) > _MAX_SHOWN else "")


def _checked(value, kind: type, otherwise: str):
    if not isinstance(value, kind):
        raise UserError(f"TF_CONFIG: {otherwise}: set it like {_EXAMPLE}")
    return value
