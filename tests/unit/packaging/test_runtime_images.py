import tomllib
from pathlib import Path

import pytest

import clipper_sls
from clipper_sls.packaging.runtime_images import FOLDER, runtime_image


def test_the_dockerfile_is_found() -> None:
    assert (runtime_image("python") / "Dockerfile").read_text().startswith("# The image of one model version")


def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="runtime_images/absent/Dockerfile"):
        runtime_image("absent")


def test_the_package_that_is_installed_holds_them() -> None:
    project = Path(clipper_sls.__file__).parents[1] / "pyproject.toml"
    included = tomllib.loads(project.read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {FOLDER: f"clipper_sls/{FOLDER}"}
