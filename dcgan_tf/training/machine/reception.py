"""The chief's port while the workers meet: many connections at once, of workers and of strangers. No TensorFlow here.

A stranger may be a port scan, a web browser, or somebody who wants to do harm. What it says is never an error, and what
it does not say keeps nobody waiting: it has a few seconds, and has to go sooner where too many others come.
"""

import contextlib
import selectors
import socket
import time

from dcgan_tf.training.machine.proof import (
    MAX_LINE_BYTES,
    REFUSAL,
    Exchange,
    Unproven,
    claimed_exchange,
    greeting,
    new_nonce,
)

MAX_STRANGERS = 256  # Each takes a file handle, and at most MAX_LINE_BYTES of memory.
STATEMENT_SECONDS = 10  # A worker makes its statement within milliseconds of the greeting.
_REPLY_SECONDS = 5


class _Guest:
    """A connection. exchange: None until a statement has proven whose it is."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self.challenge = new_nonce()
        self.deadline = time.monotonic() + STATEMENT_SECONDS
        self.heard = bytearray()
        self.exchange: Exchange | None = None
        connection.setblocking(False)

    def send(self, line: bytes) -> None:
        """Never waits: whatever was said to it before, and it has not read, is less than what its system keeps for it."""
        with contextlib.suppress(OSError):  # That it is gone shows when it is heard.
            self.connection.send(line)


class Reception:
    """Hears what the workers of a cluster state.

    Attributes:
        stated: what each worker that is there has stated, by its index: its settings, or None where it has failed. It may
            come again, as a pod that was started anew does: its newest statement is the one that holds.
        unproven: indices that somebody has spoken for without the proof, such as workers of an older version.
    """

    def __init__(self, listener: socket.socket, key: bytes, workers: range, double: dict):
        """listener: listens already, and is the caller's to close. workers: the indices of all but the chief. double:
        the verdict for a worker when another process proves to be the same."""
        self.stated: dict[int, dict | None] = {}
        self.unproven: set[int] = set()
        self._key, self._workers, self._double = key, workers, double
        self._strangers: dict[_Guest, None] = {}  # The oldest comes first.
        self._present: dict[int, _Guest] = {}
        self._listener = listener
        listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for guest in (*self._strangers, *self._present.values()):
            guest.connection.close()
        self._selector.close()

    def wait(self, seconds: float) -> None:
        """Returns once somebody has come, said something or gone, at most after so many seconds."""
        now = time.monotonic()
        oldest = next(iter(self._strangers), None)
        if oldest:
            seconds = min(seconds, oldest.deadline - now)
        for ready, _ in self._selector.select(max(seconds, 0)):
            if ready.fileobj is self._listener:
                self._accept()
            else:
                self._hear(ready.data)
        for guest in [guest for guest in self._strangers if guest.deadline <= time.monotonic()]:
            self._dismiss(guest)

    def reply(self, verdicts: dict[int, dict | None]) -> None:
        """Says to each worker that is there its verdict, by its index."""
        for index, guest in self._present.items():
            with contextlib.suppress(OSError):
                guest.connection.settimeout(_REPLY_SECONDS)
                guest.connection.sendall(guest.exchange.reply(verdicts[index]))

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:  # It has gone already.
            return
        except OSError:  # No file handle may be left: the oldest stranger's will do.
            self._dismiss_oldest()
            time.sleep(0.01)
            return
        guest = _Guest(connection)
        self._strangers[guest] = None
        self._selector.register(connection, selectors.EVENT_READ, guest)
        if len(self._strangers) > MAX_STRANGERS:
            self._dismiss_oldest()
        guest.send(greeting(guest.challenge))

    def _hear(self, guest: _Guest) -> None:
        if guest.connection.fileno() < 0:
            return  # It was dismissed a moment ago, for another's sake.
        try:
            part = guest.connection.recv(2**16)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        guest.heard += part
        if not part or guest.exchange or len(guest.heard) > MAX_LINE_BYTES:
            self._dismiss(guest)  # It is gone, or says more than it should.
        elif b"\n" in part:
            self._judge(guest, bytes(guest.heard).partition(b"\n")[0])

    def _judge(self, guest: _Guest, line: bytes) -> None:
        exchange = claimed_exchange(line, self._key, guest.challenge, self._workers)
        try:
            if not exchange:
                raise Unproven
            settings = exchange.value_of_statement(line)
        except Unproven:
            if exchange:
                self.unproven.add(exchange.index)
            guest.send(REFUSAL)
            self._dismiss(guest)
            return
        older = self._present.get(exchange.index)
        if older:
            older.send(older.exchange.reply(self._double))
            self._dismiss(older)
        del self._strangers[guest]
        guest.exchange = exchange
        self._present[exchange.index], self.stated[exchange.index] = guest, settings

    def _dismiss(self, guest: _Guest) -> None:
        self._selector.unregister(guest.connection)
        guest.connection.close()
        self._strangers.pop(guest, None)
        if guest.exchange:
            index = guest.exchange.index
            del self._present[index]
            if self.stated[index] is not None:  # One that has failed and then went has still failed.
                del self.stated[index]

    def _dismiss_oldest(self) -> None:
        for guest in list(self._strangers)[:1]:
            self._dismiss(guest)
