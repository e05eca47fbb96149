"""What the workers of a cluster say to each other before they train: lines of JSON, with a proof of who says them.

The chief greets whoever connects with a challenge. A worker answers with a statement, the chief ends with a reply. Both
carry an HMAC of all that was said on the connection, so that nobody without the secret can say them, and nobody can say
again what was said once: the challenge and the worker's nonce are drawn anew for every connection. Nothing is encrypted.
"""

import hmac
import json
import os
import secrets
from dataclasses import dataclass

from dcgan_tf.training.machine.cluster import Cluster

SECRET_VARIABLE = "DCGAN_TF_CLUSTER_SECRET"
MAX_LINE_BYTES = 2**18
REFUSAL = b"refused\n"
_PROTOCOL = "dcgan-tf meeting 1"  # Another number makes another key: versions that say other things do not meet.


class Unproven(ValueError):
    """A line that does not prove that somebody of the cluster says it here and now."""


def shared_key(cluster: Cluster) -> bytes:
    """What the workers of one cluster know: made of the secret in the environment, and of their names and addresses,
    which stand for the secret where there is none."""
    secret = os.fsencode(os.environ.get(SECRET_VARIABLE, "").strip())
    return hmac.digest(secret, json.dumps([_PROTOCOL, cluster.names, cluster.addresses]).encode(), "sha256")


def new_nonce() -> str:
    return secrets.token_hex(16)


def greeting(challenge: str) -> bytes:
    """The chief's first line on every connection. A worker of a version before there was a challenge takes it for the
    verdict, and ends with `line` as its error."""
    line = "the chief is of another version of dcgan-tf: install the same on all workers, and start all again"
    return _line({"challenge": challenge, "lost": False, "line": line})


def challenge_of(line: bytes) -> str:
    """Raises Unproven where it is no greeting."""
    challenge = _parsed(line).get("challenge")
    if not isinstance(challenge, str):
        raise Unproven
    return challenge


@dataclass(frozen=True)
class Exchange:
    """One connection, as both of its ends know it. index: of the worker."""

    key: bytes
    challenge: str
    nonce: str
    index: int

    def statement(self, value: dict | None) -> bytes:
        """The worker's line."""
        return _line({"index": self.index, "nonce": self.nonce} | self._sealed("statement", value))

    def value_of_statement(self, line: bytes) -> dict | None:
        """Raises Unproven where no worker said it, here and now."""
        return self._opened("statement", line)

    def reply(self, value: dict | None) -> bytes:
        """The chief's line."""
        return _line(self._sealed("reply", value))

    def value_of_reply(self, line: bytes) -> dict | None:
        """Raises Unproven where the chief did not say it, here and now."""
        return self._opened("reply", line)

    def _opened(self, kind: str, line: bytes) -> dict | None:
        message = _parsed(line)
        body, proof = message.get("body"), message.get("proof")
        if not isinstance(body, str) or not isinstance(proof, str):
            raise Unproven
        if not hmac.compare_digest(self._proof(kind, body), proof.encode("ascii", "replace")):
            raise Unproven
        return None if body == "null" else _parsed(body)

    def _sealed(self, kind: str, value: dict | None) -> dict:
        body = json.dumps(value)
        return {"body": body, "proof": self._proof(kind, body).decode()}

    def _proof(self, kind: str, body: str) -> bytes:
        said = json.dumps([kind, self.challenge, self.nonce, self.index, body])
        return hmac.new(self.key, said.encode(), "sha256").hexdigest().encode()


def claimed_exchange(line: bytes, key: bytes, challenge: str, workers: range) -> Exchange | None:
    """What somebody says who claims to be a worker, of which nothing is proven yet; None for anybody else.

    workers: the indices that a worker may have.
    """
    try:
        message = _parsed(line)
    except Unproven:
        return None
    index, nonce = message.get("index"), message.get("nonce")
    if type(index) is not int or index not in workers:
        return None
    return Exchange(key, challenge, nonce if isinstance(nonce, str) else "", index)


def _line(message: dict) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _parsed(line: bytes | str) -> dict:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise Unproven from None
    if not isinstance(message, dict):
        raise Unproven
    return message
