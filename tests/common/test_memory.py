"""Memory for images: what does not fit is refused, and threads that decode share what there is."""

import threading

import pytest
from support.helpers import error_of

from dcgan_tf.common import memory
from dcgan_tf.common.memory import Budget, check_fits, free_bytes


def test_what_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 1000)
    check_fits("a.npy", 1000, "save it in C order")
    assert error_of(check_fits, "a.npy", 5000, "save it in C order") == (
        "a.npy needs 5 KB of memory, and 1 KB are free: save it in C order"
    )


@pytest.mark.parametrize(("limit", "expected"), [("1000000000000000", None), ("max", None), ("1000", 0)])
def test_a_container_may_allow_less_than_the_system_has(tmp_path, monkeypatch, limit, expected):
    (tmp_path / "limit").write_text(limit)
    monkeypatch.setattr(memory, "CONTAINER_LIMITS", (str(tmp_path / "none"), str(tmp_path / "limit")))
    assert free_bytes() > 10**6 if expected is None else free_bytes() == expected


def test_shares_wait_for_each_other_but_a_large_one_goes_alone():
    budget, together, most = Budget(10), [], []

    def work(amount):
        with budget.share(amount):
            together.append(amount)
            most.append(sum(together))
            threading.Event().wait(0.005)
            together.remove(amount)

    threads = [threading.Thread(target=work, args=[amount]) for amount in (4, 4, 4, 25, 6, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == 6 and max(total for total in most if total != 25) <= 10 and 25 in most
