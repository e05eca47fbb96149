import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_requirements_are_the_dependencies_of_the_package():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line.split("#")[0].strip() for line in lines] == wanted


def test_every_dependency_has_a_lower_bound_a_major_version_and_a_reason():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines and all(re.fullmatch(r"[\w\[\]-]+>=[\d.]+,<\d+ +# .+", line) for line in lines)


def test_so_has_every_package_of_an_extra():
    text = (ROOT / "pyproject.toml").read_text()
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    packages = [package for extra in extras.values() for package in extra if not package.startswith("dcgan-tf[")]
    for package in packages:
        assert re.fullmatch(r"[\w-]+>=[\d.]+,<\d+", package)
        assert re.search(rf'"{re.escape(package)}", +# .+', text)
