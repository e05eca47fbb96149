"""How several workers agree before they train together. No TensorFlow here.

All workers run the same command. Before TensorFlow connects them (which, once begun, nothing can interrupt), they meet
at the chief's port: each says what it is about to train, or that it cannot; the chief compares and answers. So a mistake
on one of them ends all of them, each with one line.

Comparing one hash after connecting would be shorter, but could not do this: a worker with a mistake must not connect, the
others would wait for it without bound, and nobody could say which setting differs.
"""

import contextlib
import json
import socket
import time

from dcgan_tf.common.errors import LostWorker, UserError
from dcgan_tf.training.machine.cluster import Cluster

JOIN_SECONDS = 300  # All workers have so long to come, as a cluster starts its pods one by one.
FAILED_SECONDS = 30  # They have so long once one of them has failed, and nothing will be trained.
_REPLY_SECONDS = 10  # Workers wait for the chief's answer so much longer than JOIN_SECONDS.
_MAX_MESSAGE_BYTES = 2**20


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
            with contextlib.suppress(UserError, LostWorker):  # The error that is raised already is the one to tell.
                _meet(cluster, {"failed": True}, differences, FAILED_SECONDS)
        raise


def _meet(cluster: Cluster, mine: dict, differences, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    with _listen(
        cluster
    ) as listener:  # Every worker listens, so that a port that is in use shows now: TensorFlow will need it.
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
            time.sleep(0.5)  # A job that was just stopped may still hold the port.
    raise UserError(
        f"TF_CONFIG: port {port} of {cluster.describe(cluster.index)} cannot be used ({problem.strerror}): "
        "free it, or give another"
    )


def _preside(cluster, mine, differences, listener, deadline):
    """The chief's part: hears all workers, answers all of them. Returns its own verdict."""
    said, lines = {0: mine}, {}
    while len(said) < cluster.size and time.monotonic() < deadline:
        listener.settimeout(max(deadline - time.monotonic(), 0.01))
        with contextlib.suppress(
            OSError, ValueError, LookupError, TypeError
        ):  # Nobody came, or somebody who is no worker.
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
        with contextlib.suppress(OSError, ValueError):  # The chief is not there yet, or went away again.
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
            return json.loads(file.readline(_MAX_MESSAGE_BYTES))
