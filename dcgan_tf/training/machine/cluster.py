"""Several workers: what TF_CONFIG says of them, and how they agree before they train together. No TensorFlow here.

All workers run the same command. Before TensorFlow connects them (which, once begun, nothing can interrupt), they meet
at the chief's port: each says what it is about to train, or that it cannot; the chief compares and answers. So a mistake
on one of them ends all of them, each with one line.
"""

import contextlib
import json
import os
import re
import socket
import time
from dataclasses import dataclass

from dcgan_tf.common.errors import LostWorker, UserError, printable

JOIN_SECONDS = 300  # for all workers to come: a cluster starts its pods one by one
FAILED_SECONDS = 30  # the same, once it is clear that nothing will be trained
_REPLY_SECONDS = 10  # beyond JOIN_SECONDS, for the chief's answer
_MOST_BYTES = 2**20  # of a message
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


# ---------------------------------------------------------------------------------------------- the meeting


@contextlib.contextmanager
def meeting(cluster: Cluster, differences):
    """Yields `agree(settings)`, which returns when all workers have called it with equal settings.

    When the block raises instead, the other workers hear of it and end, too. Does nothing where there is one worker.

    settings: a dict for JSON. differences: of (the chief's settings, others'), a list of phrases for the user.

    Raises:
        UserError: here or on another worker, something is wrong or differs.
        LostWorker: not all workers came in time.
    """
    if cluster.size == 1:
        yield lambda settings: None
        return
    met = False

    def agree(settings: dict) -> None:
        nonlocal met
        met = True
        _meet(cluster, {"settings": settings}, differences, JOIN_SECONDS)

    try:
        yield agree
    except Exception:
        if not met:
            with contextlib.suppress(UserError, LostWorker):  # the first error is the one to tell
                _meet(cluster, {"failed": True}, differences, FAILED_SECONDS)
        raise


def _meet(cluster: Cluster, mine: dict, differences, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    with _listen(cluster) as listener:  # on every worker: TensorFlow is going to need that port
        if cluster.is_chief:
            verdict = _preside(cluster, mine, differences, listener, deadline)
        else:
            verdict = _attend(cluster, mine, deadline)
    if verdict:
        raise (LostWorker if verdict["lost"] else UserError)(verdict["line"])


def _listen(cluster: Cluster) -> socket.socket:
    port = int(cluster.addresses[cluster.index].rpartition(":")[2])
    for _ in range(20):
        try:
            return socket.create_server(("", port))
        except OSError as error:
            problem = error
            time.sleep(0.5)  # a job that was just stopped may still hold it
    raise UserError(
        f"TF_CONFIG: port {port} of {cluster.describe(cluster.index)} cannot be used ({problem.strerror}): "
        "free it, or give another"
    )


def _preside(cluster, mine, differences, listener, deadline):
    """The chief's part: hears all workers, answers all of them. Returns its own verdict."""
    said, lines = {0: mine}, {}
    while len(said) < cluster.size and time.monotonic() < deadline:
        listener.settimeout(max(deadline - time.monotonic(), 0.01))
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # nobody came, or who is no worker
            line = _Line(listener.accept()[0])
            message = line.receive(5)
            index = range(cluster.size).index(message["index"])
            said[index], lines[index] = message, line
            if "failed" in message:
                deadline = min(deadline, time.monotonic() + FAILED_SECONDS)
    verdicts = _verdicts(cluster, said, differences)
    for index, line in lines.items():
        with contextlib.suppress(OSError):
            line.send(verdicts[index])
    return verdicts[0]


def _verdicts(cluster, said, differences) -> dict[int, dict | None]:
    """For each worker why it must not train; None where it may."""
    everyone = range(cluster.size)
    failed = [index for index in everyone if "failed" in said.get(index, {})]
    missing = [index for index in everyone if index not in said]
    if failed:
        line = f"{cluster.describe(failed[0])} could not start; its own message says why"
        return dict.fromkeys(everyone, {"lost": False, "line": line})
    if missing:
        line = (
            f"{cluster.describe(missing[0])} did not come within {JOIN_SECONDS} seconds: see what it says, "
            "and start all workers again"
        )
        return dict.fromkeys(everyone, {"lost": True, "line": line})
    others = {
        index: differences(said[0]["settings"], said[index]["settings"])
        for index in everyone
        if said[index]["settings"] != said[0]["settings"]
    }
    if not others:
        return dict.fromkeys(everyone)
    line = f"{cluster.describe(min(others))} was started with other settings; its own message says which"
    verdicts = dict.fromkeys(everyone, {"lost": False, "line": line})
    for index, phrases in others.items():
        line = (
            f"{cluster.describe(index)} here and {cluster.describe(0)} there were started with other settings: "
            f"{'; '.join(phrases)}: give all workers the same command and the same files"
        )
        verdicts[index] = {"lost": False, "line": line}
    return verdicts


def _attend(cluster, mine, deadline):
    """Every other worker's part: tells the chief, and waits for its answer."""
    host, _, port = cluster.addresses[0].rpartition(":")
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):  # the chief is not there yet, or went away again
            line = _Line(socket.create_connection((host.strip("[]"), int(port)), timeout=5))
            line.send(mine | {"index": cluster.index})
            return line.receive(max(deadline - time.monotonic(), 0) + _REPLY_SECONDS)
        time.sleep(0.2)
    line = f"{cluster.describe(0)} did not come within {JOIN_SECONDS} seconds: see what it says, and start all again"
    return {"lost": True, "line": line}


class _Line:
    """A connection on which each side says one JSON value."""

    def __init__(self, connection: socket.socket):
        self._connection = connection

    def send(self, value) -> None:
        self._connection.sendall(json.dumps(value).encode() + b"\n")

    def receive(self, seconds: float):
        """Raises OSError, or ValueError where there is no JSON."""
        self._connection.settimeout(seconds)
        with self._connection.makefile("rb") as file:
            return json.loads(file.readline(_MOST_BYTES))
