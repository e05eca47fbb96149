"""The command that installs packages which the program may do without, as a person has to type it here."""

import importlib.metadata
import re
import shutil
import tomllib
from pathlib import Path

from dcgan_tf.common.program import is_of_this_python, python

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"  # In a checkout; an installed package has none.


def package_of(module: str) -> str:
    """The package, as pip knows it, that a module is from: "ai_edge_litert.interpreter" -> "ai-edge-litert"."""
    first = module.partition(".")[0]
    return "tensorflow-serving-api" if first == "tensorflow_serving" else first.replace("_", "-")


def install_command(packages, *, again: bool = False) -> str:
    """Such as 'pip install "onnx>=1.17,<2"', for the Python that runs here.

    It names the packages themselves, in versions that go with this program, and never this program: that may have been
    installed from anywhere, or not at all.

    packages: their names as pip knows them, such as "ai-edge-litert". again: they are there, and damaged.
    """
    known = {_name(requirement): requirement for requirement in _requirements()}
    wanted = " ".join(f'"{known.get(_name(package), package)}"' for package in packages)
    return f"{_pip()} install {'--force-reinstall ' if again else ''}{wanted}"


def _requirements() -> list[str]:
    """What this program needs or can do more with: from its checkout, else from what was installed with it."""
    if PYPROJECT.is_file():
        project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
        lists = [project["dependencies"], *project["optional-dependencies"].values()]
        return [requirement for one in lists for requirement in one]
    try:
        found = importlib.metadata.requires("dcgan-tf") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [requirement.partition(";")[0].strip() for requirement in found]


def _name(requirement: str) -> str:
    """The name in a requirement, in the one form that packages are compared by: "Ai_Edge-litert>=2" -> "ai-edge-litert"."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def _pip() -> str:
    """ "pip" where that is the one of the Python that runs here, else that Python with its path."""
    return "pip" if is_of_this_python(shutil.which("pip")) else f"{python()} -m pip"
