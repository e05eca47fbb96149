import platform
from importlib.metadata import version

import dcgan_tf
from dcgan_tf.common.versions import versions


def test_versions_are_those_installed_in_this_order():
    assert list(versions().items()) == [
        ("dcgan_tf", dcgan_tf.__version__),
        ("python", platform.python_version()),
        ("tensorflow", version("tensorflow")),
        ("keras", version("keras")),
        ("numpy", version("numpy")),
    ]
