"""The workers of a run: what TF_CONFIG says of them. No TensorFlow here."""

import json
import os
import re
from dataclasses import dataclass

from dcgan_tf.common.errors import LostWorker, UserError, printable

_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'


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
        config = json.loads(text)
    except ValueError as error:
        raise UserError(f"TF_CONFIG: is not JSON ({error}): set it like {_EXAMPLE}") from None
    config = _checked(config, dict, "is not an object")
    jobs = _checked(config.get("cluster", {}), dict, '"cluster" is not an object')
    if not jobs:
        return Cluster()
    unknown = sorted(set(jobs) - {"chief", "worker"})
    if unknown:
        raise UserError(
            f"TF_CONFIG: has tasks of type {printable(unknown[0])}: only chief and worker take part in training; "
            "leave the others out"
        )
    names, addresses = [], []
    for job in ("chief", "worker"):
        for number, address in enumerate(_checked(jobs.get(job, []), list, f'"{job}" is not a list of addresses')):
            names.append("chief" if job == "chief" else f"worker {number}")
            addresses.append(_address(address))
    if names.count("chief") > 1:
        raise UserError("TF_CONFIG: has more than one chief: leave one of them and make workers of the others")
    double = next((address for address in addresses if addresses.count(address) > 1), None)
    if double:
        raise UserError(f"TF_CONFIG: names {double} twice: give every worker an address of its own")
    return Cluster(tuple(addresses), tuple(names), _own_index(config, names)) if len(names) > 1 else Cluster()


def _own_index(config: dict, names: list[str]) -> int:
    task = _checked(config.get("task"), dict, 'has no "task", which says which of the workers this one is')
    kind, number = task.get("type"), task.get("index")
    if kind not in ("chief", "worker"):
        raise UserError(f'TF_CONFIG: "task" is of type {printable(kind)}: must be chief or worker')
    name = "chief" if (kind, str(number)) == ("chief", "0") else f"{kind} {number}"
    if name not in names:
        raise UserError(
            f'TF_CONFIG: "task" is {printable(name)}, but "cluster" has {", ".join(names)}: name one of them'
        )
    return names.index(name)


def _address(address) -> str:
    match = re.fullmatch(r"[^\s/]+:(\d{1,5})", address) if isinstance(address, str) else None
    if not match or not 0 < int(match[1]) < 2**16:
        raise UserError(
            f"TF_CONFIG: {printable(json.dumps(address))} is not an address: give host:port, like host0:2222"
        )
    return address


def _checked(value, kind: type, otherwise: str):
    if not isinstance(value, kind):
        raise UserError(f"TF_CONFIG: {otherwise}: set it like {_EXAMPLE}")
    return value
