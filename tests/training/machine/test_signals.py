import os
import signal

import pytest

from dcgan_tf.training.machine.signals import StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_kept_and_the_second_interrupts(number):
    with StopRequest() as stop:
        assert stop.signal is None
        os.kill(os.getpid(), number)
        assert stop.signal == number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_signals_do_what_they_did():
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *arguments: seen.append("ours"))
    try:
        with StopRequest():
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == ["ours"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
