import shlex
import shutil
import sys

import pytest
from packaging.requirements import Requirement

from dcgan_tf.common import install
from dcgan_tf.common.install import install_command


@pytest.fixture
def pip_here(monkeypatch, tmp_path):
    """As in a virtual environment that is active."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / "bin" / name))


def test_the_packages_themselves_are_named_in_versions_that_go_together(pip_here):
    assert install_command(["onnx", "tf2onnx"]) == 'pip install "onnx>=1.17,<2" "tf2onnx>=1.17,<2"'
    assert install_command(["ai_edge_litert"]) == 'pip install "ai-edge-litert>=2.0,<3"'
    assert install_command(["pillow"]) == 'pip install "pillow>=11,<14"'


def test_installed_without_a_checkout_it_is_the_same(pip_here, monkeypatch, tmp_path):
    monkeypatch.setattr(install, "PYPROJECT", tmp_path / "pyproject.toml")
    found = ["numpy<3,>=2.0", 'onnx<2,>=1.17; extra == "onnx"', 'dcgan-tf[onnx]; extra == "export"']
    monkeypatch.setattr(install.importlib.metadata, "requires", lambda name: found)
    assert install_command(["onnx", "numpy"]) == 'pip install "onnx<2,>=1.17" "numpy<3,>=2.0"'


def test_neither_installed_nor_a_checkout_the_names_are_all_there_is(pip_here, monkeypatch, tmp_path):
    def none(name):
        raise install.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(install, "PYPROJECT", tmp_path / "pyproject.toml")
    monkeypatch.setattr(install.importlib.metadata, "requires", none)
    assert install_command(["onnx"]) == 'pip install "onnx"'


@pytest.mark.parametrize("pip", [None, "/usr/bin/pip"])
def test_where_pip_is_another_pythons_this_one_is_named(monkeypatch, pip):
    monkeypatch.setattr(shutil, "which", lambda name: pip)
    monkeypatch.setattr(sys, "executable", "/home/a b/$x/bin/python")
    words = shlex.split(install_command(["onnx"]))
    if sys.platform != "win32":
        assert words[:4] == ["/home/a b/$x/bin/python", "-m", "pip", "install"]
    assert Requirement(words[4]).name == "onnx"


def test_this_program_itself_is_never_to_be_installed_by_name():
    for requirement in install._requirements():
        words = shlex.split(install_command([install._name(requirement)]))
        if not requirement.startswith("dcgan-tf"):
            assert Requirement(words[-1]).specifier
