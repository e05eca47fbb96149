"""`in_order`: results in order from many threads, few at a time, and an end that leaves nothing running."""

import threading
import time

import pytest

from dcgan_tf.data import parallel
from dcgan_tf.data.parallel import in_order


@pytest.fixture(autouse=True)
def two_processors(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def test_results_are_in_order_though_the_first_are_slow():
    def slow_first(i):
        time.sleep(0.02 if i % 4 == 0 else 0)
        return 10 * i

    assert list(in_order(slow_first, range(20))) == [10 * i for i in range(20)]
    assert list(in_order(slow_first, [])) == []


def test_as_many_threads_as_processors():
    names, both_here = set(), threading.Barrier(2, timeout=10)

    def work(i):
        if i < 2:
            both_here.wait()  # This passes only when two threads are here at once.
        names.add(threading.current_thread().name)

    list(in_order(work, range(50)))
    assert len(names) == 2


def test_only_a_few_items_are_taken_before_a_result_is_wanted():
    taken = []

    def items():
        for i in range(1000):
            taken.append(i)
            yield i

    results = in_order(lambda i: i, items())
    assert taken == []
    assert next(results) == 0 and len(taken) == 8  # Each of two threads has four pending.
    assert next(results) == 1 and len(taken) == 9
    results.close()


def test_an_error_comes_when_its_result_is_due():
    def invert(i):
        return 6 // (3 - i)

    results = in_order(invert, range(6))
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []


def test_left_early_no_thread_stays():
    before = set(threading.enumerate())  # One that an earlier test has left may end meanwhile.
    results = in_order(time.sleep, [0.01] * 1000)
    next(results)
    started = time.monotonic()
    results.close()
    assert set(threading.enumerate()) <= before and time.monotonic() - started < 1  # All items would take five seconds.


def test_of_large_results_fewer_are_computed_ahead(monkeypatch):
    taken = []
    monkeypatch.setattr(parallel, "MAX_PENDING_BYTES", 100)

    def items():
        for i in range(20):
            taken.append(i)
            yield i

    for result_bytes, ahead in ((40, 2), (1000, 1), (1, 8)):
        taken.clear()
        results = in_order(lambda i: i, items(), result_bytes)
        assert next(results) == 0 and len(taken) == ahead
        assert list(results) == list(range(1, 20))
