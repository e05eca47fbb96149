import os
import signal

import pytest

from dcgan_tf.common.signals import ENDING, SIGHUP, handle, restore
from dcgan_tf.training.machine.signals import StopRequest

pytestmark = pytest.mark.skipif(SIGHUP is None, reason="this system has no SIGHUP")


@pytest.fixture(autouse=True)
def as_before():
    held = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
    yield
    restore(held)


def test_a_handler_is_there_for_a_while():
    before, seen = {number: signal.getsignal(number) for number in ENDING}, []
    handled = handle(ENDING, lambda number, frame: seen.append(number))
    for number in ENDING:
        os.kill(os.getpid(), number)
    assert seen == [signal.SIGTERM, signal.SIGHUP]
    restore(handled)
    assert {number: signal.getsignal(number) for number in ENDING} == before


def test_what_nohup_has_ignored_stays_ignored():
    signal.signal(SIGHUP, signal.SIG_IGN)
    with StopRequest() as stop:
        os.kill(os.getpid(), SIGHUP)
        assert stop.signal is None and signal.getsignal(SIGHUP) == signal.SIG_IGN


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_is_impatient(number):
    with StopRequest() as stop:
        os.kill(os.getpid(), number)
        assert stop.signal == number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_a_second_sighup_is_not():
    with StopRequest() as stop:
        os.kill(os.getpid(), SIGHUP)
        os.kill(os.getpid(), SIGHUP)
        assert stop.signal == SIGHUP
