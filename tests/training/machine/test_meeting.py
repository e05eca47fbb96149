"""Workers that meet, and strangers at their ports. All in one process: nothing of it is TensorFlow's."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import helpers

from dcgan_tf.common.errors import LostWorker, UserError
from dcgan_tf.runs.settings import differences
from dcgan_tf.training.machine import meeting, proof, reception
from dcgan_tf.training.machine.cluster import Cluster

SAME_FOR_ALL = "the same version of dcgan-tf, the same cluster in TF_CONFIG and the same DCGAN_TF_CLUSTER_SECRET"
# What may come to a port that is open to a network; a worker of before there was a secret says the last one.
STRANGE_LINES = [
    b"GET / HTTP/1.1\r\nHost: chief\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\n\x00", b"\x1b[2J\n", b"\xff\xfe\n", b"\0\n", b"[]\n",
    b"null\n", b"NaN\n", b"[" * 100_000 + b"\n", b'{"a":' * 40_000 + b"\n", b"9" * 5000 + b"\n", b"x" * (proof.MAX_LINE_BYTES + 1),
    b'{"index": true}\n', b'{"index": 1.0}\n', b'{"index": [1]}\n', b'{"index": 1180591620717411303424}\n', b'{"index": -1}\n',
    b'{"index": 0, "failed": true}\n', b'{"index": 1, "failed": true}\n', b'{"index": 1, "settings": 7}\n',
    b'{"index": 1, "nonce": 1, "body": [], "proof": {}}\n', b'{"index": 1, "nonce": "\\ud800", "body": "{", "proof": "\\ud800"}\n',
    b'{"settings": {"--seed": "\\u001b[2J"}, "index": 1}\n',
]  # fmt: skip


@pytest.fixture
def cluster():
    """Two workers, as each of them knows them."""
    addresses = tuple(f"127.0.0.1:{port}" for port in helpers.free_ports(2))
    return [Cluster(addresses, ("worker 0", "worker 1"), index) for index in range(2)]


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as pool:
        yield pool


def meet(here, settings=None):
    """The error that a worker's meeting ends with; None where all agree."""
    try:
        with meeting.meeting(here, differences) as agree:
            agree({"--seed": 0} if settings is None else settings)
    except (UserError, LostWorker) as error:
        return f"{type(error).__name__}: {error}"


def connect(here, seconds=10):
    """A connection to the chief of a cluster, once it listens."""
    port, deadline = int(here.addresses[0].rpartition(":")[2]), time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), seconds)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_strangers_change_nothing(cluster, pool, monkeypatch, capfd):
    monkeypatch.setattr(reception, "MAX_STRANGERS", 20)
    chief = pool.submit(meet, cluster[0])
    with contextlib.ExitStack() as held:
        silent = [held.enter_context(connect(cluster[0])) for _ in range(60)]
        half_open = held.enter_context(connect(cluster[0]))
        half_open.shutdown(socket.SHUT_WR)
        connect(cluster[0]).close()
        for line in STRANGE_LINES:
            with connect(cluster[0]) as stranger, contextlib.suppress(ConnectionError):
                stranger.sendall(line)
                heard = stranger.makefile("rb").read()  # It is not kept: the chief ends the connection.
                assert heard.partition(b"\n")[2] in (b"", b"refused\n")
        assert silent[0].makefile("rb").read().count(b"\n") == 1  # The oldest had to go.
        assert not chief.done()
        assert (meet(cluster[1]), chief.result()) == (None, None)
    assert capfd.readouterr() == ("", "")


def test_a_chief_without_file_handles_dismisses_strangers(cluster, pool, monkeypatch):
    accept, refused = socket.socket.accept, []

    def scarce(listener):
        if len(refused) < 25 and len(silent) > 3:
            refused.append(listener)
            raise OSError(24, "Too many open files")
        return accept(listener)

    silent = []
    monkeypatch.setattr(socket.socket, "accept", scarce)
    chief = pool.submit(meet, cluster[0])
    silent += [connect(cluster[0]) for _ in range(5)]
    assert (meet(cluster[1]), chief.result(), len(refused)) == (None, None, 25)
    for connection in silent:
        connection.close()


def drip(connection, stops):
    with contextlib.suppress(OSError):
        while not stops.wait(0.05):
            connection.send(b"[")


@pytest.mark.parametrize("seconds", [60, 0.2])
def test_a_stranger_that_says_a_byte_now_and_then_does_not_hold_the_chief(cluster, pool, monkeypatch, seconds):
    """Neither until the end of the meeting, nor longer than a statement may take."""
    monkeypatch.setattr(meeting, "JOIN_SECONDS", 0.5)
    monkeypatch.setattr(reception, "STATEMENT_SECONDS", seconds)
    started, stops = time.monotonic(), threading.Event()
    chief = pool.submit(meet, cluster[0])
    with connect(cluster[0]) as stranger:
        dripping = pool.submit(drip, stranger, stops)
        if seconds < meeting.JOIN_SECONDS:
            with contextlib.suppress(ConnectionError):
                stranger.makefile("rb").read()
            assert not chief.done()
        assert chief.result() == (
            f"LostWorker: worker 1 ({cluster[0].addresses[1]}) did not come within 0.5 seconds: see what it says, "
            "and start all workers again"
        )
        assert time.monotonic() - started < 2
        stops.set()
        dripping.result()


@pytest.mark.parametrize("index", [0, 1])
def test_a_worker_that_never_comes(cluster, monkeypatch, index):
    monkeypatch.setattr(meeting, "JOIN_SECONDS", 0.5)
    name = f"worker {index} ({cluster[0].addresses[index]})"
    assert meet(cluster[1 - index]).startswith(f"LostWorker: {name} did not come within 0.5 seconds: ")


def test_another_secret(cluster, pool, monkeypatch):
    monkeypatch.setattr(meeting, "JOIN_SECONDS", 0.5)
    # The two differ in their cluster, which is part of the secret also where there is none in the environment.
    other = Cluster(cluster[1].addresses, ("chief", "worker 0"), 1)
    chief = pool.submit(meet, cluster[0])
    a, b = cluster[0].addresses
    assert meet(other) == (
        f"LostWorker: chief ({a}) is of another version, does not know the secret, or is another program: "
        f"start all workers again with {SAME_FOR_ALL}"
    )
    assert chief.result() == (
        f"LostWorker: worker 1 ({b}) is of another version, or does not know the secret: "
        f"start all workers again with {SAME_FOR_ALL}"
    )


def test_the_secret_is_of_the_environment_and_of_the_cluster(cluster, monkeypatch):
    keys = [proof.shared_key(cluster[0])]
    for secret in ("a", "b\n"):
        monkeypatch.setenv("DCGAN_TF_CLUSTER_SECRET", secret)
        keys.append(proof.shared_key(cluster[0]))
    assert len({*keys, proof.shared_key(Cluster(("a:1", "b:2"), cluster[0].names))}) == 4
    monkeypatch.setenv("DCGAN_TF_CLUSTER_SECRET", "b")  # Files that hold a secret often end with a line end.
    assert proof.shared_key(cluster[1]) == keys[-1]


def test_a_worker_of_a_version_without_a_secret_is_told(cluster, pool, monkeypatch):
    monkeypatch.setattr(meeting, "JOIN_SECONDS", 0.5)
    chief = pool.submit(meet, cluster[0])
    with connect(cluster[0]) as old:
        old.sendall(b'{"settings": {"--seed": 0}, "index": 1}\n')
        verdict = json.loads(old.makefile("rb").readline())
    assert not verdict["lost"]
    assert verdict["line"] == (
        "the chief is of another version of dcgan-tf: install the same on all workers, and start all again"
    )
    assert chief.result().startswith(f"LostWorker: worker 1 ({cluster[0].addresses[1]}) is of another version, or ")


def test_what_was_said_once_cannot_be_said_again(cluster, pool):
    """Neither to the chief, nor to a worker, nor back to the one who said it."""
    key = proof.shared_key(cluster[0])
    exchange = proof.Exchange(key, proof.new_nonce(), proof.new_nonce(), 1)
    recorded, reply = exchange.statement({"--seed": 0}), exchange.reply(None)
    assert exchange.value_of_statement(recorded) == {"--seed": 0}
    assert exchange.value_of_reply(reply) is None
    chief = pool.submit(meet, cluster[0])
    with connect(cluster[0]) as stranger:
        stranger.sendall(recorded)
        assert stranger.makefile("rb").readlines()[1:] == [b"refused\n"]
    assert (meet(cluster[1]), chief.result()) == (None, None)
    for other in (
        proof.Exchange(key, exchange.challenge, proof.new_nonce(), 1),
        proof.Exchange(key, exchange.challenge, exchange.nonce, 2),
    ):
        with pytest.raises(proof.Unproven):
            other.value_of_reply(reply)
    with pytest.raises(proof.Unproven):
        exchange.value_of_reply(recorded)
    with pytest.raises(proof.Unproven):
        exchange.value_of_statement(recorded.replace(b"--seed", b"--feed"))


def test_a_worker_may_come_again_and_a_double_is_told(pool):
    addresses = tuple(f"127.0.0.1:{port}" for port in helpers.free_ports(3))
    here = [Cluster(addresses, ("worker 0", "worker 1", "worker 2"), index) for index in range(3)]
    key = proof.shared_key(here[0])

    def state(connection, settings):
        challenge = proof.challenge_of(connection.makefile("rb").readline())
        exchange = proof.Exchange(key, challenge, proof.new_nonce(), 1)
        connection.sendall(exchange.statement(settings))
        return exchange

    chief = pool.submit(meet, here[0])
    with connect(here[0]) as killed:
        state(killed, {"--seed": 7})
    with connect(here[0]) as first, connect(here[0]) as second:
        older = state(first, {"--seed": 7})
        newer = state(second, {"--seed": 0})
        assert older.value_of_reply(first.makefile("rb").readline()) == {
            "lost": False,
            "line": "TF_CONFIG: another process has the same task as this one: give every process a task of its own",
        }
        assert (meet(here[2]), chief.result()) == (None, None)
        assert newer.value_of_reply(second.makefile("rb").readline()) is None


# What may be at the address of a chief instead of it: what it says at once, and what it says to a statement.
STRANGE_CHIEFS = {
    "closes": (b"", None),
    "http": (b"HTTP/1.1 400 Bad Request\r\n\r\n", None),
    "deep": (b"[" * 100_000 + b"\n", None),
    "a list": (b"[1]\n", None),
    "a verdict of an old version": (b'{"lost": false, "line": "\\u001b[2J"}\n', None),
    "no text": (b'{"challenge": {}}\n', None),
    "without an end": (b"x" * 2**20, None),
    "refuses": (proof.greeting("x"), proof.REFUSAL),
    "an unproven verdict": (proof.greeting("x"), b'{"lost": false, "line": "\\u001b[2J"}\n'),
    "a false proof": (proof.greeting("x"), b'{"body": "{\\"lost\\": false, \\"line\\": 1}", "proof": "\\u0130"}\n'),
}


@pytest.mark.parametrize("name", STRANGE_CHIEFS)
def test_a_stranger_at_the_chiefs_address(cluster, pool, monkeypatch, name):
    monkeypatch.setattr(meeting, "JOIN_SECONDS", 0.5)
    monkeypatch.setattr(meeting, "_REPLY_SECONDS", 0.2)
    greeting, verdict = STRANGE_CHIEFS[name]
    host, _, port = cluster[0].addresses[0].rpartition(":")
    with socket.create_server((host, int(port))) as listener:
        worker, started = pool.submit(meet, cluster[1]), time.monotonic()
        listener.settimeout(0.05)
        while not worker.done():
            with contextlib.suppress(TimeoutError, ConnectionError), listener.accept()[0] as connection:
                connection.sendall(greeting)
                if verdict:
                    connection.recv(1000)
                    connection.sendall(verdict)
        assert time.monotonic() - started < 2
        assert worker.result() == (
            f"LostWorker: worker 0 ({cluster[0].addresses[0]}) is of another version, does not know the secret, or is "
            f"another program: start all workers again with {SAME_FOR_ALL}"
        )


def test_a_mute_or_slow_stranger_at_the_chiefs_address(cluster, pool, monkeypatch):
    monkeypatch.setattr(meeting, "JOIN_SECONDS", 0.5)
    host, _, port = cluster[0].addresses[0].rpartition(":")
    with socket.create_server((host, int(port))) as listener:
        worker, started, stops = pool.submit(meet, cluster[1]), time.monotonic(), threading.Event()
        with listener.accept()[0] as connection:
            dripping = pool.submit(drip, connection, stops)
            assert worker.result() == (
                f"LostWorker: worker 0 ({cluster[0].addresses[0]}) did not come within 0.5 seconds: see what it says, "
                "and start all again"
            )
            assert time.monotonic() - started < 2
            stops.set()
            dripping.result()


class Stopped(BaseException):
    """As SystemExit and KeyboardInterrupt are, which the handlers of signals raise."""


@pytest.mark.parametrize("index", [0, 1])
def test_waiting_is_not_deaf_to_signals(cluster, monkeypatch, index):
    def stop(number, frame):
        raise Stopped

    def look_up(*arguments):  # As where no server of names answers, in C, where no handler of Python's is called.
        threading.Event().wait(5)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", look_up)
    before = signal.signal(signal.SIGTERM, stop)
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            meet(cluster[index])
        assert time.monotonic() - started < 2
    finally:
        signal.signal(signal.SIGTERM, before)
    socket.create_server(("", int(cluster[index].addresses[index].rpartition(":")[2]))).close()  # Nothing holds it.
