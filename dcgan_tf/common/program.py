"""What a person types to run this program."""

import shlex
import shutil
import sys
from pathlib import Path


def program() -> str:
    """The command "dcgan-tf" where it is on the path and belongs to the Python that runs here, else this Python with
    "-m dcgan_tf": "python" where that is the one on the path, else by its path, as where an environment is not switched on."""
    if is_of_this_python(shutil.which("dcgan-tf")):
        return "dcgan-tf"
    return f"{python()} -m dcgan_tf"


def python() -> str:
    """What a person types to run the Python that runs here."""
    for name in ("python", "python3"):
        if not sys.executable or is_of_this_python(shutil.which(name)):
            return name
    path = Path(sys.executable)
    here = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return quoted(here)


def is_of_this_python(found: str | None) -> bool:
    """Whether a program that was found on the path lies beside the Python that runs here."""
    return bool(found and sys.executable) and Path(found).absolute().parent == Path(sys.executable).absolute().parent


def quoted(path) -> str:
    """A path as it is typed into a shell; one that looks like a flag begins with "./"."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
