"""What a person types to run this program."""

import shlex
import shutil
import sys
from pathlib import Path


def program() -> str:
    """The command "dcgan-tf" where it is on the path and belongs to the Python that runs here, else "python -m dcgan_tf"."""
    found = shutil.which("dcgan-tf")
    if found and Path(found).absolute().parent == Path(sys.executable).absolute().parent:
        return "dcgan-tf"
    return "python -m dcgan_tf"


def quoted(path) -> str:
    """A path as it is typed into a shell; one that looks like a flag begins with "./"."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
