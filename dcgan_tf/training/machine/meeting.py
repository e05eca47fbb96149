"""How several workers agree before they train together. No TensorFlow here.

All workers run the same command. Before TensorFlow connects them (which, once begun, nothing can interrupt), they meet
at the chief's port: each says what it is about to train, or that it cannot; the chief compares and answers. So a mistake
on one of them ends all of them, each with one line. Only who knows the cluster's secret is heard, see `proof`.

Comparing one hash after connecting would be shorter, but could not do this: a worker with a mistake must not connect, the
others would wait for it without bound, and nobody could say which setting differs.
"""

import contextlib
import os
import socket
import time

from dcgan_tf.common.errors import LostWorker, UserError, printable
from dcgan_tf.common.threads import Threads
from dcgan_tf.training.machine.cluster import Cluster
from dcgan_tf.training.machine.proof import (
    MAX_LINE_BYTES,
    SECRET_VARIABLE,
    Exchange,
    Unproven,
    challenge_of,
    new_nonce,
    shared_key,
)
from dcgan_tf.training.machine.reception import Reception

JOIN_SECONDS = 300  # All workers have so long to come, as a cluster starts its pods one by one.
FAILED_SECONDS = 30  # They have so long once one of them has failed, and nothing will be trained.
_REPLY_SECONDS = 10  # Workers wait for the chief's answer so much longer than JOIN_SECONDS.
_GREETING_SECONDS = 10  # The chief greets at once; whoever does not greet is no chief.
_CONNECT_SECONDS = 5
_RETRY_SECONDS = 0.2


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
        _meet(cluster, settings, differences, JOIN_SECONDS)

    try:
        yield agree
    except Exception:
        if not met:
            with contextlib.suppress(UserError, LostWorker):  # The error that is raised already is the one to tell.
                _meet(cluster, None, differences, FAILED_SECONDS)
        raise


def _meet(cluster: Cluster, settings: dict | None, differences, seconds: float) -> None:
    """settings: None where this worker has failed."""
    deadline = time.monotonic() + seconds
    # Every worker listens, so that a port that is in use shows now: TensorFlow will need it.
    with _listen(cluster) as listener:
        if cluster.is_chief:
            verdict = _preside(cluster, settings, differences, listener, deadline)
        else:
            verdict = _attend(cluster, settings, deadline)
    if verdict:
        raise (LostWorker if verdict["lost"] else UserError)(printable(verdict["line"]))


def _listen(cluster: Cluster) -> socket.socket:
    port = int(cluster.addresses[cluster.index].rpartition(":")[2])
    for _ in range(20):
        try:
            return socket.create_server(("", port), backlog=1024)
        except OSError as error:
            problem = os.strerror(error.errno)
            time.sleep(0.5)  # A job that was just stopped may still hold the port.
    raise UserError(
        f"TF_CONFIG: port {port} of {cluster.describe(cluster.index)} cannot be used ({problem}): "
        "free it, or give another"
    )


def _preside(cluster, settings, differences, listener, deadline):
    """The chief's part: hears all workers, answers all of them. Returns its own verdict."""
    workers = range(1, cluster.size)
    with Reception(listener, shared_key(cluster), workers, _DOUBLE) as reception:
        while len(reception.stated) < len(workers) and time.monotonic() < deadline:
            reception.wait(deadline - time.monotonic())
            if None in reception.stated.values():
                deadline = min(deadline, time.monotonic() + FAILED_SECONDS)
        verdicts = _verdicts(cluster, {0: settings} | reception.stated, reception.unproven, differences)
        reception.reply(verdicts)
    return verdicts[0]


_DOUBLE = {
    "lost": False,
    "line": "TF_CONFIG: another process has the same task as this one: give every process a task of its own",
}
_SAME_FOR_ALL = f"the same version of dcgan-tf, the same cluster in TF_CONFIG and the same {SECRET_VARIABLE}"


def _verdicts(cluster, stated, unproven, differences) -> dict[int, dict | None]:
    """For each worker why it must not train; None where it may.

    stated: the settings of each worker that came, None where it has failed. unproven: who else may have come.
    """
    everyone = range(cluster.size)
    failed = [index for index in everyone if index in stated and stated[index] is None]
    missing = [index for index in everyone if index not in stated]
    if failed:
        line = f"{cluster.describe(failed[0])} could not start; its own message says why"
        return dict.fromkeys(everyone, {"lost": False, "line": line})
    strange = [index for index in missing if index in unproven]
    if strange:
        line = (
            f"{cluster.describe(strange[0])} is of another version, or does not know the secret: start all workers "
            f"again with {_SAME_FOR_ALL}"
        )
        return dict.fromkeys(everyone, {"lost": True, "line": line})
    if missing:
        line = (
            f"{cluster.describe(missing[0])} did not come within {JOIN_SECONDS} seconds: see what it says, "
            "and start all workers again"
        )
        return dict.fromkeys(everyone, {"lost": True, "line": line})
    others = {index: differences(stated[0], stated[index]) for index in everyone if stated[index] != stated[0]}
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


def _attend(cluster, settings, deadline):
    """Every other worker's part: tells the chief, and waits for its answer."""
    key, strange = shared_key(cluster), False
    while time.monotonic() < deadline:
        try:
            with _connect(cluster.addresses[0], deadline) as connection:
                challenge = challenge_of(_receive(connection, min(deadline, time.monotonic() + _GREETING_SECONDS)))
                exchange = Exchange(key, challenge, new_nonce(), cluster.index)
                connection.sendall(exchange.statement(settings))
                reply = _receive(connection, deadline + _REPLY_SECONDS)
                if reply:
                    return exchange.value_of_reply(reply)
        except Unproven:
            strange = True
        except (OSError, ValueError):  # The chief is not there yet, or its name means no host.
            pass
        time.sleep(_RETRY_SECONDS)
    line = f"{cluster.describe(0)} did not come within {JOIN_SECONDS} seconds: see what it says, and start all again"
    if strange:
        line = (
            f"{cluster.describe(0)} is of another version, does not know the secret, or is another program: start all "
            f"workers again with {_SAME_FOR_ALL}"
        )
    return {"lost": True, "line": line}


def _connect(address: str, deadline: float) -> socket.socket:
    """Raises OSError, or ValueError where there can be no such host."""
    host, _, port = address.rpartition(":")
    # In a thread of its own: looking up a name may take a minute, and Ctrl-C and SIGTERM would be kept waiting.
    coming = Threads(1).submit(socket.create_connection, (host.strip("[]"), int(port)), _CONNECT_SECONDS)
    return coming.result(max(deadline - time.monotonic(), 0))


def _receive(connection: socket.socket, deadline: float) -> bytes:
    """One line; empty where the other side ends the connection instead.

    Raises:
        Unproven: it is longer than any of the chief's.
        OSError: it did not come in time, or the connection is lost.
    """
    heard, part = bytearray(), b""
    while b"\n" not in part:
        if time.monotonic() > deadline:
            raise TimeoutError
        connection.settimeout(max(deadline - time.monotonic(), 0.001))  # 0 would mean not to wait at all.
        part = connection.recv(2**16)
        heard += part
        if not part:
            return b""
        if len(heard) > MAX_LINE_BYTES:
            raise Unproven
    return bytes(heard).partition(b"\n")[0]
