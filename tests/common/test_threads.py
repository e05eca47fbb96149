"""Threads that never keep a process from ending."""

import os
import signal
import threading

import pytest
from support.python_process import run_python

from dcgan_tf.common.threads import Threads, call_in_thread


def test_results_and_errors_come_out():
    threads = Threads(2)
    assert threads.map(lambda a, b: a + b, [1, 2, 3], [10, 20, 30]) == [11, 22, 33]
    with pytest.raises(ZeroDivisionError):
        threads.map(lambda i: 1 // i, [1, 0, 2])
    assert call_in_thread(divmod, 7, 2) == (3, 1)


def test_threads_end_with_the_pool():
    threads = Threads(8)
    thread = threads.submit(threading.current_thread).result()
    assert thread.daemon and thread.is_alive()
    del threads
    thread.join(5)
    assert not thread.is_alive()


def test_closing_does_not_wait_for_a_task_that_a_thread_has_just_taken():
    threads = Threads(1)
    seen = threads._tasks

    class Taken:
        """The queue as it is where a thread takes the last task just after `close` has looked into it."""

        def empty(self):
            return False

        def __getattr__(self, name):
            return getattr(seen, name)

    threads._tasks = Taken()
    closing = threading.Thread(target=threads.close, daemon=True)
    closing.start()
    closing.join(5)
    assert not closing.is_alive()


HANG = """if True:
    import contextlib, os, signal, sys
    from dcgan_tf.data.parallel import in_order
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

    def hang(i):
        os.write(1, b"hangs\\n")
        os.read(os.pipe()[0], 1)

    with contextlib.closing(in_order(hang, range(100))) as results:
        list(results)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_a_thread_that_hangs_in_a_read_does_not_keep_the_process(number, code):
    process = run_python(HANG)
    assert process.stdout.readline() == "hangs\n"
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == code
