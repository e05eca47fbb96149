import pytest

from dcgan_tf.training.judge import Measure


@pytest.fixture
def scores(monkeypatch):
    """Sets what is measured: the SWD of each measurement in turn, and always the same diversity."""

    def set_scores(*swds):
        rest = list(swds)
        monkeypatch.setattr(Measure, "swd", lambda self: rest.pop(0))
        monkeypatch.setattr(Measure, "diversity", lambda self: 0.9)

    return set_scores
