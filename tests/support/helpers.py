import socket
from pathlib import Path

import pytest

from dcgan_tf.common.errors import UserError

ROOT = Path(__file__).parents[2]  # of the project
H5 = ROOT / "tests" / "h5"  # nets that old TensorFlow saved


def error_of(call, *arguments, **options) -> str:
    """The one line that a call fails with."""
    with pytest.raises(UserError) as raised:
        call(*arguments, **options)
    message = str(raised.value)
    assert "\n" not in message
    return message


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports
