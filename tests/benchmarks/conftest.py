import pytest


class NoSavedModel:
    """In place of a `SavedModelWriter`: the folder of an epoch stays empty."""

    signatures = {}

    def __init__(self, generator, latents):
        """Traces nothing."""

    def write_epoch(self, path, card):
        path.mkdir(exist_ok=True)


@pytest.fixture
def quick_runs(monkeypatch):
    """Runs in this process measure no step beforehand, write no SavedModels, and draw no film: benchmarks look at none of
    these. tests/programs trains with all of them."""
    from dcgan_tf.training import command, saver

    monkeypatch.setattr(command, "settle_xla", lambda gan, update, steps: 1.0)
    monkeypatch.setattr(command, "animate", lambda folder: None)
    monkeypatch.setattr(saver, "SavedModelWriter", NoSavedModel)
