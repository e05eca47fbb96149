"""The versions of what makes a run or an export."""

import platform
from importlib.metadata import version

from dcgan_tf import __version__

_LIBRARIES = ("tensorflow", "keras", "numpy")


def versions() -> dict[str, str]:
    """The versions of what makes a run or an export."""
    return {"dcgan_tf": __version__, "python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}
