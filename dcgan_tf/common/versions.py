"""Which versions of software made something, to be written beside it: into a run's config.json, a model card."""

import platform
from importlib.metadata import version

from dcgan_tf import __version__

_LIBRARIES = ("tensorflow", "keras", "numpy")


def versions() -> dict[str, str]:
    """Maps this package, Python and the libraries that decide results to their installed versions."""
    return {"dcgan_tf": __version__, "python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}
