"""Processes of Python that a study is made of."""

import subprocess
import sys

from benchmarks.common import ROOT, environment


def run(arguments: list[str]) -> str:
    """A Python process from the root of the repository; its errors go to standard error."""
    process = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return process.stdout
