"""Programs of this package in processes of their own, without the seconds that each would need to import TensorFlow.

They are forked from a server that has imported it and has not used it yet. What a user starts, `python train.py`, is
started as such by test_training.py and others; this is for tests that need many processes.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path

import pytest

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["dcgan_tf.training.command", "dcgan_tf.export.command"])


class Program:
    """A process that runs `dcgan_tf.cli.<entry>(arguments)`, used like a subprocess.Popen.

    env: changes to this process's. before: code to run first.
    """

    def __init__(self, entry: str, *arguments, env: dict[str, str] | None = None, before: str = ""):
        self._folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        environment = dict(os.environ) | (env or {})
        _start_server()
        work = (entry, list(map(str, arguments)), environment, before, self._folder)
        self._process = FORKS.Process(target=_run, args=work, daemon=True)  # it does not outlive the tests
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float = 120) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._folder.name, timeout)
        return self._process.exitcode

    def communicate(self, timeout: float = 120) -> tuple[str, str]:
        """What it wrote to standard output and to standard error, once it has ended."""
        self.wait(timeout)
        return self._written("stdout"), self._written("stderr")

    def lines(self, timeout: float = 120) -> Iterator[str]:
        """The lines of its standard output, each as soon as it is there."""
        seen, deadline = 0, time.monotonic() + timeout
        while True:
            ended = self.poll() is not None
            text = self._written("stdout")
            whole = text if ended else text[: text.rfind("\n") + 1]
            yield from whole[seen:].splitlines()
            seen = len(whole)
            if ended:
                return
            assert time.monotonic() < deadline, f"it still runs, and has written {text!r}"
            time.sleep(0.01)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _written(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _start_server() -> None:
    """Starts the server where it does not run yet. TensorFlow is as silent in it as the program makes it in a cluster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        forkserver.ensure_running()


def _run(entry: str, arguments: list[str], environment: dict[str, str], before: str, folder: Path) -> None:
    for name, number in (("stdout", 1), ("stderr", 2)):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        setattr(sys, name, os.fdopen(file, "w", buffering=1))
    os.environ.clear()
    os.environ.update(environment)
    from dcgan_tf import cli

    exec(before, {})
    sys.exit(getattr(cli, entry)(arguments))
