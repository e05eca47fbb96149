"""Scripts of Python run in this process, for tests of what they say: each process of its own would import TensorFlow."""

import contextlib
import io
import runpy
import subprocess
import sys
from pathlib import Path
from unittest import mock


def run_here(script: Path, *arguments, cwd: Path) -> subprocess.CompletedProcess:
    """Runs a file as `python script arguments` would in the folder `cwd`; what it prints and its exit code come back."""
    command, out, error, code = [str(script), *map(str, arguments)], io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(cwd),
        mock.patch.object(sys, "argv", command),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
    ):
        try:
            runpy.run_path(command[0], run_name="__main__")
        except SystemExit as ended:
            code = ended.code or 0
    return subprocess.CompletedProcess(command, code, out.getvalue(), error.getvalue())
