import pytest
from support.bare_runs import bare_runs, traced_once

from dcgan_tf.generators.quality import Quality


@pytest.fixture(scope="module")
def bare():
    """For modules that do not look at SavedModels, films and the timing of steps, see `support.bare_runs`."""
    with bare_runs():
        yield


@pytest.fixture(scope="module")
def one_trace(bare):
    """For modules that train many bare runs, one after the other, see `support.bare_runs.traced_once`."""
    with traced_once():
        yield


@pytest.fixture
def scores(monkeypatch):
    """Sets what is measured: the SWD of each measurement in turn, and always the same diversity."""

    def set_scores(*swds):
        rest = list(swds)
        monkeypatch.setattr(Quality, "scores", lambda self: {"swd": rest.pop(0)})
        monkeypatch.setattr(Quality, "diversity", lambda self: 0.9)

    return set_scores
