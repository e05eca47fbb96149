"""Trainings without what most tests of trainings do not look at: half of the time of a small one."""

import contextlib

import pytest

# The same for a process of its own, as the `before` of a `support.programs.Program`.
BARE = """
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.training import command
command.settle_xla = lambda gan, update, steps: 1.0
command._draw_history = lambda folder: None
SavedModelWriter.write_epoch = lambda self, path, card: None
"""


@contextlib.contextmanager
def bare_runs():
    """Within, no step is timed before a training, no film and no curves are drawn after it, and the folder of an epoch's
    SavedModel is empty. Whole runs are trained in tests/programs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dcgan_tf.training.command.settle_xla", lambda gan, update, steps: 1.0)
        patch.setattr("dcgan_tf.training.command._draw_history", lambda folder: None)
        patch.setattr("dcgan_tf.export.savedmodel.SavedModelWriter.write_epoch", lambda self, path, card: None)
        yield
