"""Exports that are checked in the process that makes them: one of its own imports TensorFlow, for each artifact anew.

That process, which has neither Keras nor this package, is started for the first export of tests/export/test_command.py,
and in tests/generators/test_runtimes.py.
"""

import contextlib

import pytest

# The same for a process of its own, as the `before` of a `support.programs.Program`.
CHECKED_HERE = """
import logging
import subprocess
from types import SimpleNamespace
from dcgan_tf.export import verify
from dcgan_tf.generators import runtimes

def run(command, **options):
    logger = logging.getLogger("tensorflow")  # It warns of its own loader, which nobody reads of the other process.
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        runtimes.main(*command[3:])
    finally:
        logger.setLevel(level)
    return subprocess.CompletedProcess(command, 0, "", "")

verify.subprocess = SimpleNamespace(run=run)
"""


@contextlib.contextmanager
def checked_here():
    from dcgan_tf.export import verify

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "subprocess", verify.subprocess)  # Puts it back.
        exec(CHECKED_HERE, {})
        yield
